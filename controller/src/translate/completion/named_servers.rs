//! Services and servers that settings name.

use crate::diagnostic::Diagnostic;
use crate::lookup::Lookup;
use crate::route_defaults::ServerUrl;
use gateway::config::{BackendId, ServiceBackend};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What settings name, and what is wrong with that.
#[derive(Debug, Default)]
pub(in crate::translate) struct NamedServers {
    /// The Services' ports, each with the first field that names it.
    pub(in crate::translate) services: BTreeMap<ServiceBackend, Arc<str>>,
    /// The servers that are named by URL.
    pub(in crate::translate) urls: Vec<BackendId>,
    /// Each host has an auth server under its own name: the field that says so, and the port.
    pub(in crate::translate) at_hosts: Option<(Arc<str>, u16)>,
    pub(in crate::translate) diagnostics: Vec<Diagnostic>,
}

impl NamedServers {
    /// The backend that a URL in a field means. A Service of the cluster by its DNS name is that Service: its endpoints are
    /// used, and no DNS. Other hosts are looked up. `$host` stands for a server for each host ([`Self::at_hosts`]).
    pub(super) fn url_backend(
        &mut self,
        url: &ServerUrl,
        field: impl Into<Arc<str>>,
        lookup: &Lookup<'_>,
    ) -> BackendId {
        if &*url.host == ServerUrl::HOST {
            self.at_hosts = Some((field.into(), url.port));
            return BackendId::Url { host: Arc::clone(&url.host), port: url.port };
        }
        let service = service(&url.host).filter(|(namespace, name)| lookup.service(namespace, name).is_some());
        match service {
            Some((namespace, name)) => {
                let service = ServiceBackend::tcp(namespace, name, url.port.to_string());
                self.services.entry(service.clone()).or_insert_with(|| field.into());
                service.into()
            }
            None => {
                let id = BackendId::Url { host: Arc::clone(&url.host), port: url.port };
                self.urls.push(id.clone());
                id
            }
        }
    }
}

/// Namespace and name in `name.namespace.svc` or `name.namespace.svc.cluster.local`.
fn service(host: &str) -> Option<(&str, &str)> {
    let host = host.strip_suffix(".cluster.local").unwrap_or(host);
    let (name, namespace) = host.strip_suffix(".svc")?.split_once('.')?;
    (!namespace.contains('.')).then_some((namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_services_are_known() {
        assert_eq!(service("auth.ns.svc"), Some(("ns", "auth")));
        assert_eq!(service("auth.ns.svc.cluster.local"), Some(("ns", "auth")));
        for host in ["auth", "auth.ns", "a.b.ns.svc", "svc", "ns.svc", "auth.example.com"] {
            assert_eq!(service(host), None, "{host}");
        }
    }
}
