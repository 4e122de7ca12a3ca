use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::parse_resolv_conf;
use hickory_resolver::{MAX_TTL, TokioResolver};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// Where the addresses of a name come from.
pub(super) trait Lookup: Send + Sync + 'static {
    /// All addresses of a name, at least one.
    fn look_up(&self, name: &str) -> impl Future<Output = Result<Answer, LookupError>> + Send;
}

/// The addresses of a name, and how long they may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) ttl: Duration,
}

/// Why a name has no addresses.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookupError {
    #[error(transparent)]
    Dns(#[from] NetError),
    #[error("the answer has neither an A nor an AAAA record")]
    NoAddress,
}

/// The Domain Name System.
#[derive(Clone, Debug)]
pub(super) struct Dns(TokioResolver);

impl Dns {
    /// Asks `servers`, or those of `resolv_conf` if there are none. A missing or unusable `resolv_conf` counts as
    /// empty.
    pub(super) fn new(resolv_conf: &[u8], servers: &[SocketAddr]) -> Result<Self, NetError> {
        let (mut config, mut options) = parse_resolv_conf(resolv_conf).unwrap_or_else(|error| {
            tracing::warn!(%error, "/etc/resolv.conf is not usable: no search list, and the name server on this machine");
            let local = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
            (ResolverConfig::from_name_servers(vec![local]), ResolverOpts::default())
        });
        if !servers.is_empty() {
            config.name_servers = servers.iter().map(name_server).collect();
        }
        // The domain of the machine's own name counts only where nothing is configured, as in resolv.conf(5).
        if !config.search.is_empty() {
            config.domain = None;
        }
        // We keep answers ourselves, for exactly their TTL.
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        Ok(Self(builder.with_options(options).build()?))
    }

    /// A and AAAA records, at the end of any CNAMEs, and the least TTL of all of these.
    async fn query(&self, name: &str) -> Result<Answer, LookupError> {
        let found = self.0.lookup_ip(name).await?;
        let addresses: Vec<_> = found.iter().collect();
        if addresses.is_empty() {
            return Err(LookupError::NoAddress);
        }
        let ttl = found.as_lookup().answers().iter().map(|record| record.ttl).min().unwrap_or(0);
        Ok(Answer { addresses, ttl: Duration::from_secs(ttl.into()) })
    }
}

impl Lookup for Dns {
    async fn look_up(&self, name: &str) -> Result<Answer, LookupError> {
        // ingress-nginx takes an address for an ExternalName, too. It must not go through the search list.
        if let Ok(address) = name.parse() {
            return Ok(Answer { addresses: vec![address], ttl: Duration::from_secs(MAX_TTL.into()) });
        }
        let Answer { addresses, ttl } = self.query(name).await?;
        Ok(Answer { addresses: usable(addresses, has_route), ttl })
    }
}

fn name_server(server: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    NameServerConfig::new(server.ip(), true, connections.into())
}

/// Leaves out addresses that this machine has no route to, as getaddrinfo(3) puts them last (RFC 6724, rule 1): most
/// public names have AAAA records, and in a cluster without IPv6 half of all tries would fail. If there is no route at
/// all, connecting shall say so.
fn usable(mut addresses: Vec<IpAddr>, has_route: impl Fn(IpAddr) -> bool) -> Vec<IpAddr> {
    if addresses.iter().any(|address| has_route(*address)) {
        addresses.retain(|address| has_route(*address));
    }
    addresses
}

/// Whether the kernel knows a way to an address. Connecting a UDP socket sends nothing.
fn has_route(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    UdpSocket::bind((any, 0)).and_then(|socket| socket.connect((address, 53))).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::test_server::{Zone, address, cname, serve};
    use super::*;

    async fn dns(zone: Zone, resolv_conf: &str) -> Dns {
        Dns::new(resolv_conf.as_bytes(), &[serve(zone).await]).expect("the configuration is sound")
    }

    fn answer<const N: usize>(ttl: u64, addresses: [&str; N]) -> Answer {
        let addresses = addresses.map(|address| address.parse().expect("is an address")).into();
        Answer { addresses, ttl: Duration::from_secs(ttl) }
    }

    #[tokio::test]
    async fn takes_both_families_and_the_least_ttl_of_the_chain() {
        let zone = Zone::new([
            cname("shop.test.", 7, "db.test."),
            address("db.test.", 60, "10.0.0.1"),
            address("db.test.", 60, "10.0.0.2"),
            address("db.test.", 90, "fd00::1"),
        ]);
        let dns = dns(zone, "nameserver 192.0.2.1").await;
        let found = dns.query("db.test.").await.expect("it resolves");
        assert_eq!(found, answer(60, ["10.0.0.1", "10.0.0.2", "fd00::1"]));
        let found = dns.query("shop.test.").await.expect("it resolves");
        assert_eq!(found, answer(7, ["10.0.0.1", "10.0.0.2", "fd00::1"]));
    }

    #[tokio::test]
    async fn follows_a_change_without_a_cache_in_between() {
        let zone = Zone::new([address("shop.test.", 60, "10.0.0.1")]);
        let dns = dns(zone.clone(), "nameserver 192.0.2.1").await;
        assert_eq!(dns.query("shop.test.").await.expect("it resolves"), answer(60, ["10.0.0.1"]));
        zone.replace([address("shop.test.", 5, "10.0.0.2")]);
        assert_eq!(dns.query("shop.test.").await.expect("it resolves"), answer(5, ["10.0.0.2"]));
    }

    /// L17: a trailing dot makes a name absolute, fewer dots than `ndots` try the search list first.
    #[tokio::test]
    async fn applies_search_list_and_ndots() {
        let zone = Zone::new([
            address("echo.", 5, "10.0.0.1"),
            address("echo.apps.svc.cluster.local.", 5, "10.0.0.2"),
            address("echo.other.svc.cluster.local.", 5, "10.0.0.3"),
            address("db.example.com.", 5, "10.0.0.4"),
        ]);
        let conf = "nameserver 192.0.2.1\nsearch apps.svc.cluster.local svc.cluster.local\noptions ndots:5";
        let dns = dns(zone, conf).await;
        for (name, address) in [
            ("echo", "10.0.0.2"),
            ("echo.", "10.0.0.1"),
            ("echo.other", "10.0.0.3"),
            ("echo.other.svc.cluster.local", "10.0.0.3"),
            ("db.example.com", "10.0.0.4"),
            ("DB.Example.com.", "10.0.0.4"),
        ] {
            let found = dns.query(name).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(found, answer(5, [address]), "{name}");
        }
    }

    #[tokio::test]
    async fn fails_for_unknown_names_loops_and_other_records() {
        let zone = Zone::new([
            cname("a.test.", 5, "b.test."),
            cname("b.test.", 5, "a.test."),
            cname("self.test.", 5, "self.test."),
            cname("dangling.test.", 5, "nowhere.test."),
        ]);
        let dns = dns(zone, "nameserver 192.0.2.1").await;
        for name in ["nowhere.test.", "a.test.", "self.test.", "dangling.test.", "not a name", "", "a..b"] {
            assert!(dns.look_up(name).await.is_err(), "{name:?}");
        }
    }

    #[tokio::test]
    async fn takes_an_address_for_a_name() {
        let conf = "nameserver 192.0.2.1\nsearch test\noptions ndots:5";
        let dns = dns(Zone::new([address("192.0.2.7.test.", 5, "10.0.0.1")]), conf).await;
        assert_eq!(
            dns.look_up("192.0.2.7").await.expect("it is an address").addresses,
            answer(0, ["192.0.2.7"]).addresses
        );
    }

    #[test]
    fn asks_the_local_machine_without_a_resolv_conf() {
        assert!(Dns::new(b"", &[]).is_ok());
        assert!(Dns::new(b"\xff nonsense\nnameserver nowhere", &[]).is_ok());
    }

    #[test]
    fn leaves_out_addresses_without_a_route_unless_none_has_one() {
        let both = answer(0, ["192.0.2.1", "2001:db8::1"]).addresses;
        assert_eq!(usable(both.clone(), |address| address.is_ipv4()), answer(0, ["192.0.2.1"]).addresses);
        assert_eq!(usable(both.clone(), |_| true), both);
        assert_eq!(usable(both.clone(), |_| false), both);
        assert!(has_route(Ipv4Addr::LOCALHOST.into()));
    }
}
