use crate::translate::Translator;
use gateway::config::{Certificate, EntryPoint, HostName, VirtualHost};
use gateway::table::{Host, Table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// A certificate that clients of a host may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownCertificate {
    /// Its Secret, such as `Secret default/shop`; `None` for the one that the gateway has signed itself.
    pub secret: Option<String>,
    /// It is the default one: the host has none of its own.
    pub is_default: bool,
    /// When it expires, such as `Nov 21 15:28:46 2026 +00:00`; `None` if the gateway has signed it.
    pub not_after: Option<String>,
    /// The same in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// Who has signed it, such as `C=US, O=Let's Encrypt, CN=R11`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The DNS names and IP addresses that it is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// A certificate and the hosts that show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedCertificate {
    /// The certificate.
    #[serde(flatten)]
    pub certificate: ShownCertificate,
    /// The hosts, by name, in brackets the entry point that has one alone; for the default one those that have none of their
    /// own.
    pub hosts: Vec<String>,
}

/// The same, not parsed yet: that takes longer than to find it, and needs no translator.
#[derive(Clone, Debug)]
pub struct CertificateUse {
    certificate: Arc<Certificate>,
    is_default: bool,
    hosts: Vec<(HostName, Option<EntryPoint>)>,
}

impl CertificateUse {
    /// All that hosts show, and the default one, but for that which the gateway has signed itself.
    pub fn all(translator: &Translator) -> Vec<Self> {
        let mut uses = BTreeMap::new();
        let mut add = |certificate: &Arc<Certificate>, is_default, host: Option<(&HostName, Option<EntryPoint>)>| {
            let new = || Self { certificate: Arc::clone(certificate), is_default, hosts: Vec::new() };
            let key = (is_default, certificate.origin.clone());
            let host = host.map(|(name, at)| (name.clone(), at));
            uses.entry(key).or_insert_with(new).hosts.extend(host);
        };
        let default = default(translator);
        default.iter().for_each(|default| add(default, true, None));
        for (host, at) in over_https(translator) {
            let Some(tls) = &host.tls else { continue };
            tls.certificates.iter().for_each(|own| add(own, false, Some((&host.name, at))));
            let default = default.filter(|_| tls.certificates.is_empty());
            default.iter().for_each(|default| add(default, true, Some((&host.name, at))));
        }
        let sorted = |mut used: Self| {
            used.hosts.sort();
            used
        };
        uses.into_values().map(sorted).collect()
    }

    /// What they are, those that end first before the others.
    pub fn describe_all(uses: &[Self]) -> Vec<ServedCertificate> {
        let mut described: Vec<_> = uses.iter().map(Self::describe).collect();
        described.sort_by_key(|served| served.certificate.expires.unwrap_or(i64::MAX));
        described
    }

    fn describe(&self) -> ServedCertificate {
        ServedCertificate {
            certificate: shown(&self.certificate, self.is_default),
            hosts: self.hosts.iter().map(|(name, at)| EntryPoint::title(*at, name)).collect(),
        }
    }
}

/// The hosts of clients that use HTTPS, and the entry point if it has one alone.
fn over_https(translator: &Translator) -> impl Iterator<Item = (&Arc<VirtualHost>, Option<EntryPoint>)> {
    let at = EntryPoint::Https;
    let own = translator.entry_hosts().filter(|(entry, _)| entry.uses_tls()).map(|(entry, host)| (host, Some(entry)));
    let is_shared = move |host: &&Arc<VirtualHost>| {
        translator.host_at(at, &host.name).is_some_and(|found| Arc::ptr_eq(found, host))
    };
    translator.hosts().filter(is_shared).map(|host| (host, None)).chain(own)
}

/// The certificates that a handshake chooses from whose ClientHello has this name: one for each kind of key. None where
/// the handshake is refused.
pub(super) fn list(table: &Table, translator: &Translator, at: EntryPoint, server_name: &str) -> Vec<ShownCertificate> {
    if table.handshake(at, Some(server_name)).is_err() {
        return Vec::new();
    }
    let own = own(table, translator, at, server_name);
    if !own.is_empty() {
        return own.iter().map(|certificate| shown(certificate, false)).collect();
    }
    vec![shown_default(table.settings().tls.default_certificate.as_deref())]
}

/// The certificates of a virtual host, one for each kind of key; none where no TLS section names it.
pub fn of_host(translator: &Translator, host: &Host) -> Vec<ShownCertificate> {
    let configured = match host.entry() {
        Some(entry) => translator.host_at(entry, host.name()),
        None => translator.host(host.name()),
    };
    match configured.and_then(|host| host.tls.as_ref()) {
        None => Vec::new(),
        Some(tls) if tls.certificates.is_empty() => vec![shown_default(default(translator).map(Arc::as_ref))],
        Some(tls) => tls.certificates.iter().map(|certificate| shown(certificate, false)).collect(),
    }
}

fn default(translator: &Translator) -> Option<&Arc<Certificate>> {
    translator.settings()?.tls.default_certificate.as_ref()
}

fn shown_default(default: Option<&Certificate>) -> ShownCertificate {
    let self_signed = ShownCertificate {
        secret: None,
        is_default: true,
        not_after: None,
        expires: None,
        issuer: None,
        names: Vec::new(),
    };
    default.map_or(self_signed, |default| shown(default, true))
}

/// Those of the host, or else, where it does not speak of TLS, those of its wildcard host: see [`Table::handshake`].
fn own(table: &Table, translator: &Translator, at: EntryPoint, server_name: &str) -> Arc<[Arc<Certificate>]> {
    let host = table.host(at, server_name).ok().flatten().map(|host| host.name().clone());
    let wildcard =
        server_name.split_once('.').map(|(_, parent)| HostName::Wildcard(parent.to_ascii_lowercase().into()));
    let tls = |name: HostName| translator.host_at(at, &name)?.tls.clone();
    host.and_then(tls).or_else(|| tls(wildcard?)).map(|tls| tls.certificates).unwrap_or_default()
}

fn shown(certificate: &Certificate, is_default: bool) -> ShownCertificate {
    let leaf = certificate.chain.first().and_then(|leaf| X509Certificate::from_der(leaf).ok());
    let leaf = leaf.map(|(_, leaf)| leaf);
    let ends = leaf.as_ref().map(|leaf| leaf.validity().not_after);
    ShownCertificate {
        secret: Some(certificate.origin.object.to_string()),
        is_default,
        not_after: ends.map(|ends| ends.to_string()),
        expires: ends.map(|ends| ends.timestamp()),
        issuer: leaf.as_ref().map(|leaf| leaf.issuer().to_string()),
        names: leaf.as_ref().map(names).unwrap_or_default(),
    }
}

fn names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let alternatives = leaf.subject_alternative_name().ok().flatten();
    let names = alternatives.iter().flat_map(|alternatives| &alternatives.value.general_names);
    names.filter_map(name).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => {
            let v4 = <[u8; 4]>::try_from(*octets).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(*octets).map(IpAddr::from)).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}
