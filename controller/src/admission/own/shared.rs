use crate::admission::shown::Shown;
use parking_lot::Mutex;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// The certificate that the Secret has, once it has one.
#[derive(Debug, Default)]
pub(crate) struct OwnCertificate(Mutex<Option<Shown>>);

impl OwnCertificate {
    pub(super) fn set(&self, shown: Shown) {
        *self.0.lock() = Some(shown);
    }
}

impl ResolvesServerCert for OwnCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.lock().as_mut().map(Shown::show)
    }
}
