//! TLS towards clients.

use super::builder::ConfigBuilder;
use super::entry::Key;
use super::error::KeyError;
use super::value::Value;
use crate::diagnostic::Severity;
use gateway::tls::{cipher, supported_ciphers};

const CACHE: &str = "the sessions that are remembered are bounded by their number";

pub(super) const KEYS: &[Key] = &[
    Key::full("ssl-protocols", "TLSv1.2 TLSv1.3", "Versions of TLS, separated by blanks.", protocols)
        .but("Versions before TLS 1.2 are not spoken."),
    Key::full("ssl-ciphers", "", "Suites of TLS 1.2 by OpenSSL's names, separated by colons.", ciphers)
        .but("ECDHE with AES-GCM or ChaCha20-Poly1305 only; suites that are not there are named in a warning."),
    Key::ignored("ssl-ecdh-curve", "auto", "clients choose among X25519, P-256 and P-384", "Curves."),
    Key::ignored(
        "ssl-dh-param",
        "",
        "there are no suites with finite-field Diffie-Hellman",
        "A Secret with parameters for Diffie-Hellman.",
    ),
    Key::planned("ssl-session-cache", "true", "Sessions are remembered. Boolean."),
    Key::ignored("ssl-session-cache-size", "10m", CACHE, "The memory for that."),
    Key::full(
        "ssl-session-tickets",
        "false",
        "Clients remember their sessions, encrypted for us with keys that rotate. Boolean.",
        |value, draft| {
            draft.config.gateway.tls.session_tickets = value.bool()?;
            Ok(())
        },
    ),
    Key::ignored("ssl-session-ticket-key", "", "keys of tickets are made here, and rotate", "The key of tickets."),
    Key::planned("ssl-session-timeout", "10m", "How long sessions last."),
    Key::planned("ssl-buffer-size", "4k", "How much is sent in one record."),
    Key::ignored("ssl-early-data", "false", "early data can be replayed", "TLS 1.3 early data is taken. Boolean."),
    Key::full(
        "ssl-reject-handshake",
        "false",
        "Handshakes for unknown hosts are refused with `unrecognized_name`. Boolean.",
        |value, draft| {
            draft.config.gateway.tls.reject_unknown = value.bool()?;
            Ok(())
        },
    ),
    Key::planned("enable-ocsp", "false", "Answers of OCSP are stapled. Boolean."),
];

fn protocols(value: Value<'_>, draft: &mut ConfigBuilder<'_>) -> Result<(), KeyError> {
    let (mut tls12, mut tls13) = (false, false);
    let mut others = Vec::new();
    for version in value.text().split_ascii_whitespace() {
        match version {
            "TLSv1.2" => tls12 = true,
            "TLSv1.3" => tls13 = true,
            other => others.push(other),
        }
    }
    if !tls12 && !tls13 {
        return Err(KeyError::Expected("TLSv1.2, TLSv1.3 or both"));
    }
    if !others.is_empty() {
        let complaint = format!("has {}: only TLSv1.2 and TLSv1.3 are spoken", others.join(", "));
        draft.complain(Severity::Warning, complaint);
    }
    let tls = &mut draft.config.gateway.tls;
    (tls.tls12, tls.tls13) = (tls12, tls13);
    Ok(())
}

fn ciphers(value: Value<'_>, draft: &mut ConfigBuilder<'_>) -> Result<(), KeyError> {
    let names = value.text().split(':').filter(|name| !name.is_empty());
    let (known, others): (Vec<&str>, Vec<&str>) = names.partition(|name| cipher(name).is_some());
    if !others.is_empty() {
        let complaint = match known.is_empty() {
            true => format!(
                "has no suite that is there ({}): all are offered",
                supported_ciphers().collect::<Vec<_>>().join(", ")
            ),
            false => format!("has {}, which are not there: the others count", others.join(", ")),
        };
        draft.complain(Severity::Warning, complaint);
    }
    draft.config.gateway.tls.ciphers = known.into_iter().map(Into::into).collect();
    Ok(())
}
