use crate::config::{Certificate, Origin, PrivateKey, Subject};
use rcgen::{CertificateParams, DnType, KeyPair};
use std::sync::{Arc, LazyLock};

/// The certificate for names that have none, where no other is configured: made once, with the names of
/// ingress-nginx's (ssl.GetFakeSSLCert), which its users know to look for.
pub(super) fn certificate() -> Option<&'static Arc<Certificate>> {
    static CERTIFICATE: LazyLock<Option<Arc<Certificate>>> = LazyLock::new(|| {
        let made = make().map_err(|error| tracing::error!(%error, "cannot make a self-signed certificate"));
        made.ok().map(Arc::new)
    });
    CERTIFICATE.as_ref()
}

fn make() -> Result<Certificate, rcgen::Error> {
    let mut params = CertificateParams::new(["ingress.local".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, "Kubernetes Ingress Controller Fake Certificate");
    params.distinguished_name.push(DnType::OrganizationName, "Acme Co");
    let key = KeyPair::generate()?;
    let leaf = params.self_signed(&key)?;
    Ok(Certificate {
        chain: Arc::from([leaf.der().to_vec()]),
        key: PrivateKey::new(&key.serialize_der()),
        origin: Origin::new(Subject::other("default certificate"), "self-signed"),
    })
}
