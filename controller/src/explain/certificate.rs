use crate::translate::Translator;
use gateway::config::{Certificate, HostName};
use gateway::table::Table;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use x509_parser::prelude::{FromDer as _, X509Certificate};

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
}

/// The certificates that a handshake chooses from whose ClientHello has this name: one for each kind of key. None where
/// the handshake is refused.
pub(super) fn list(table: &Table, translator: &Translator, server_name: &str) -> Vec<ShownCertificate> {
    if table.handshake(Some(server_name)).is_err() {
        return Vec::new();
    }
    let own = own(table, translator, server_name);
    if !own.is_empty() {
        return own.iter().map(|certificate| shown(certificate, false)).collect();
    }
    let default = table.settings().tls.default_certificate.as_ref().map(|certificate| shown(certificate, true));
    vec![default.unwrap_or(ShownCertificate { secret: None, is_default: true, not_after: None })]
}

/// Those of the host, or else, where it does not speak of TLS, those of its wildcard host: see [`Table::handshake`].
fn own(table: &Table, translator: &Translator, server_name: &str) -> Arc<[Arc<Certificate>]> {
    let host = table.host(server_name).ok().flatten().map(|host| host.name().clone());
    let host = host.filter(|host| *host != HostName::Any);
    let wildcard =
        server_name.split_once('.').map(|(_, parent)| HostName::Wildcard(parent.to_ascii_lowercase().into()));
    let tls = |name: HostName| translator.host(&name)?.tls.clone();
    host.and_then(tls).or_else(|| tls(wildcard?)).map(|tls| tls.certificates).unwrap_or_default()
}

fn shown(certificate: &Certificate, is_default: bool) -> ShownCertificate {
    let leaf = certificate.chain.first().and_then(|leaf| X509Certificate::from_der(leaf).ok());
    ShownCertificate {
        secret: Some(certificate.origin.object.to_string()),
        is_default,
        not_after: leaf.map(|(_, leaf)| leaf.validity().not_after.to_string()),
    }
}
