//! Servers that Ingresses and routes of Gateway API name by URL, and not as Services.

use gateway::config::{Backend, BackendId, Endpoints};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The servers, and how many objects name each.
#[derive(Debug, Default)]
pub(super) struct UrlBackends(BTreeMap<BackendId, (Backend, usize)>);

impl UrlBackends {
    /// How to reach a server; `None` if nothing names it.
    pub(super) fn get(&self, id: &BackendId) -> Option<&Backend> {
        self.0.get(id).map(|(backend, _)| backend)
    }

    /// One more object names the server. Does nothing for a Service.
    pub(super) fn add(&mut self, id: &BackendId) {
        let BackendId::Url { host, port } = id else { return };
        self.0.entry(id.clone()).or_insert_with(|| (resolve(host, *port), 0)).1 += 1;
    }

    /// One object less names it.
    pub(super) fn remove(&mut self, id: &BackendId) {
        if let Some((_, count)) = self.0.get_mut(id) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(id);
            }
        }
    }
}

/// The server at a host. A DNS name is resolved by the gateway, and followed.
fn resolve(host: &Arc<str>, port: u16) -> Backend {
    match host.parse::<IpAddr>() {
        Ok(address) => Backend::at([(address, port).into()]),
        Err(_) => Backend { endpoints: Endpoints::Name { name: host.clone(), port }, ..Backend::at([]) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_there_for_as_long_as_an_ingress_names_it() {
        let id = BackendId::Url { host: "auth.example".into(), port: 80 };
        let mut servers = UrlBackends::default();
        servers.add(&id);
        servers.add(&id);
        servers.remove(&id);
        let endpoints = &servers.get(&id).expect("one is left").endpoints;
        assert_eq!(*endpoints, Endpoints::Name { name: "auth.example".into(), port: 80 });
        servers.remove(&id);
        assert_eq!(servers.get(&id), None);
    }

    #[test]
    fn an_address_needs_no_dns() {
        let id = BackendId::Url { host: "2001:db8::1".into(), port: 81 };
        let mut servers = UrlBackends::default();
        servers.add(&id);
        assert_eq!(servers.get(&id), Some(&Backend::at(["[2001:db8::1]:81".parse().expect("an address")])));
    }
}
