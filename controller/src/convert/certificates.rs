//! Which Secrets a host's listener for HTTPS names.

use super::hosts::Planner;
use super::report::Verdict;
use super::source::Source;
use crate::object::{Kind, NamespacedName, ObjectKey};
use gateway::config::{HostName, VirtualHost};
use k8s_openapi::api::networking::v1::IngressTLS;

impl Planner<'_> {
    /// The Secrets with a host's certificates; none where it is served over HTTP alone. `None` where it would have to have
    /// some.
    pub(super) fn certificates(&mut self, host: &VirtualHost, first: &ObjectKey) -> Option<Vec<NamespacedName>> {
        let own = host.tls.iter().flat_map(|tls| tls.certificates.iter());
        let own: Vec<_> = own.filter_map(|certificate| secret(&ObjectKey::of(&certificate.origin.object)?)).collect();
        if !own.is_empty() {
            return Some(own);
        }
        // Somebody has given Ingresses, and not all that there is in a cluster.
        let store = &self.source.store;
        let is_partial = !store.has(Kind::Secret) && !store.has(Kind::EndpointSlice);
        let named = if is_partial { named(&host.name, self.source) } else { Vec::new() };
        if !named.is_empty() {
            return Some(named);
        }
        let is_there = |name: &&NamespacedName| is_partial || store.secret(&name.namespace, &name.name).is_some();
        let default: Vec<_> = self.source.settings.default_certificate.iter().filter(is_there).cloned().collect();
        if host.tls.is_some() && default.is_empty() && host.tls_route.is_none() {
            let why = "has no certificate for its host: a listener for HTTPS needs one, and Ingresses are served with a \
                       self-signed one";
            self.findings.add(first, Verdict::NotConverted, "spec.tls", &host.name.as_written(), why);
            return None;
        }
        Some(default)
    }
}

fn secret(key: &ObjectKey) -> Option<NamespacedName> {
    let name = NamespacedName { namespace: key.namespace.clone(), name: key.name.clone() };
    (key.kind == Kind::Secret).then_some(name)
}

/// The Secrets that Ingresses name for a host, where none is there to look at.
fn named(host: &HostName, source: &Source) -> Vec<NamespacedName> {
    let name = host.as_written();
    let is_for = |tls: &&IngressTLS| tls.hosts.iter().flatten().any(|named| named.eq_ignore_ascii_case(&name));
    let of_ingress = source.ingresses().flat_map(|stored| {
        let entries = stored.object.spec.iter().flat_map(|spec| spec.tls.iter().flatten());
        let secrets = entries.filter(is_for).filter_map(|tls| tls.secret_name.as_deref());
        secrets.map(|name| NamespacedName { namespace: stored.key.namespace.clone(), name: name.into() })
    });
    of_ingress.take(1).collect()
}
