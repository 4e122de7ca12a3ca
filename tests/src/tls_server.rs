//! The TLS of a server of ours: a certificate that nobody else has signed.

use anyhow::Result;
use rcgen::{Certificate, CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// A certificate with its key.
#[derive(Debug)]
pub struct Identity {
    certificate: Certificate,
    key: KeyPair,
}

impl Identity {
    /// A new one, signed by itself, for a host name or an IP address.
    ///
    /// # Errors
    /// If the name cannot be in a certificate.
    pub fn of(name: &str) -> Result<Self> {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()])?;
        Ok(Self { certificate: cert, key: signing_key })
    }

    /// The certificate as PEM: the authority to trust, too.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Accepts TLS with it, with these protocols to choose from by ALPN, the best one first.
    ///
    /// # Errors
    /// If the certificate cannot be used.
    pub fn acceptor(&self, alpn: &[&str]) -> Result<TlsAcceptor> {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).map_err(anyhow::Error::msg)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)?;
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// Accepts TLS as a backend does, with a certificate for a name that nobody asks for.
///
/// # Errors
/// If the certificate cannot be made.
pub fn acceptor(alpn: &[&str]) -> Result<TlsAcceptor> {
    Identity::of("backend.invalid")?.acceptor(alpn)
}
