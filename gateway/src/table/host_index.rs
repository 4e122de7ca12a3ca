use super::host::Host;
use crate::config::HostName;
use crate::pattern::Pattern;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// How many parts the hosts of one kind are kept in: a publish copies the parts that it touches.
const SHARDS: usize = 256;

/// The virtual hosts of a table by name. Cloning it copies no host and no map.
#[derive(Clone, Debug, Default)]
pub(super) struct HostIndex {
    exact: Shards,
    /// By the suffix after `*.`.
    wildcard: Shards,
    /// Those of any depth, likewise.
    subdomains: Shards,
    /// In the order of their patterns' text.
    patterns: Vec<Arc<Host>>,
    any: Option<Arc<Host>>,
}

impl HostIndex {
    /// Sets or removes the host of a name.
    pub(super) fn set(&mut self, name: &HostName, host: Option<Arc<Host>>) {
        match name {
            HostName::Any => self.any = host,
            HostName::Exact(name) => self.exact.set(name, host),
            HostName::Wildcard(suffix) => self.wildcard.set(suffix, host),
            HostName::Subdomains(suffix) => self.subdomains.set(suffix, host),
            HostName::Pattern(_) => {
                let place = self.patterns.binary_search_by(|other| other.name.cmp(name));
                match (place, host) {
                    (Ok(place), Some(host)) => self.patterns[place] = host,
                    (Ok(place), None) => drop(self.patterns.remove(place)),
                    (Err(place), Some(host)) => self.patterns.insert(place, host),
                    (Err(_), None) => {}
                }
            }
        }
    }

    /// Whether there is no host.
    pub(super) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The host of this very name.
    pub(super) fn get(&self, name: &HostName) -> Option<&Arc<Host>> {
        match name {
            HostName::Any => self.any.as_ref(),
            HostName::Exact(name) => self.exact.find(name),
            HostName::Wildcard(suffix) => self.wildcard.find(suffix),
            HostName::Subdomains(suffix) => self.subdomains.find(suffix),
            HostName::Pattern(_) => self.patterns.iter().find(|host| host.name == *name),
        }
    }

    /// All hosts, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Host>> {
        self.exact
            .iter()
            .chain(self.wildcard.iter())
            .chain(self.subdomains.iter())
            .chain(&self.patterns)
            .chain(&self.any)
    }
}

/// The virtual hosts of an entry point: those of all that share some, if it does, and those that it has alone, which come first
/// where they have the same name.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryHosts<'t> {
    pub(super) shared: Option<&'t HostIndex>,
    pub(super) own: Option<&'t HostIndex>,
}

impl<'t> EntryHosts<'t> {
    /// The most specific virtual host for a [canonical](super::canonical_host) host, which may be empty. The error is
    /// a pattern that takes too long on it.
    pub(super) fn find(self, host: &str) -> Result<Option<&'t Arc<Host>>, &'t Pattern> {
        if let Some(found) = self.first(|index| index.exact.find(host)) {
            return Ok(Some(found));
        }
        if let Some(found) = self.wildcard(host) {
            return Ok(Some(found));
        }
        if let Some(found) = self.above(host) {
            return Ok(Some(found));
        }
        // Only an Ingress has patterns.
        for candidate in self.shared.into_iter().flat_map(|shared| &shared.patterns) {
            if candidate.matches_pattern(host)? {
                return Ok(Some(candidate));
            }
        }
        Ok(self.first(|index| index.any.as_ref()))
    }

    /// The wildcard host for a canonical host, whether or not there is a more specific one.
    pub(super) fn wildcard(self, host: &str) -> Option<&'t Arc<Host>> {
        let suffix = suffix_after_one_label(host)?;
        self.first(|index| index.wildcard.find(suffix))
    }

    /// The wildcard host of any depth with the longest suffix of a canonical host.
    fn above(self, host: &str) -> Option<&'t Arc<Host>> {
        let has_some = |index: Option<&HostIndex>| index.is_some_and(|index| !index.subdomains.is_empty());
        if !has_some(self.shared) && !has_some(self.own) {
            return None;
        }
        suffixes(host).find_map(|suffix| self.first(|index| index.subdomains.find(suffix)))
    }

    /// All of them, in no particular order.
    pub(super) fn iter(self) -> impl Iterator<Item = &'t Arc<Host>> {
        let is_replaced = move |host: &&Arc<Host>| self.own.is_some_and(|own| own.get(&host.name).is_some());
        let shared = self.shared.into_iter().flat_map(HostIndex::iter).filter(move |host| !is_replaced(host));
        self.own.into_iter().flat_map(HostIndex::iter).chain(shared)
    }

    fn first(self, find: impl Fn(&'t HostIndex) -> Option<&'t Arc<Host>>) -> Option<&'t Arc<Host>> {
        self.own.and_then(&find).or_else(|| self.shared.and_then(find))
    }
}

/// The suffix of the only wildcard of one label that takes a canonical host.
pub(super) fn suffix_after_one_label(host: &str) -> Option<&str> {
    let (label, suffix) = host.split_once('.')?;
    (!label.is_empty()).then_some(suffix)
}

/// The suffixes of the wildcards of any depth that take a canonical host, the longest first.
pub(super) fn suffixes(host: &str) -> impl Iterator<Item = &str> {
    memchr::memchr_iter(b'.', host.as_bytes()).filter(|dot| *dot > 0).map(|dot| &host[dot + 1..])
}

/// Hosts with their names.
type Shard = HashTable<(Arc<str>, Arc<Host>)>;

#[derive(Clone, Debug)]
struct Shards {
    hasher: RandomState,
    shards: Vec<Arc<Shard>>,
    count: usize,
}

impl Default for Shards {
    fn default() -> Self {
        Self { hasher: RandomState::default(), shards: vec![Arc::default(); SHARDS], count: 0 }
    }
}

impl Shards {
    fn find(&self, name: &str) -> Option<&Arc<Host>> {
        // Most tables have no hosts of some kind, and a hash of the name would be for nothing.
        if self.is_empty() {
            return None;
        }
        let hash = hash(&self.hasher, name);
        let (_, host) = self.shards[shard_of(hash)].find(hash, |(other, _)| **other == *name)?;
        Some(host)
    }

    fn set(&mut self, name: &Arc<str>, host: Option<Arc<Host>>) {
        let Self { hasher, shards, count } = self;
        let hash_of = |name: &str| hash(hasher, name);
        let hash = hash_of(name);
        let shard = Arc::make_mut(&mut shards[shard_of(hash)]);
        let before = shard.len();
        match (shard.entry(hash, |(other, _)| other == name, |(other, _)| hash_of(other)), host) {
            (Entry::Occupied(mut entry), Some(host)) => entry.get_mut().1 = host,
            (Entry::Occupied(entry), None) => drop(entry.remove()),
            (Entry::Vacant(entry), Some(host)) => drop(entry.insert((Arc::clone(name), host))),
            (Entry::Vacant(_), None) => {}
        }
        *count = *count + shard.len() - before;
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Host>> {
        self.shards.iter().flat_map(|shard| shard.iter()).map(|(_, host)| host)
    }
}

/// Of a name, whose shard it chooses and whose place there.
fn hash(hasher: &RandomState, name: &str) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(name.as_bytes());
    hasher.finish()
}

/// The number of the shard: of bits by which a [`Shard`] chooses no place.
fn shard_of(hash: u64) -> usize {
    (hash >> 32) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::super::Publisher;
    use super::super::fixtures;
    use super::super::fixtures::Outcome;
    use super::*;
    use crate::config::{EntryPoint, PathKind, PathMatching, Update, VirtualHost};

    /// The name of the virtual host that takes a `Host` header.
    fn winner(names: &[&str], header: &str) -> Option<String> {
        let hosts: Vec<_> = names.iter().map(|name| (*name, &[][..])).collect();
        let table = fixtures::table(PathMatching::Nginx, &hosts);
        table.host(EntryPoint::Http, header).expect("quick").map(|host| host.name().to_string())
    }

    #[test]
    fn the_most_specific_host_wins() {
        let hosts = ["", "*.foo.com", "foo.bar.com", "~^x[0-9]", "~^[a-x]"];
        for (header, expected) in [
            ("foo.bar.com", "foo.bar.com"),
            ("FOO.Bar.COM:8080", "foo.bar.com"),
            ("bar.foo.com.", "*.foo.com"),
            ("x1.foo.com", "*.foo.com"),
            ("baz.bar.foo.com", "~^[a-x]"),
            ("x1", "~^[a-x]"),
            ("yy.example", "*"),
            (".foo.com", "*"),
            ("192.0.2.10", "*"),
            ("", "*"),
        ] {
            assert_eq!(winner(&hosts, header).as_deref(), Some(expected), "{header}");
        }
    }

    #[test]
    fn a_wildcard_is_exactly_one_label() {
        for header in ["baz.bar.foo.com", "foo.com", "x.foo.bar.com", ".foo.com", "com", ""] {
            assert_eq!(winner(&["*.foo.com", "foo.bar.com"], header), None, "{header}");
        }
    }

    #[test]
    fn a_wildcard_of_any_depth_comes_after_that_of_one_label() {
        let hosts = ["**.foo.com", "**.bar.foo.com", "*.foo.com", "~^[a-x]", "deep.x.foo.com"];
        for (header, expected) in [
            ("x.foo.com", Some("*.foo.com")),
            ("y.x.foo.com", Some("**.foo.com")),
            ("deep.x.foo.com", Some("deep.x.foo.com")),
            ("x.bar.foo.com", Some("**.bar.foo.com")),
            ("y.x.bar.foo.com", Some("**.bar.foo.com")),
            ("bar.foo.com", Some("*.foo.com")),
            ("foo.com", Some("~^[a-x]")),
            ("zfoo.com", None),
            (".foo.com", None),
            ("..foo.com", Some("**.foo.com")),
        ] {
            assert_eq!(winner(&hosts, header).as_deref(), expected, "{header}");
        }
        let mut index = fixtures::table(PathMatching::Nginx, &[("**.foo.com", &[])]).hosts.clone();
        index.set(&HostName::Subdomains("foo.com".into()), None);
        assert!(index.subdomains.is_empty() && index.iter().next().is_none());
    }

    #[test]
    fn a_change_copies_one_shard() {
        let before = fixtures::table(PathMatching::Nginx, &[("a.com", &[]), ("b.com", &[])]).hosts.clone();
        let mut after = before.clone();
        after.set(&HostName::Exact("a.com".into()), None);
        let copied = before.exact.shards.iter().zip(&after.exact.shards).filter(|(a, b)| !Arc::ptr_eq(a, b)).count();
        assert_eq!(copied, 1);
        assert!(before.get(&HostName::Exact("a.com".into())).is_some());
        assert!(after.get(&HostName::Exact("a.com".into())).is_none());
    }

    #[test]
    fn an_entry_point_has_hosts_of_its_own() {
        let host = |name: &str, path| Some(Arc::new(fixtures::virtual_host(name, &[(PathKind::Prefix, path)])));
        let of_all = ["a.com", "b.com", "*.a.com"].map(|name| (name, host(name, "/all")));
        let of_http = ["a.com", "**.a.com", ""].map(|name| (name, host(name, "/http")));
        let named = |host: &Option<Arc<VirtualHost>>| host.as_ref().expect("a host").name.clone();
        let publisher = Publisher::new(Arc::default());
        publisher.publish(Update {
            hosts: of_all.into_iter().map(|(_, host)| (named(&host), host)).collect(),
            entry_hosts: of_http.into_iter().map(|(_, host)| (EntryPoint::Http, named(&host), host)).collect(),
            ..Update::default()
        });
        let table = publisher.load();
        let winner = |at, header: &str| {
            let host = table.host(at, header).expect("quick")?;
            Some(format!("{} {}", host.title(), host.routes()[0].matches.path.value))
        };
        for (header, http, https) in [
            ("a.com", "a.com (HTTP) /http", Some("a.com /all")),
            ("b.com", "b.com /all", Some("b.com /all")),
            ("x.a.com", "*.a.com /all", Some("*.a.com /all")),
            ("y.x.a.com", "**.a.com (HTTP) /http", None),
            ("c.com", "* (HTTP) /http", None),
        ] {
            assert_eq!(winner(EntryPoint::Http, header).as_deref(), Some(http), "{header}");
            assert_eq!(winner(EntryPoint::Https, header).as_deref(), https, "{header}");
        }
        assert_eq!((table.hosts().count(), table.entry_hosts.len()), (6, 1));
        let other_port = EntryPoint::Port { port: 8080, tls: false };
        assert_eq!(["a.com", "c.com"].map(|header| winner(other_port, header)), [None, None], "it shares none");
        let gone = ["a.com", "**.a.com", ""].map(|name| (EntryPoint::Http, named(&host(name, "/")), None));
        publisher.publish(Update { entry_hosts: gone.into(), ..Update::default() });
        assert!(publisher.load().entry_hosts.is_empty(), "what is empty costs no look-up");
    }

    #[test]
    fn routes_of_less_specific_names_come_last() {
        let routes = |path| fixtures::virtual_host("h", &[(PathKind::Prefix, path)]).routes;
        let host = fixtures::virtual_host("h", &[(PathKind::Prefix, "/a")]);
        let host = VirtualHost { less_specific: vec![routes("/a/longer"), routes("/")], ..host };
        let table = fixtures::serving(PathMatching::Nginx, [host]);
        let winner = |path| match fixtures::find(&table, "h", path) {
            Outcome::Route(_, path) => path,
            other => panic!("{other:?}"),
        };
        assert_eq!((winner("/a/longer").as_str(), winner("/b").as_str()), ("/a", "/"));
    }

    #[test]
    fn patterns_are_set_and_removed() {
        let mut index = fixtures::table(PathMatching::Nginx, &[("~b", &[]), ("~a", &[])]).hosts.clone();
        let name = |shared: &HostIndex| {
            let hosts = EntryHosts { shared: Some(shared), own: None };
            hosts.find("ab").expect("quick").map(|host| host.name.to_string())
        };
        assert_eq!(name(&index).as_deref(), Some("~a"));
        index.set(&HostName::Pattern("a".into()), None);
        assert_eq!(name(&index).as_deref(), Some("~b"));
        assert_eq!(index.iter().count(), 1);
    }
}
