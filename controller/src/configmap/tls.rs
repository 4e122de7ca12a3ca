//! TLS towards clients.

use super::builder::ConfigBuilder;
use super::entry::Key;
use crate::diagnostic::Severity;
use crate::object::Kind;
use crate::registry::{Value, ValueError, cipher_suites, tls_versions};

const CACHE: &str = "the number of sessions is limited, not their memory";

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "ssl-protocols",
        "TLSv1.2 TLSv1.3",
        "Sets the TLS versions that clients may use, separated by spaces: `TLSv1.2`, `TLSv1.3`.",
        protocols,
    )
    .but("Older versions are left out, with a warning."),
    Key::full(
        "ssl-ciphers",
        "",
        "Sets the cipher suites of TLS 1.2, the preferred first: OpenSSL's names, separated by colons. Empty: all \
         that are supported. Suites of TLS 1.3 are not affected.",
        ciphers,
    )
    .but("ECDHE with AES-GCM or ChaCha20-Poly1305 is supported. Other suites are left out, with a warning."),
    Key::ignored(
        "ssl-ecdh-curve",
        "auto",
        "X25519, P-256, P-384 and X25519MLKEM768 are always offered",
        "Sets the curves of the key exchange.",
    ),
    Key::ignored(
        "ssl-dh-param",
        "",
        "no suite with finite-field Diffie-Hellman is supported",
        "Names a Secret, as `namespace/name`, with parameters for Diffie-Hellman.",
    )
    .refers_to(Kind::Secret),
    Key::full(
        "ssl-session-cache",
        "true",
        "Keeps TLS sessions in memory, up to 10,000, so that clients can resume them. Boolean.",
        |value, draft| {
            draft.config.gateway.tls.session_cache = value.bool()?;
            Ok(())
        },
    ),
    Key::ignored("ssl-session-cache-size", "10m", CACHE, "Sets the memory for TLS sessions. Size."),
    Key::full(
        "ssl-session-tickets",
        "false",
        "Lets clients resume TLS sessions by tickets, whose keys rotate. Boolean. With false sessions are kept in \
         memory.",
        |value, draft| {
            draft.config.gateway.tls.session_tickets = value.bool()?;
            Ok(())
        },
    ),
    Key::ignored(
        "ssl-session-ticket-key",
        "",
        "the keys of tickets are random, and rotate",
        "Sets the key of TLS session tickets.",
    ),
    Key::full(
        "ssl-session-timeout",
        "10m",
        "Sets how long a TLS session that is kept in memory can be resumed. Time above 0, in whole seconds.",
        |value, draft| {
            draft.config.gateway.tls.session_timeout = value.positive_time()?;
            Ok(())
        },
    )
    .but("Tickets are valid for as long as their keys: up to 12 hours."),
    Key::full(
        "ssl-buffer-size",
        "16k",
        "Sets how much of a response goes into one record of TLS at most. A client can read a record only when all of it has \
         arrived, so that smaller records show the first bytes earlier. Size from 512 bytes; more than 16k is as 16k, the most \
         that TLS allows.",
        |value, draft| {
            let bytes = usize::try_from(value.size()?).unwrap_or(usize::MAX);
            if bytes < 512 {
                return Err(ValueError::Expected("a size from 512 bytes, such as \"4k\""));
            }
            draft.config.gateway.tls.record_size = bytes.min(16 << 10);
            Ok(())
        },
    )
    .but("The default is 16k, where ingress-nginx's is 4k."),
    Key::ignored(
        "ssl-early-data",
        "false",
        "early data can be replayed",
        "Accepts early data of TLS 1.3 (0-RTT). Boolean.",
    ),
    Key::full(
        "ssl-reject-handshake",
        "false",
        "Ends TLS handshakes for hosts that no rule names, with the alert `unrecognized_name`. Boolean. With false \
         they get the default certificate.",
        |value, draft| {
            draft.config.gateway.tls.reject_unknown = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "enable-ocsp",
        "false",
        "Sends the OCSP response about a certificate along in TLS handshakes (stapling). Boolean. The certificate names the \
         server that is asked (the responder). It is asked after the first handshake with this certificate, and again when half \
         of the response's time is over, after 36 hours at the latest. No handshake waits for it. A response is sent only if it \
         says that the certificate is good, and is signed by the issuer or by whom the issuer has named; the issuer's \
         certificate has to follow in the Secret. Whoever writes such Secrets decides where Adit sends these requests, but they \
         never go to loopback or link-local addresses, nor to a cloud's metadata service.",
        |value, draft| {
            draft.config.gateway.tls.ocsp = value.bool()?;
            Ok(())
        },
    )
    .but("Responders are asked by HTTP, not by HTTPS."),
];

fn protocols(value: Value<'_>, draft: &mut ConfigBuilder) -> Result<(), ValueError> {
    let (versions, others) = tls_versions(value);
    if versions == (false, false) {
        return Err(ValueError::Expected("TLSv1.2, TLSv1.3 or both"));
    }
    if !others.is_empty() {
        let complaint = format!(
            "contains {}, which is not supported: expected TLSv1.2 and TLSv1.3; it is left out",
            others.join(", ")
        );
        draft.complain(Severity::Warning, complaint);
    }
    let tls = &mut draft.config.gateway.tls;
    (tls.tls12, tls.tls13) = versions;
    Ok(())
}

fn ciphers(value: Value<'_>, draft: &mut ConfigBuilder) -> Result<(), ValueError> {
    let names = value.text().split(':').filter(|name| !name.is_empty());
    let (known, complaint) = cipher_suites(names);
    complaint.into_iter().for_each(|complaint| draft.complain(Severity::Warning, complaint));
    draft.config.gateway.tls.ciphers = known;
    Ok(())
}
