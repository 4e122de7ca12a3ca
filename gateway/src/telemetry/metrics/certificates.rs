use super::encode::{family, gauge, pair};
use super::names::{self, MetricDoc};
use crate::config::HostName;
use parking_lot::Mutex;
use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The label `host` of any host without a certificate of its own.
const ANY: &str = "_";

/// The certificates that hosts show. Their samples are made at each scrape: they take more memory than what is kept here.
#[derive(Clone, Debug, Default)]
pub struct CertificateMetrics(Arc<Mutex<BTreeMap<HostName, Vec<Arc<ServedCertificate>>>>>);

/// A certificate of a host, as its metrics describe it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServedCertificate {
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
    /// A host shows these certificates from now on, and no others. It may show one at several ports.
    pub fn set(&self, host: &HostName, mut certificates: Vec<Arc<ServedCertificate>>) {
        certificates.sort();
        certificates.dedup();
        let mut hosts = self.0.lock();
        match certificates.is_empty() {
            true => hosts.remove(host),
            false => hosts.insert(host.clone(), certificates),
        };
    }
}

/// Makes the samples.
pub(super) struct CertificateCollector {
    class: String,
    certificates: CertificateMetrics,
    descs: Vec<Desc>,
}

impl CertificateCollector {
    /// Registers one.
    pub(super) fn register(
        registry: &Registry,
        class: &str,
        certificates: &CertificateMetrics,
    ) -> prometheus::Result<()> {
        let descs = [names::SSL_EXPIRE_TIME, names::SSL_INFO].iter().map(|doc| doc.desc()).collect::<Result<_, _>>()?;
        registry.register(Box::new(Self { class: class.to_owned(), certificates: certificates.clone(), descs }))
    }

    fn expire_time(&self, host: &str, certificate: &ServedCertificate) -> Metric {
        let ServedCertificate { identifier, namespace, secret_name, expires, .. } = certificate;
        sample(names::SSL_EXPIRE_TIME, [&self.class, host, identifier, namespace, secret_name], *expires)
    }

    fn info(&self, host: &str, certificate: &ServedCertificate) -> Metric {
        let labels = [
            &self.class,
            host,
            &certificate.identifier,
            &certificate.issuer_common_name,
            &certificate.issuer_organization,
            &certificate.namespace,
            certificate.public_key_algorithm,
            &certificate.secret_name,
            &certificate.serial_number,
        ];
        sample(names::SSL_INFO, labels, 1)
    }
}

fn sample<const N: usize>(doc: MetricDoc, labels: [&str; N], value: i64) -> Metric {
    gauge(doc.labels.iter().zip(labels).map(|(name, label)| pair(name, label)).collect(), value)
}

impl Collector for CertificateCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let hosts = self.certificates.0.lock();
        let (mut expire_times, mut infos) = (Vec::new(), Vec::new());
        for (host, certificates) in &*hosts {
            let host = if *host == HostName::Any { ANY } else { &host.to_string() };
            expire_times.extend(certificates.iter().map(|certificate| self.expire_time(host, certificate)));
            infos.extend(certificates.iter().map(|certificate| self.info(host, certificate)));
        }
        vec![family(names::SSL_EXPIRE_TIME, expire_times), family(names::SSL_INFO, infos)]
    }
}
