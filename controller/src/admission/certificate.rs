//! A certificate in files, as a volume of a Secret holds it. Files that change are read again.

use crate::certificate::certificates;
use parking_lot::Mutex;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

/// A certificate and its key in two files.
#[derive(Debug)]
pub(super) struct FileCertificate {
    certificate: PathBuf,
    key: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The files, as they were when they were read last.
    read: Option<[Stamp; 2]>,
    /// The last that could be read.
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    expires: ASN1Time,
    is_told: bool,
}

/// What tells one content of a file from another.
type Stamp = (u64, i64, i64, u64);

impl FileCertificate {
    /// One that is read when it is needed first.
    pub(super) fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self { certificate, key, state: Mutex::default() }
    }

    /// The certificate, read again if its files have changed. One that cannot be read leaves the one before.
    fn current(&self) -> Option<Arc<CertifiedKey>> {
        let mut state = self.state.lock();
        let stamps = self.stamps().ok();
        if stamps != state.read || state.current.is_none() {
            let is_new = stamps.is_none() || stamps != state.read;
            match self.read() {
                Ok(current) => {
                    tracing::info!(file = %self.certificate.display(), expires = %current.expires, "the admission webhook has a certificate");
                    state.current = Some(current);
                }
                Err(why) if is_new => tracing::warn!(
                    "--validating-webhook-certificate: {why}; {}",
                    if state.current.is_some() {
                        "the former certificate stays"
                    } else {
                        "the admission webhook cannot answer"
                    }
                ),
                Err(_) => {}
            }
            state.read = stamps;
        }
        let current = state.current.as_mut()?;
        current.complain_of_age();
        Some(Arc::clone(&current.key))
    }

    fn stamps(&self) -> io::Result<[Stamp; 2]> {
        Ok([stamp(&self.certificate)?, stamp(&self.key)?])
    }

    fn read(&self) -> Result<Current, String> {
        let read = |path: &Path| fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()));
        let (pem, key) = (read(&self.certificate)?, read(&self.key)?);
        let chain = certificates(&pem)
            .ok_or_else(|| format!("{} is not one or more certificates in PEM", self.certificate.display()))?;
        let expires = match X509Certificate::from_der(&chain[0]) {
            Ok((_, leaf)) => leaf.validity().not_after,
            Err(_) => return Err(format!("the first certificate in {} is not X.509", self.certificate.display())),
        };
        // Nothing of a key gets into an error.
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|_| format!("{} is not an unencrypted private key in PEM", self.key.display()))?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|_| {
            format!("{} is not the key of the certificate in {}", self.key.display(), self.certificate.display())
        })?;
        Ok(Current { key: Arc::new(key), expires, is_told: false })
    }
}

impl Current {
    fn complain_of_age(&mut self) {
        if !self.is_told && self.expires < ASN1Time::now() {
            self.is_told = true;
            tracing::warn!(
                expires = %self.expires,
                "the certificate of the admission webhook has expired: the API server does not believe it, and takes \
                 Ingresses without a review, or with failurePolicy Fail none"
            );
        }
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len()))
}

impl ResolvesServerCert for FileCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current()
    }
}
