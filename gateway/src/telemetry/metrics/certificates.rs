use super::names;
use prometheus::{IntGaugeVec, Registry};
use std::sync::Arc;

/// The metrics of the certificates that hosts show.
#[derive(Clone, Debug)]
pub struct CertificateMetrics {
    class: Arc<str>,
    expire_time: IntGaugeVec,
    info: IntGaugeVec,
}

/// A certificate of a host, as its metrics describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedCertificate {
    /// The host that shows it; `_` is any host without one of its own.
    pub host: String,
    /// The namespace of its Secret.
    pub namespace: String,
    /// The name of its Secret.
    pub secret_name: String,
    /// `issuer_serial-serial`, where the first is the attribute `serialNumber` of the issuer's name, which is commonly empty.
    pub identifier: String,
    /// The common name of who issued it.
    pub issuer_common_name: String,
    /// The first organization of who issued it.
    pub issuer_organization: String,
    /// Its serial number, decimal.
    pub serial_number: String,
    /// The kind of its key: `RSA`, `ECDSA`, `Ed25519`, or empty for any other.
    pub public_key_algorithm: &'static str,
    /// When it expires, in seconds of Unix time.
    pub expires: i64,
}

impl CertificateMetrics {
    pub(super) fn register(registry: &Registry, class: &str) -> prometheus::Result<Self> {
        let expire_time = IntGaugeVec::new(names::SSL_EXPIRE_TIME.opts(), names::SSL_EXPIRE_TIME.labels)?;
        let info = IntGaugeVec::new(names::SSL_INFO.opts(), names::SSL_INFO.labels)?;
        registry.register(Box::new(expire_time.clone()))?;
        registry.register(Box::new(info.clone()))?;
        Ok(Self { class: class.into(), expire_time, info })
    }

    /// A host shows this certificate.
    pub fn set(&self, certificate: &ServedCertificate) {
        self.expire_time.with_label_values(&self.labels(certificate)).set(certificate.expires);
        self.info.with_label_values(&self.info_labels(certificate)).set(1);
    }

    /// The host does not show it any more.
    pub fn forget(&self, certificate: &ServedCertificate) {
        // Removing fails if the series was not there.
        let _ = self.expire_time.remove_label_values(&self.labels(certificate));
        let _ = self.info.remove_label_values(&self.info_labels(certificate));
    }

    /// The values of [`names::SSL_EXPIRE_TIME`]'s labels.
    fn labels<'a>(&'a self, certificate: &'a ServedCertificate) -> [&'a str; 5] {
        let ServedCertificate { host, identifier, namespace, secret_name, .. } = certificate;
        [&self.class, host, identifier, namespace, secret_name]
    }

    /// The values of [`names::SSL_INFO`]'s labels.
    fn info_labels<'a>(&'a self, certificate: &'a ServedCertificate) -> [&'a str; 9] {
        [
            &self.class,
            &certificate.host,
            &certificate.identifier,
            &certificate.issuer_common_name,
            &certificate.issuer_organization,
            &certificate.namespace,
            certificate.public_key_algorithm,
            &certificate.secret_name,
            &certificate.serial_number,
        ]
    }
}
