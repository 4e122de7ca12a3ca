use super::Certificate;
use std::sync::Arc;

/// `proxy-ssl-secret` and what goes with it: how TLS to a backend is spoken. Without it no certificate is verified or
/// shown, and no name is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BackendTls {
    /// `tls.crt` and `tls.key` of the Secret: shown to backends that ask for a certificate. Default none.
    pub certificate: Option<Arc<Certificate>>,
    /// `proxy-ssl-verify`: what the backend's certificate has to be. Default none: any is taken.
    pub verification: Option<BackendVerification>,
    /// `proxy-ssl-server-name`: the name that is sent (SNI). Default none.
    pub server_name: Option<Arc<str>>,
    /// `proxy-ssl-protocols` contains TLSv1.2. Default true.
    pub tls12: bool,
    /// `proxy-ssl-protocols` contains TLSv1.3. Default true.
    pub tls13: bool,
    /// `proxy-ssl-ciphers`: the cipher suites of TLS 1.2, the preferred first, by the names of OpenSSL. Default empty: all.
    pub ciphers: Arc<[Arc<str>]>,
}

/// What the certificate of a backend has to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BackendVerification {
    /// `ca.crt` of the Secret, DER: the authorities that may have issued it.
    pub authorities: Arc<[Vec<u8>]>,
    /// `proxy-ssl-name`: the DNS name that it is for.
    pub name: Arc<str>,
    /// `proxy-ssl-verify-depth`: how many certificates may stand between it and an authority. Default 1.
    pub depth: usize,
}
