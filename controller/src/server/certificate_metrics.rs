use gateway::config::{Certificate, EntryPoint, HostName, Subject, Update};
use gateway::interner::Pool;
use gateway::telemetry::{CertificateMetrics, ServedCertificate};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use x509_parser::oid_registry::{
    OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519, OID_X509_SERIALNUMBER,
};
use x509_parser::prelude::{AttributeTypeAndValue, FromDer as _, X509Certificate};
use x509_parser::x509::SubjectPublicKeyInfo;

/// Writes the certificates that hosts show into the metrics.
#[derive(Debug)]
pub(super) struct CertificateReport {
    metrics: CertificateMetrics,
    /// For hosts with none of their own.
    default: Option<Arc<Certificate>>,
    /// What hosts with TLS have of their own, at all entry points or at one.
    hosts: BTreeMap<HostPlace, Arc<[Arc<Certificate>]>>,
    /// What the metrics tell of certificates: once of each, however many hosts show it.
    described: Pool<ServedCertificate>,
}

/// A host of all entry points, or of one.
type HostPlace = (HostName, Option<EntryPoint>);

impl CertificateReport {
    pub(super) fn new(metrics: CertificateMetrics) -> Self {
        Self { metrics, default: None, hosts: BTreeMap::new(), described: Pool::default() }
    }

    /// Takes in a change. The self-signed certificate that stands in where none is configured is nobody's to renew, and
    /// does not show.
    pub(super) fn record(&mut self, Update { hosts, entry_hosts, settings, .. }: &Update) {
        let hosts = hosts.iter().map(|(name, host)| (name, None, host));
        let entry_hosts = entry_hosts.iter().map(|(at, name, host)| (name, Some(*at), host));
        for (name, at, host) in hosts.chain(entry_hosts) {
            let tls = host.as_ref().and_then(|host| host.tls.as_ref());
            match tls.map(|tls| Arc::clone(&tls.certificates)) {
                Some(own) => drop(self.hosts.insert((name.clone(), at), own)),
                None => drop(self.hosts.remove(&(name.clone(), at))),
            }
            self.show(name);
        }
        if let Some(settings) = settings
            && settings.tls.default_certificate != self.default
        {
            self.default.clone_from(&settings.tls.default_certificate);
            let without = self.hosts.iter().filter(|(_, own)| own.is_empty()).map(|((name, _), _)| name.clone());
            let without: BTreeSet<_> = without.chain([HostName::Any]).collect();
            without.iter().for_each(|name| self.show(name));
        }
    }

    /// Shows what a host has now in place of what it had before.
    fn show(&mut self, name: &HostName) {
        let own = self.own(name);
        let default = self.default.iter().filter(|_| own.is_some_and(<[_]>::is_empty));
        let own = own.into_iter().flatten().chain(self.at_own_ports(name));
        let now: Vec<_> = own.chain(default).filter_map(|certificate| describe(certificate)).collect();
        let now = now.into_iter().map(|described| self.described.share(Arc::new(described)));
        self.metrics.set(name, now.collect());
    }

    /// What a host has at listeners with ports of their own.
    fn at_own_ports(&self, name: &HostName) -> impl Iterator<Item = &Arc<Certificate>> {
        let first = (name.clone(), Some(EntryPoint::Port { port: 0, tls: false }));
        let places = self.hosts.range(first..).take_while(move |((other, _), _)| other == name);
        places.flat_map(|(_, own)| own.iter())
    }

    /// What a host has of its own for clients that use the usual port for HTTPS: nothing where they are shown the default one;
    /// `None` if no TLS section names it.
    fn own(&self, name: &HostName) -> Option<&[Arc<Certificate>]> {
        let at = [Some(EntryPoint::Https), None].into_iter();
        let own = at.map(|at| (name.clone(), at)).find_map(|place| self.hosts.get(&place));
        // Whom no rule names is shown the default certificate, too.
        own.map(|own| &**own).or_else(|| (*name == HostName::Any).then_some(&[]))
    }
}

/// What the metrics tell of a certificate; `None` if it is not from a Secret.
fn describe(certificate: &Certificate) -> Option<ServedCertificate> {
    let Subject::Object(secret) = &certificate.origin.object else { return None };
    let (_, leaf) = X509Certificate::from_der(certificate.chain.first()?).ok()?;
    let issuer = leaf.issuer();
    let serial_number = leaf.tbs_certificate.serial.to_string();
    Some(ServedCertificate {
        namespace: secret.namespace.to_string(),
        secret_name: secret.name.to_string(),
        identifier: format!("{}-{serial_number}", first(issuer.iter_by_oid(&OID_X509_SERIALNUMBER))),
        issuer_common_name: first(issuer.iter_common_name()),
        issuer_organization: first(issuer.iter_organization()),
        public_key_algorithm: key_algorithm(leaf.public_key()),
        expires: leaf.validity().not_after.timestamp(),
        serial_number,
    })
}

/// The first of an issuer's attributes of one type; empty if there is none.
fn first<'a>(mut attributes: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>) -> String {
    attributes.next().and_then(|attribute| attribute.as_str().ok()).unwrap_or_default().to_owned()
}

fn key_algorithm(key: &SubjectPublicKeyInfo<'_>) -> &'static str {
    let algorithm = &key.algorithm.algorithm;
    let known = [(OID_PKCS1_RSAENCRYPTION, "RSA"), (OID_KEY_TYPE_EC_PUBLIC_KEY, "ECDSA"), (OID_SIG_ED25519, "Ed25519")];
    known.iter().find(|(oid, _)| oid == algorithm).map_or("", |(_, name)| name)
}
