use super::Origin;
use std::fmt;
use std::sync::Arc;

/// How TLS is terminated, for all hosts. `Default` is an empty ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// `ssl-protocols` has TLSv1.2. Default true.
    pub tls12: bool,
    /// `ssl-protocols` has TLSv1.3. Default true.
    pub tls13: bool,
    /// `ssl-ciphers`: names of TLS 1.2 suites in OpenSSL's spelling that rustls has, in order of preference; empty is
    /// rustls' own list. TLS 1.3 suites are never restricted, as with OpenSSL.
    pub ciphers: Arc<[Arc<str>]>,
    /// `ssl-session-tickets`: resumption by tickets whose keys rotate; else by sessions kept in memory. Default false.
    pub session_tickets: bool,
    /// `ssl-reject-handshake`: names without a virtual host get the alert `unrecognized_name`. Default false.
    pub reject_unknown: bool,
    /// `--default-ssl-certificate`: for names without a certificate of their own; `None` is a self-signed one.
    pub default_certificate: Option<Arc<Certificate>>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            tls12: true,
            tls13: true,
            ciphers: Arc::from([]),
            session_tickets: false,
            reject_unknown: false,
            default_certificate: None,
        }
    }
}

/// TLS of one virtual host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTls {
    /// Its certificates: commonly one, or one RSA and one ECDSA. They cover the host, but for an
    /// alias, which has its host's where it has none of its own. Empty: the default certificate.
    pub certificates: Arc<[Arc<Certificate>]>,
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
#[derive(Clone, PartialEq, Eq, Hash)]
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

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// `Strict-Transport-Security`, set on every response over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hsts {
    /// `hsts-max-age` in seconds. Default a year.
    pub max_age: u64,
    /// `hsts-include-subdomains`. Default true.
    pub include_subdomains: bool,
    /// `hsts-preload`. Default false.
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

    #[test]
    fn keys_never_print() {
        let key = PrivateKey::new(b"secret");
        let certificate =
            Certificate { chain: Arc::from([]), key, origin: Origin::new("Secret default/shop", "data[tls.key]") };
        assert!(format!("{certificate:?}").contains("[redacted]"));
        assert!(!format!("{certificate:?}").contains("secret\""));
    }
}
