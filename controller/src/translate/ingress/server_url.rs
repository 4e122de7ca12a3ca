//! Servers that an Ingress names by URL.

use super::parser::Parser;
use crate::diagnostic::{Diagnostic, Reason};
use crate::lookup::Lookup;
use crate::route_defaults::ServerUrl;
use crate::translate::parsed_ingress::{HostRules, Reference};
use gateway::config::{BackendId, HostName, ServiceBackend};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Parser<'_> {
    /// The backend that a URL in a field means. A Service of the cluster by its DNS name is that Service: its endpoints are
    /// used, and no DNS. Other hosts are looked up. `$host` stands for a server for each host ([`Parser::servers_at_hosts`]).
    pub(super) fn url_backend(
        &mut self,
        url: &ServerUrl,
        field: impl Into<Arc<str>>,
        lookup: &Lookup<'_>,
    ) -> BackendId {
        if &*url.host == ServerUrl::HOST {
            self.asks_hosts = Some((field.into(), url.port));
            return BackendId::Url { host: Arc::clone(&url.host), port: url.port };
        }
        let service = service(&url.host).filter(|(namespace, name)| lookup.service(namespace, name).is_some());
        match service {
            Some((namespace, name)) => {
                let service = ServiceBackend::tcp(namespace, name, url.port.to_string());
                self.references.entry(service.clone()).or_insert(Reference {
                    field: field.into(),
                    routed: false,
                    in_rules: false,
                });
                service.into()
            }
            None => {
                let id = BackendId::Url { host: Arc::clone(&url.host), port: url.port };
                self.urls.push(id.clone());
                id
            }
        }
    }

    /// The auth servers of its hosts, where each has one under its own name. Hosts without an exact name are denied.
    pub(super) fn servers_at_hosts(&mut self, hosts: &BTreeMap<HostName, HostRules>, serves_any: bool) {
        let Some((field, port)) = self.asks_hosts.take() else { return };
        let any = serves_any.then_some(&HostName::Any);
        for host in hosts.keys().chain(&self.annotations.aliases).chain(any) {
            if let HostName::Exact(name) = host {
                self.urls.push(BackendId::Url { host: Arc::clone(name), port });
                continue;
            }
            let message = format!(
                "has $host in its URL, which is known for exact host names only: requests for {host} are answered with 503"
            );
            let denied = Diagnostic::error(self.object.clone(), field.clone(), message);
            self.diagnostics.push(denied.because(Reason::Denied));
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
