//! A certificate as the webhook shows it.

use crate::certificate::certificates;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::CertifiedKey;
use std::sync::Arc;
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

/// A certificate with its key.
#[derive(Debug)]
pub(super) struct Shown {
    key: Arc<CertifiedKey>,
    /// From when on nobody believes it.
    pub(super) expires: ASN1Time,
    is_told: bool,
}

/// Why there is nothing to show. Nothing of a key gets into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("the certificate is not one or more certificates in PEM")]
    NoCertificate,
    #[error("the first certificate is not X.509")]
    NotX509,
    #[error("the key is not an unencrypted private key in PEM")]
    NoKey,
    #[error("the key is not that of the first certificate")]
    Mismatch,
}

impl Shown {
    /// Reads a certificate, with its issuers behind it, and its key, both as PEM.
    ///
    /// # Errors
    /// They are not what they should be, or do not belong together.
    pub(super) fn read(certificate: &[u8], key: &[u8]) -> Result<Self, Unusable> {
        let chain = certificates(certificate).ok_or(Unusable::NoCertificate)?;
        let (_, leaf) = X509Certificate::from_der(&chain[0]).map_err(|_| Unusable::NotX509)?;
        let expires = leaf.validity().not_after;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| Unusable::NoKey)?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        Ok(Self { key: Arc::new(key.map_err(|_| Unusable::Mismatch)?), expires, is_told: false })
    }

    /// For a handshake. Says so once if the certificate has expired.
    pub(super) fn show(&mut self) -> Arc<CertifiedKey> {
        if !self.is_told && self.expires < ASN1Time::now() {
            self.is_told = true;
            tracing::warn!(
                expires = %self.expires,
                "the certificate of the admission webhook has expired: the API server does not believe it, and takes \
                 Ingresses without a review, or with failurePolicy Fail none"
            );
        }
        Arc::clone(&self.key)
    }
}
