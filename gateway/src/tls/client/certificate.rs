use super::distinguished_name::rfc2253;
use super::verdict::Verdict;
use super::verifier::ClientVerifier;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use parking_lot::Mutex;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rustls::pki_types::{CertificateDer, UnixTime};
use std::fmt::{self, Write as _};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// How long a verdict holds: within this time a certificate may expire unnoticed.
const VERDICT_HOLDS: Duration = Duration::from_secs(60);
/// As nginx's `NGX_ESCAPE_URI_COMPONENT`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The certificate that a client has sent on its connection, with the chain that came along. It has the key to it.
pub struct ClientCertificate {
    chain: Box<[CertificateDer<'static>]>,
    fields: OnceLock<Fields>,
    /// The last verdict: nearly every connection is for one host.
    verdict: Mutex<Option<KnownVerdict>>,
}

struct KnownVerdict {
    verifier: Arc<ClientVerifier>,
    since: Instant,
    verdict: Verdict,
}

/// What backends and logs get to see of it.
#[derive(Debug)]
pub(crate) struct Fields {
    /// Its subject by RFC 2253: nginx's `$ssl_client_s_dn`.
    pub(crate) subject: HeaderValue,
    /// Its issuer likewise: nginx's `$ssl_client_i_dn`.
    pub(crate) issuer: HeaderValue,
    /// Its PEM, percent-encoded: nginx's `$ssl_client_escaped_cert`.
    pub(crate) escaped_pem: HeaderValue,
    /// In hexadecimal: nginx's `$ssl_client_serial`.
    pub(crate) serial: String,
    /// SHA-1 in hexadecimal: nginx's `$ssl_client_fingerprint`.
    pub(crate) fingerprint: String,
    /// Its first URI, else its first DNS name, else its subject: Envoy's `principal`.
    pub(crate) principal: String,
}

impl ClientCertificate {
    /// That of a handshake.
    pub fn new(chain: &[CertificateDer<'_>]) -> Self {
        let chain = chain.iter().map(|der| der.clone().into_owned()).collect();
        Self { chain, fields: OnceLock::new(), verdict: Mutex::default() }
    }

    /// Whether it is valid for a host with this verifier.
    pub(crate) fn verdict(&self, verifier: &Arc<ClientVerifier>) -> Verdict {
        let mut known = self.verdict.lock();
        if let Some(known) = &*known
            && Arc::ptr_eq(&known.verifier, verifier)
            && known.since.elapsed() < VERDICT_HOLDS
        {
            return known.verdict;
        }
        let verdict = verifier.verify(&self.chain, UnixTime::now()).into();
        *known = Some(KnownVerdict { verifier: Arc::clone(verifier), since: Instant::now(), verdict });
        verdict
    }

    /// What is known of it: read once.
    pub(crate) fn fields(&self) -> &Fields {
        self.fields.get_or_init(|| Fields::read(self.leaf()))
    }

    fn leaf(&self) -> &[u8] {
        self.chain.first().map(|leaf| &**leaf).unwrap_or_default()
    }
}

impl Fields {
    fn read(der: &[u8]) -> Self {
        // The handshake has parsed it, so that it is readable.
        let parsed = X509Certificate::from_der(der).ok().map(|(_, parsed)| parsed);
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
        let of = |field: fn(&X509Certificate<'_>) -> String| parsed.as_ref().map(field).unwrap_or_default();
        Self {
            subject: value(&of(|parsed| rfc2253(parsed.subject()))),
            issuer: value(&of(|parsed| rfc2253(parsed.issuer()))),
            escaped_pem: value(&percent_encode(pem(der).as_bytes(), ESCAPED).to_string()),
            serial: of(|parsed| serial(parsed.raw_serial())),
            fingerprint: hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref()),
            principal: of(principal),
        }
    }
}

fn principal(certificate: &X509Certificate<'_>) -> String {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let names = || alternatives.iter().flat_map(|alternatives| &alternatives.value.general_names);
    let uri = names().find_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None });
    let dns = || names().find_map(|name| if let GeneralName::DNSName(name) = name { Some(*name) } else { None });
    uri.or_else(dns).map_or_else(|| rfc2253(certificate.subject()), str::to_owned)
}

/// As OpenSSL writes it: lines of 64.
fn pem(der: &[u8]) -> String {
    const LINE: usize = 64;
    let encoded = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        pem.extend([line, "\n"]);
        rest = after;
    }
    pem + "-----END CERTIFICATE-----\n"
}

/// As OpenSSL's `i2a_ASN1_INTEGER`: without the zero that keeps a number positive.
fn serial(der: &[u8]) -> String {
    match der {
        [0, rest @ ..] if !rest.is_empty() => hex(rest).to_ascii_uppercase(),
        bytes => hex(bytes).to_ascii_uppercase(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to memory cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.chain == other.chain
    }
}

impl Eq for ClientCertificate {}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").field("subject", &self.fields().subject).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ClientVerification, Origin, Subject, VerifyClient};
    use crate::tls::client::Fault;
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};

    #[test]
    fn numbers_are_written_as_openssl_writes_them() {
        assert_eq!([&[1][..], &[0], &[0, 0xab, 0xcd], &[0x7f, 0]].map(serial), ["01", "00", "ABCD", "7F00"]);
    }

    #[test]
    fn a_verdict_is_one_verifiers() {
        let made = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate").cert;
        let (own, other) = (made("own"), made("other"));
        let verifier = |authority: &rcgen::Certificate| {
            let settings = ClientVerification {
                authorities: Arc::from([authority.der().to_vec()]),
                revocation_lists: Arc::default(),
                verify: VerifyClient::On,
                depth: 1,
                error_page: None,
                subject: None,
                forward_certificate: false,
                origin: Origin::new(Subject::other("Secret default/ca"), "data"),
            };
            Arc::new(ClientVerifier::compile(&settings).expect("valid"))
        };
        let certificate = ClientCertificate::new(&[own.der().clone()]);
        let (own, other) = (verifier(&own), verifier(&other));
        for _ in 0..2 {
            assert_eq!(certificate.verdict(&own), Verdict::Success);
            assert_eq!(certificate.verdict(&other), Verdict::Failed(Fault::SelfSigned));
        }
        assert_eq!(certificate.verdict(&other), Verdict::Failed(Fault::SelfSigned), "as it is known");
    }

    #[test]
    fn an_owner_is_a_uri_before_a_name_before_a_subject() {
        let principal = |names: &[SanType]| {
            let mut params = CertificateParams::default();
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, "subject");
            params.subject_alt_names = names.to_vec();
            let made = params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate");
            ClientCertificate::new(&[made.der().clone()]).fields().principal.clone()
        };
        let uri = |uri: &str| SanType::URI(uri.try_into().expect("a URI"));
        let dns = |name: &str| SanType::DnsName(name.try_into().expect("a name"));
        let of_uris = [dns("a.example"), uri("spiffe://a/b"), uri("spiffe://c/d")];
        assert_eq!(principal(&of_uris), "spiffe://a/b");
        assert_eq!(principal(&[dns("a.example"), dns("b.example")]), "a.example");
        assert_eq!(principal(&[SanType::Rfc822Name("me@a.example".try_into().expect("an address"))]), "CN=subject");
        assert_eq!(principal(&[]), "CN=subject");
    }

    #[test]
    fn what_cannot_be_read_is_nobody() {
        let certificate = ClientCertificate::new(&[CertificateDer::from(&b"no certificate"[..])]);
        let fields = certificate.fields();
        assert!(fields.subject.is_empty() && fields.serial.is_empty() && fields.principal.is_empty());
    }
}
