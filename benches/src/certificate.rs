//! The certificates that the proxies show.

use anyhow::Result;
use rustls::pki_types::CertificateDer;

/// A self-signed certificate with an ECDSA P-256 key.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate as a client trusts it.
    pub der: CertificateDer<'static>,
    /// The certificate, PEM.
    pub chain: String,
    /// Its key, PEM.
    pub key: String,
}

impl Certificate {
    /// A new certificate for one host.
    ///
    /// # Errors
    /// The host is not a DNS name, or the key cannot be generated.
    pub fn new(host: &str) -> Result<Self> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let certificate = rcgen::CertificateParams::new([host.to_owned()])?.self_signed(&key)?;
        Ok(Self { chain: certificate.pem(), key: key.serialize_pem(), der: certificate.into() })
    }
}
