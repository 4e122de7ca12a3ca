use super::{Certificate, Subject};
use std::sync::Arc;

/// How TLS to a backend is spoken: `proxy-ssl-secret` and what goes with it, or a BackendTLSPolicy. Without it no certificate is
/// verified or shown, and no name is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BackendTls {
    /// The BackendTLSPolicy that asks for it, for who wants to know. Default none: annotations do.
    pub policy: Option<Subject>,
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

impl BackendTls {
    /// Any certificate is taken, and none is shown.
    pub fn unverified() -> Self {
        Self {
            policy: None,
            certificate: None,
            verification: None,
            server_name: None,
            tls12: true,
            tls13: true,
            ciphers: Arc::default(),
        }
    }
}

/// What the certificate of a backend has to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BackendVerification {
    /// The authorities that may have issued it.
    pub authorities: Authorities,
    /// `proxy-ssl-name`: the names of which it has one. Without any, none is good enough.
    pub names: Arc<[SubjectName]>,
    /// `proxy-ssl-verify-depth`: how many certificates may stand between it and an authority, up to [`DEEPEST_CHAIN`]. Default 1.
    pub depth: usize,
}

/// How many certificates may stand between one and its authority, whatever the setting is.
pub const DEEPEST_CHAIN: usize = 6;

/// Authorities that are believed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Authorities {
    /// These: `ca.crt` of a Secret or ConfigMap, DER.
    Given(Arc<[Vec<u8>]>),
    /// Those of the system that the gateway runs on.
    System,
}

/// A name in a certificate: one of its subject alternative names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SubjectName {
    /// A DNS name, which one for `*.` and its parent covers.
    Dns(Arc<str>),
    /// A URI, byte for byte: `spiffe://example.com/shop`.
    Uri(Arc<str>),
}
