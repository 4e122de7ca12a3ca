//! Whom certificates of backends may come from.

use crate::config::Authorities;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use std::sync::{Arc, LazyLock};

/// Those of the system: where OpenSSL looks for them, or where `SSL_CERT_FILE` and `SSL_CERT_DIR` say. Read once.
static SYSTEM: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "cannot read a certificate of an authority of the system");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::warn!("the system has no certificates of authorities: no backend is believed because of them");
    }
    Arc::new(roots)
});

/// The authorities as rustls takes them.
///
/// # Errors
/// A certificate that cannot be one of an authority, in a sentence for a person.
pub fn roots(authorities: &Authorities) -> Result<Arc<RootCertStore>, String> {
    let given = match authorities {
        Authorities::System => return Ok(Arc::clone(&SYSTEM)),
        Authorities::Given(given) => given,
    };
    let mut roots = RootCertStore::empty();
    for der in &**given {
        let added = roots.add(CertificateDer::from(der.clone()));
        added.map_err(|error| format!("a certificate of an authority cannot be used: {error}"))?;
    }
    Ok(Arc::new(roots))
}
