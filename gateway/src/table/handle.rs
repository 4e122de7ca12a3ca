use super::compile::{BackendTlsInterner, Compiler, LabelPool};
use super::config_hash::ConfigHash;
use super::host_index::HostIndex;
use super::streams::Streams;
use super::{Settings, Table};
use crate::config::{
    EntryPoint, GatewaySettings, HostName, HttpPort, Rejection, StreamListener, UnopenedPort, Update, VirtualHost,
};
use crate::policy::PolicyInterner;
use crate::policy::auth_cache::AuthCache;
use crate::tls::Terminator;
use crate::tls::ocsp::StapleQueue;
use crate::upstream::Registry;
use crate::variables::GeoIp;
use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// The current table, and the only way to replace it.
#[derive(Debug)]
pub struct Publisher {
    registry: Arc<Registry>,
    auth_cache: AuthCache,
    geo: Arc<GeoIp>,
    current: ArcSwap<Table>,
    revision: watch::Sender<u64>,
    state: Mutex<State>,
    /// What the table declares and could not be opened.
    unopened: watch::Sender<Arc<[UnopenedPort]>>,
}

/// The name of a virtual host, with the entry point that has it alone.
type HostPlace<'u> = (Option<EntryPoint>, &'u HostName);

/// What one publish leaves to the next.
#[derive(Debug, Default)]
struct State {
    labels: LabelPool,
    policies: PolicyInterner,
    tls: Terminator,
    backend_tls: BackendTlsInterner,
    /// What is not served of each host, for as long as the host is as it is.
    rejected: BTreeMap<(Option<EntryPoint>, HostName), Vec<Rejection>>,
    /// What is not served of the TLS settings, for as long as they are as they are.
    rejected_tls: Vec<Rejection>,
    /// The GeoIP2 databases that cannot be read, likewise.
    rejected_geo: Vec<Rejection>,
    config_hash: ConfigHash,
    /// Former tables that a request may still hold. They are dropped here, so that no request pays for it.
    retired: Vec<Arc<Table>>,
}

/// The outcome of a publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The revision at which the update is served.
    pub revision: u64,
    /// All that the table does not serve now, and why: by host, of this update and of those before.
    pub rejected: Vec<Rejection>,
}

impl State {
    fn rejected(&self) -> impl Iterator<Item = &Rejection> {
        self.rejected_tls.iter().chain(&self.rejected_geo).chain(self.rejected.values().flatten())
    }
}

impl Publisher {
    /// A publisher of an empty table with default settings, at revision 0.
    pub fn new(registry: Arc<Registry>) -> Self {
        let settings = Arc::new(Settings::from(Arc::<GatewaySettings>::default()));
        let mut state = State::default();
        let (tls, rejected) = state.tls.termination(&settings.tls);
        state.rejected_tls = rejected;
        let (tls, hosts, streams) = (tls.into(), HostIndex::default(), Arc::default());
        let (entry_hosts, ports) = (BTreeMap::new(), [].into());
        let table = Table { revision: 0, settings, tls, default_backend: None, hosts, entry_hosts, streams, ports };
        Self {
            registry,
            auth_cache: AuthCache::default(),
            geo: Arc::default(),
            current: ArcSwap::from_pointee(table),
            revision: watch::Sender::new(0),
            state: Mutex::new(state),
            unopened: watch::Sender::new(Arc::default()),
        }
    }

    /// Serves an update, as one: a request sees all of its hosts and settings or none. New endpoints are set before,
    /// and backends are removed after, so that no route is ever seen without its endpoints.
    ///
    /// Publishes come one after the other. Its cost is that of the hosts in the update; changes of backends alone
    /// rebuild nothing.
    pub fn publish(&self, update: Update) -> Published {
        let mut state = self.state.lock();
        let revision = self.revision() + 1;
        state.config_hash.apply(&update);
        let (set, removed): (Vec<_>, Vec<_>) = update.backends.into_iter().partition(|(_, backend)| backend.is_some());
        for (id, backend) in set {
            self.registry.set(&id, backend);
        }
        let changes_hosts = !update.hosts.is_empty() || !update.entry_hosts.is_empty();
        let changes_ports = update.streams.is_some() || update.ports.is_some();
        if update.settings.is_some() || changes_hosts || changes_ports {
            let hosts = update.hosts.iter().map(|(name, host)| ((None, name), host.as_deref()));
            let entry_hosts = update.entry_hosts.iter().map(|(at, name, host)| ((Some(*at), name), host.as_deref()));
            let ports = (update.streams.as_deref(), update.ports);
            let table = self.next_table(revision, update.settings, hosts.chain(entry_hosts), ports, &mut state);
            state.retired.push(self.current.swap(Arc::new(table)));
        }
        for (id, _) in removed {
            self.registry.set(&id, None);
        }
        // Nobody can come to hold a table that only this list holds.
        state.retired.retain(|table| Arc::strong_count(table) > 1);
        self.registry.collect();
        self.revision.send_replace(revision);
        Published { revision, rejected: state.rejected().cloned().collect() }
    }

    fn next_table<'u>(
        &self,
        revision: u64,
        settings: Option<Arc<GatewaySettings>>,
        hosts: impl Iterator<Item = (HostPlace<'u>, Option<&'u VirtualHost>)>,
        (streams, ports): (Option<&[StreamListener]>, Option<Arc<[HttpPort]>>),
        state: &mut State,
    ) -> Table {
        let current = self.current.load();
        let settings = match settings {
            Some(configured) => {
                if configured.geo != current.settings.geo {
                    state.rejected_geo = self.geo.configure(&configured.geo);
                }
                let databases = configured.geo.is_enabled.then(|| Arc::clone(&self.geo));
                Arc::new(Settings::from(configured).with_databases(databases))
            }
            None => Arc::clone(&current.settings),
        };
        let tls = if settings.tls == current.settings.tls {
            Arc::clone(&current.tls)
        } else {
            let (tls, rejected) = state.tls.termination(&settings.tls);
            state.rejected_tls = rejected;
            tls.into()
        };
        self.registry.set_ipv6_dns(settings.ipv6_dns);
        let default_backend = settings.default_backend.as_ref().map(|id| self.registry.upstream(id));
        let (mut index, mut entry_hosts) = (current.hosts.clone(), current.entry_hosts.clone());
        for ((at, name), host) in hosts {
            let mut rejected = Vec::new();
            let mut compiler = Compiler {
                registry: &self.registry,
                labels: &mut state.labels,
                policies: &mut state.policies,
                keys: &mut state.tls.keys,
                backend_tls: &mut state.backend_tls,
                rejected: &mut rejected,
                entry: at,
            };
            match (host.map(|host| compiler.host(host)).transpose(), at) {
                (Ok(compiled), None) => index.set(name, compiled.flatten()),
                (Ok(compiled), Some(at)) => entry_hosts.entry(at).or_default().set(name, compiled.flatten()),
                (Err(_keeps_its_former_state), _) => {}
            }
            let place = (at, name.clone());
            if rejected.is_empty() {
                state.rejected.remove(&place);
            } else {
                state.rejected.insert(place, rejected);
            }
        }
        entry_hosts.retain(|_, hosts| !hosts.is_empty());
        let streams = match streams {
            Some(streams) => Arc::new(Streams::compile(streams, &self.registry)),
            None => Arc::clone(&current.streams),
        };
        let ports = ports.unwrap_or_else(|| Arc::clone(&current.ports));
        Table { revision, settings, tls, default_backend, hosts: index, entry_hosts, streams, ports }
    }

    /// The current table. Hold the guard for one look-up, not for a request.
    pub fn load(&self) -> Guard<Arc<Table>> {
        self.current.load()
    }

    /// The auth responses that are kept: for all workers, and whatever becomes of the table.
    pub(crate) fn auth_cache(&self) -> &AuthCache {
        &self.auth_cache
    }

    /// The GeoIP2 databases.
    pub fn geo(&self) -> &Arc<GeoIp> {
        &self.geo
    }

    /// The certificates whose OCSP responses are to be fetched, for handshakes to send.
    pub fn staples(&self) -> Arc<StapleQueue> {
        Arc::clone(&self.state.lock().tls.staples)
    }

    /// The revision of the last publish.
    pub fn revision(&self) -> u64 {
        *self.revision.borrow()
    }

    /// A hash of what is configured, without the addresses of endpoints: equal in all replicas that are configured alike.
    pub fn config_hash(&self) -> u64 {
        self.state.lock().config_hash.value()
    }

    /// Each revision as it is served.
    pub(crate) fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Declared ports that cannot be listened on now, and why. It changes without a publish: a port may
    /// be taken by another process, and become free.
    pub fn unopened(&self) -> watch::Receiver<Arc<[UnopenedPort]>> {
        self.unopened.subscribe()
    }

    /// Says which ports cannot be listened on.
    pub(crate) fn report_unopened(&self, ports: Arc<[UnopenedPort]>) {
        self.unopened.send_if_modified(|reported| {
            let changed = **reported != *ports;
            *reported = ports;
            changed
        });
    }

    /// Waits until a revision is served.
    pub async fn reached(&self, revision: u64) {
        let mut served = self.revision.subscribe();
        // It fails only when the sender is gone, and that is `self`.
        let _ = served.wait_for(|served| *served >= revision).await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{self, Outcome, find};
    use super::*;
    use crate::config::{
        EntryPoint, Origin, PathKind, PathMatching, ServiceBackend, StreamBackend, StreamListener, StreamProtocol,
        Subject,
    };
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    fn hosts(names: &[&str]) -> Update {
        let host = |name: &&str| fixtures::virtual_host(name, &[(PathKind::Prefix, "/foo/")]);
        let hosts = names.iter().map(host).map(|host| (host.name.clone(), Some(Arc::new(host)))).collect();
        Update { hosts, ..Update::default() }
    }

    #[test]
    fn hosts_and_settings_are_published_as_one() {
        let publisher = Publisher::new(Arc::default());
        assert_eq!(find(&publisher.load(), "h", "/foo/"), Outcome::NoHost);
        let published = publisher.publish(hosts(&["h", "gone"]));
        assert_eq!(published, Published { revision: 1, rejected: Vec::new() });
        assert_eq!(find(&publisher.load(), "h", "/foo"), Outcome::AddSlash("/foo/".into()));

        let settings = GatewaySettings { path_matching: PathMatching::Strict, ..GatewaySettings::default() };
        let removed = (HostName::Exact("gone".into()), None);
        publisher.publish(Update { settings: Some(Arc::new(settings)), hosts: vec![removed], ..Update::default() });
        let table = publisher.load();
        assert_eq!(find(&table, "h", "/foo"), Outcome::Route(PathKind::Prefix, "/foo/".into()));
        assert_eq!(find(&table, "gone", "/foo"), Outcome::NoHost);
        assert_eq!((table.revision(), table.hosts().count()), (2, 1));
    }

    #[test]
    fn backends_alone_rebuild_nothing() {
        let publisher = Publisher::new(Arc::default());
        publisher.publish(hosts(&["h"]));
        let before = publisher.load();
        let id = ServiceBackend::tcp("ns", "svc", "80").into();
        assert_eq!(publisher.publish(Update { backends: vec![(id, None)], ..Update::default() }).revision, 2);
        assert!(Arc::ptr_eq(&before, &publisher.load()));
        assert_eq!(publisher.revision(), 2);
    }

    #[test]
    fn streams_change_alone() {
        let publisher = Publisher::new(Arc::default());
        publisher.publish(hosts(&["h"]));
        let backend = |port: &str, protocol| {
            StreamBackend::only(ServiceBackend { protocol, ..ServiceBackend::tcp("ns", "dns", port) })
        };
        let listener = |protocol, port, service_port: &str| StreamListener {
            protocol,
            port,
            backends: backend(service_port, protocol),
            accept_proxy: false,
            send_proxy: false,
            origin: Origin::new(Subject::other("ConfigMap ns/services"), format!("data.{port}")),
        };
        let (tcp, udp) = (StreamProtocol::Tcp, StreamProtocol::Udp);
        let streams = Some([listener(tcp, 53, "dns"), listener(udp, 53, "53")].into());
        publisher.publish(Update { streams, ..Update::default() });
        let before = publisher.load();
        let name = |protocol| before.streams().get(protocol, 53).and_then(|route| route.choose()).map(|to| to.name());
        assert_eq!((name(tcp), name(udp)), (Some("tcp-ns-dns-dns"), Some("udp-ns-dns-53")));
        assert!(before.streams().get(tcp, 80).is_none());

        publisher.publish(hosts(&["other"]));
        assert!(Arc::ptr_eq(before.streams(), publisher.load().streams()), "hosts do not rebuild streams");
        publisher.publish(Update { streams: Some(Arc::from([])), ..Update::default() });
        assert_eq!((publisher.load().streams().iter().count(), publisher.load().hosts().count()), (0, 2));
    }

    #[test]
    fn a_host_that_stays_is_not_compiled_again() {
        let publisher = Publisher::new(Arc::default());
        publisher.publish(hosts(&["a", "b"]));
        let before = publisher.load();
        publisher.publish(hosts(&["b"]));
        let after = publisher.load();
        let same = |name| match (before.host(EntryPoint::Http, name), after.host(EntryPoint::Http, name)) {
            (Ok(Some(before)), Ok(Some(after))) => Arc::ptr_eq(before, after),
            _ => panic!("both tables have the host"),
        };
        assert!(same("a") && !same("b"));
        let labels = |table: &Table| {
            let host = table.host(EntryPoint::Http, "b").expect("quick").expect("the host");
            Arc::clone(&host.routes()[0].labels)
        };
        assert!(Arc::ptr_eq(&labels(&before), &labels(&after)));
    }

    #[test]
    fn what_is_rejected_is_said_until_its_host_changes() {
        let publisher = Publisher::new(Arc::default());
        let bad = Arc::new(fixtures::virtual_host("bad", &[(PathKind::Regex, "/(")]));
        let update = Update { hosts: vec![(bad.name.clone(), Some(bad.clone()))], ..Update::default() };
        assert_eq!(publisher.publish(update).rejected.len(), 1);
        assert_eq!(publisher.publish(hosts(&["other"])).rejected.len(), 1);
        let gone = Update { hosts: vec![(bad.name.clone(), None)], ..Update::default() };
        assert!(publisher.publish(gone).rejected.is_empty());
    }

    #[test]
    fn a_retired_table_waits_for_its_last_reader() {
        let publisher = Publisher::new(Arc::default());
        publisher.publish(hosts(&["a"]));
        let reader = publisher.load();
        let retired = Arc::downgrade(&reader);
        publisher.publish(hosts(&["b"]));
        drop(reader);
        assert_eq!(retired.strong_count(), 1, "the reader did not drop the table");
        publisher.publish(Update::default());
        assert_eq!(retired.strong_count(), 0);
    }

    #[test]
    fn a_revision_is_awaited() {
        let publisher = Publisher::new(Arc::default());
        let mut context = Context::from_waker(Waker::noop());
        let mut reached = std::pin::pin!(publisher.reached(1));
        assert_eq!(reached.as_mut().poll(&mut context), Poll::Pending);
        publisher.publish(Update::default());
        assert_eq!(reached.as_mut().poll(&mut context), Poll::Ready(()));
    }
}
