use crate::config::{Backend, BackendId, Endpoints, EntryPoint, HostName, Update};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A hash of what is configured: equal in all replicas that are configured alike, in whatever order they learned it.
///
/// It is a sum over the parts of the configuration, so that a change costs what the changed parts cost. Addresses of
/// endpoints do not count: as in ingress-nginx, they are no configuration.
#[derive(Debug, Default)]
pub(super) struct ConfigHash {
    /// The hash of each part, by that of its name.
    parts: HashMap<u64, u64>,
    sum: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Settings,
    Streams,
    Ports,
    Host(HostName),
    EntryHost(EntryPoint, HostName),
    Backend(BackendId),
}

impl ConfigHash {
    /// The hash of all that is configured now.
    pub(super) fn value(&self) -> u64 {
        self.sum
    }

    /// Takes in a change of the configuration.
    pub(super) fn apply(&mut self, update: &Update) {
        if let Some(settings) = &update.settings {
            self.set(&Part::Settings, Some(settings));
        }
        if let Some(streams) = &update.streams {
            self.set(&Part::Streams, Some(streams));
        }
        if let Some(ports) = &update.ports {
            self.set(&Part::Ports, Some(ports).filter(|ports| !ports.is_empty()));
        }
        for (name, host) in &update.hosts {
            self.set(&Part::Host(name.clone()), host.as_ref());
        }
        for (at, name, host) in &update.entry_hosts {
            self.set(&Part::EntryHost(*at, name.clone()), host.as_ref());
        }
        for (id, backend) in &update.backends {
            self.set(&Part::Backend(id.clone()), backend.as_ref().map(without_addresses));
        }
    }

    /// Sets a part, or removes it.
    fn set(&mut self, part: &Part, value: Option<impl Hash>) {
        let name = hash(part);
        let hash = value.map(|value| hash(&(part, value)));
        let former = match hash {
            Some(hash) => self.parts.insert(name, hash),
            None => self.parts.remove(&name),
        };
        self.sum = self.sum.wrapping_add(hash.unwrap_or_default()).wrapping_sub(former.unwrap_or_default());
    }
}

/// What is configured of a backend.
fn without_addresses(backend: &Backend) -> impl Hash {
    let name = match &backend.endpoints {
        Endpoints::Name { name, port } => Some((name, port)),
        Endpoints::Addresses(_) | Endpoints::Unchanged => None,
    };
    let Backend { hash_by, balance, slow_start, ejection, client_ip_affinity, .. } = backend;
    (hash_by, balance, slow_start, ejection, client_ip_affinity, name)
}

/// The same in every process of one build: this hasher has no key.
fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use crate::config::{Balance, Endpoint, GatewaySettings, PathKind, ServiceBackend};
    use std::sync::Arc;

    fn of(updates: impl IntoIterator<Item = Update>) -> u64 {
        let mut hash = ConfigHash::default();
        updates.into_iter().for_each(|update| hash.apply(&update));
        hash.value()
    }

    fn host(name: &str, path: &str) -> Update {
        let host = fixtures::virtual_host(name, &[(PathKind::Prefix, path)]);
        Update { hosts: vec![(host.name.clone(), Some(Arc::new(host)))], ..Update::default() }
    }

    fn without(name: &str) -> Update {
        Update { hosts: vec![(HostName::Exact(name.into()), None)], ..Update::default() }
    }

    fn backend(balance: Balance, address: &str) -> Update {
        let endpoints = Endpoints::Addresses([Endpoint { address: address.parse().expect("one"), pod: None }].into());
        let backend = Backend { balance, endpoints, ..Backend::at([]) };
        Update { backends: vec![(ServiceBackend::tcp("ns", "svc", "80").into(), Some(backend))], ..Update::default() }
    }

    fn settings(ipv6: bool) -> Update {
        let settings = GatewaySettings { ipv6, ..GatewaySettings::default() };
        Update { settings: Some(Arc::new(settings)), ..Update::default() }
    }

    #[test]
    fn equal_configurations_are_equal_however_they_came_about() {
        let direct = of([host("a", "/x"), host("b", "/"), settings(true)]);
        let detour =
            [settings(false), host("gone", "/"), host("b", "/"), host("a", "/"), settings(true), without("gone")];
        assert_eq!(of(detour.into_iter().chain([host("a", "/x"), without("never")])), direct);
    }

    #[test]
    fn every_change_of_the_configuration_shows() {
        let before = || [host("a", "/"), host("b", "/x"), settings(true)];
        let changed = [
            host("a", "/y"),
            without("a"),
            host("c", "/"),
            settings(false),
            backend(Balance::RoundRobin, "10.0.0.1:80"),
        ];
        for change in changed {
            let text = format!("{change:?}");
            assert_ne!(of(before()), of(before().into_iter().chain([change])), "{text}");
        }
        assert_ne!(of([host("a", "/"), host("b", "/x")]), of([host("a", "/x"), host("b", "/")]));
    }

    #[test]
    fn addresses_of_endpoints_are_no_configuration() {
        let first = of([backend(Balance::RoundRobin, "10.0.0.1:80")]);
        assert_eq!(first, of([backend(Balance::RoundRobin, "10.0.0.2:80")]));
    }
}
