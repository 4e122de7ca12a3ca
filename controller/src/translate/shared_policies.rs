use super::parsed_ingress::ParsedIngress;
use crate::route_defaults::UpstreamSettings;
use gateway::config::{HostPolicies, Route, RoutePolicies, VirtualHost};
use gateway::interner::Pool;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Equal policies and settings as one `Arc`, whichever Ingress, HTTPRoute or host they come from: thousands of them ask for the same few,
/// and the table compiles each `Arc` once.
#[derive(Debug, Default)]
pub(super) struct SharedPolicies {
    routes: Pool<RoutePolicies>,
    hosts: Pool<HostPolicies>,
    upstreams: Pool<UpstreamSettings>,
}

impl SharedPolicies {
    /// Shares those of an Ingress.
    pub(super) fn of_ingress(&mut self, ingress: &mut ParsedIngress) {
        let routes = ingress.hosts.iter_mut().flat_map(|(_, rules)| &mut rules.routes);
        self.of_routes(routes.chain([&mut ingress.root]));
        ingress.host_policies = self.hosts.share(Arc::clone(&ingress.host_policies));
        ingress.upstream = self.upstreams.share(Arc::clone(&ingress.upstream));
    }

    /// Takes a host in, in place of what it was, with its policies shared. `None` if it is as it was.
    pub(super) fn replace_host<K: Clone + Ord>(
        &mut self,
        hosts: &mut BTreeMap<K, Arc<VirtualHost>>,
        key: &K,
        host: Option<VirtualHost>,
    ) -> Option<Option<Arc<VirtualHost>>> {
        if hosts.get(key).map(Arc::as_ref) == host.as_ref() {
            return None;
        }
        let host = host.map(|mut host| {
            self.of_host(&mut host);
            Arc::new(host)
        });
        match &host {
            Some(host) => drop(hosts.insert(key.clone(), Arc::clone(host))),
            None => drop(hosts.remove(key)),
        }
        Some(host)
    }

    /// Shares those of a host, and of its routes.
    fn of_host(&mut self, host: &mut VirtualHost) {
        self.of_routes(host.routes.iter_mut().chain(host.less_specific.iter_mut().flatten()));
        host.policies = self.hosts.share(Arc::clone(&host.policies));
    }

    /// Shares those of routes.
    pub(super) fn of_routes<'a>(&mut self, routes: impl IntoIterator<Item = &'a mut Route>) {
        // Mostly all routes have the same ones.
        let mut last: Option<(Arc<RoutePolicies>, Arc<RoutePolicies>)> = None;
        for Route { policies, .. } in routes {
            let shared = match &last {
                Some((own, shared)) if Arc::ptr_eq(own, policies) => Arc::clone(shared),
                _ => self.routes.share(Arc::clone(policies)),
            };
            last = Some((std::mem::replace(policies, Arc::clone(&shared)), shared));
        }
    }
}
