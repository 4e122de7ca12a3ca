use super::{HostName, Origin};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// How TLS is terminated, for all hosts. `Default` is an empty ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TlsSettings {
    /// `ssl-protocols` contains TLSv1.2: clients may use TLS 1.2. Default true.
    pub tls12: bool,
    /// `ssl-protocols` contains TLSv1.3: clients may use TLS 1.3. Default true.
    pub tls13: bool,
    /// `ssl-ciphers`: the cipher suites of TLS 1.2, the preferred first, by the names of OpenSSL. Only suites that rustls
    /// has; empty is the list of rustls. It does not affect suites of TLS 1.3, as with OpenSSL. Default empty.
    pub ciphers: Arc<[Arc<str>]>,
    /// `ssl-session-tickets`: clients resume sessions by tickets, whose keys rotate. Default false: sessions are kept in
    /// memory.
    pub session_tickets: bool,
    /// `ssl-session-cache`: sessions are kept in memory, so that clients resume them without tickets. Default true.
    pub session_cache: bool,
    /// `ssl-session-timeout`: how long a session that is kept in memory can be resumed. Above 0. Default 10 min.
    pub session_timeout: Duration,
    /// `ssl-buffer-size`: bytes of a response in one record, from 512 to 16384. Default 16384.
    pub record_size: usize,
    /// `ssl-reject-handshake`: handshakes for hosts that no rule names end with the alert `unrecognized_name`. Default
    /// false: they get the default certificate.
    pub reject_unknown: bool,
    /// `enable-ocsp`: handshakes send the OCSP response about their certificate along, once it has been fetched. Default
    /// false.
    pub ocsp: bool,
    /// `--default-ssl-certificate`: the certificate for hosts that have none. Default none: a self-signed one.
    pub default_certificate: Option<Arc<Certificate>>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            tls12: true,
            tls13: true,
            ciphers: Arc::from([]),
            session_tickets: false,
            session_cache: true,
            session_timeout: Duration::from_secs(600),
            record_size: 16 << 10,
            reject_unknown: false,
            ocsp: false,
            default_certificate: None,
        }
    }
}

/// TLS of one virtual host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostTls {
    /// Its certificates: usually one, or one with an RSA and one with an ECDSA key. They are valid for the host; an alias
    /// without a certificate has those of its host. Empty: the default certificate.
    pub certificates: Arc<[Arc<Certificate>]>,
    /// The listener that has it, by its name. Requests on connections whose server name leads to a host of another listener, or
    /// of none, are answered with 421. Default none: the server name does not matter.
    pub listener: Option<HostName>,
}

/// A certificate with its chain and key, from one Secret. The controller has checked that they belong together.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Certificate {
    /// The leaf, then its issuers, DER.
    pub chain: Arc<[Vec<u8>]>,
    /// The private key, DER: PKCS #8, PKCS #1 or SEC1.
    pub key: PrivateKey,
    /// The Secret.
    pub origin: Origin,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("origin", &self.origin).field("key", &self.key).finish_non_exhaustive()
    }
}

/// A private key. Prints as `[redacted]`, wherever it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(Arc<[u8]>);

impl PrivateKey {
    /// A key from its DER.
    pub fn new(der: &[u8]) -> Self {
        Self(der.into())
    }

    /// The DER. To be given to a TLS library, and to nothing else.
    pub fn der(&self) -> &[u8] {
        &self.0
    }
}

/// Nothing of it goes into a hash, which may be shown. The chain next to it tells certificates apart.
impl Hash for PrivateKey {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// `Strict-Transport-Security`, set on every response over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hsts {
    /// `hsts-max-age`: how long browsers use HTTPS only, in seconds. Default 31536000, a year.
    pub max_age: u64,
    /// `hsts-include-subdomains`: adds `includeSubDomains`. Default true.
    pub include_subdomains: bool,
    /// `hsts-preload`: adds `preload`. Default false.
    pub preload: bool,
}

impl Default for Hsts {
    fn default() -> Self {
        Self { max_age: 31_536_000, include_subdomains: true, preload: false }
    }
}

impl fmt::Display for Hsts {
    /// The header's value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "max-age={}", self.max_age)?;
        if self.include_subdomains {
            f.write_str("; includeSubDomains")?;
        }
        if self.preload {
            f.write_str("; preload")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Subject;

    #[test]
    fn keys_never_print() {
        let key = PrivateKey::new(b"secret");
        let certificate = Certificate {
            chain: Arc::from([]),
            key,
            origin: Origin::new(Subject::other("Secret default/shop"), "data[tls.key]"),
        };
        assert!(format!("{certificate:?}").contains("[redacted]"));
        assert!(!format!("{certificate:?}").contains("secret\""));
    }
}
