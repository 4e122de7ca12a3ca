//! A gateway, and what it serves.

use gateway::config::{
    Action, Backend, BackendId, Certificate, GatewaySettings, HostName, HostTls, Origin, Owner, PathKind, PrivateKey,
    Route, RouteBackend, RouteMatch, ServiceBackend, StreamBackend, Subject, TlsRoute, TlsSettings, Update,
    VirtualHost,
};
use gateway::listener::{DrainTimeouts, Gateway, HandshakeLimits, ListenSettings};
use gateway::table::{Published, Publisher};
use gateway::telemetry::{Identity, MetricsSettings, Telemetry};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, SignatureAlgorithm};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tests::connection::PATIENCE;

pub(crate) struct World {
    gateway: Gateway,
    publisher: Arc<Publisher>,
    telemetry: Telemetry,
}

impl World {
    pub(crate) fn new(hosts: impl IntoIterator<Item = VirtualHost>) -> Self {
        Self::with_limits(hosts, HandshakeLimits::default())
    }

    pub(crate) fn with_limits(hosts: impl IntoIterator<Item = VirtualHost>, handshakes: HandshakeLimits) -> Self {
        let publisher = Arc::new(Publisher::new(Arc::default()));
        let telemetry = Telemetry::start(&Identity::default(), &MetricsSettings::default(), Box::new(std::io::sink()))
            .expect("telemetry");
        let settings = ListenSettings {
            http: Vec::new(),
            advertised_http_port: None,
            https: vec![(Ipv4Addr::LOCALHOST, 0).into()],
            advertised_https_port: Some(443),
            handshakes,
            workers: 2,
            temp_space: Arc::default(),
        };
        let gateway = Gateway::start(&settings, &publisher, &telemetry).expect("a free port");
        let world = Self { gateway, publisher, telemetry };
        world.serve(hosts);
        world
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.gateway.https_addresses()[0]
    }

    pub(crate) fn serve(&self, hosts: impl IntoIterator<Item = VirtualHost>) -> Published {
        let hosts = hosts.into_iter().map(|host| (host.name.clone(), Some(Arc::new(host)))).collect();
        self.publisher.publish(Update { hosts, ..Update::default() })
    }

    pub(crate) fn set(&self, tls: TlsSettings) -> Published {
        self.configure(GatewaySettings { tls, ..GatewaySettings::default() })
    }

    pub(crate) fn configure(&self, settings: GatewaySettings) -> Published {
        self.publisher.publish(Update { settings: Some(Arc::new(settings)), ..Update::default() })
    }

    pub(crate) fn remove(&self, host: HostName) {
        self.publisher.publish(Update { hosts: vec![(host, None)], ..Update::default() });
    }

    /// Sends what [`routed`] and [`passed`] hosts take to this address.
    pub(crate) fn backend(&self, address: SocketAddr) {
        self.backends([address]);
    }

    /// Sends it to one of these.
    pub(crate) fn backends(&self, addresses: impl IntoIterator<Item = SocketAddr>) {
        let backend = Backend::at(addresses);
        self.publisher.publish(Update { backends: vec![(backend_id(), Some(backend))], ..Update::default() });
    }

    /// Ends gently, and returns the metrics.
    pub(crate) fn end(self) -> String {
        assert_eq!(
            self.gateway.drain(DrainTimeouts { idle: Duration::ZERO, busy: PATIENCE }),
            0,
            "connections are left"
        );
        self.telemetry.metrics().expect("metrics")
    }

    /// Ends gently, and asserts that these handshakes have failed and no others.
    pub(crate) fn end_with_failures(self, expected: &[(&str, u64)]) {
        let metrics = self.end();
        let failures = metrics.lines().filter(|line| line.starts_with("adit_tls_handshake_failures_total{"));
        let found: Vec<_> = failures
            .map(|line| {
                let (_, rest) = line.split_once("reason=\"").expect("a reason");
                let (reason, rest) = rest.split_once('"').expect("a value");
                (reason, rest.rsplit(' ').next().and_then(|count| count.parse().ok()).expect("a count"))
            })
            .collect();
        assert_eq!(found, expected);
    }
}

/// A virtual host with these certificates, and nothing else.
pub(crate) fn host(name: &str, certificates: &[&Arc<Certificate>]) -> VirtualHost {
    let certificates = certificates.iter().map(|&certificate| certificate.clone()).collect();
    VirtualHost { tls: Some(HostTls { certificates, listener: None }), ..bare_host(name) }
}

/// A virtual host that no TLS section names.
pub(crate) fn bare_host(name: &str) -> VirtualHost {
    VirtualHost::new(HostName::parse(name).expect("a host name"), Vec::new())
}

/// The host, with all its requests sent to [`World::backend`].
pub(crate) fn routed(host: VirtualHost) -> VirtualHost {
    let backend = RouteBackend {
        backend: backend_id(),
        weight: 1,
        when: None,
        canary: false,
        affinity: None,
        owner: Owner::default(),
        policies: Arc::default(),
    };
    let route = Route {
        origin: Origin::new(Subject::other("Ingress default/shop"), "spec.rules[0].http.paths[0]"),
        owner: Owner::default(),
        matches: RouteMatch::path(PathKind::Prefix, "/"),
        action: Action::Forward([backend].into()),
        policies: Arc::default(),
        locations: Arc::default(),
    };
    VirtualHost { routes: vec![route], ..host }
}

/// A virtual host whose TLS is passed on to [`World::backend`].
pub(crate) fn passed(name: &str) -> VirtualHost {
    let tls_route = TlsRoute {
        backends: StreamBackend::only(backend_id()),
        terminates: false,
        connect_timeout: PATIENCE,
        origin: Origin::new(Subject::other("Ingress default/shop"), "metadata.annotations[ssl-passthrough]"),
    };
    VirtualHost { tls_route: Some(Box::new(tls_route)), ..bare_host(name) }
}

fn backend_id() -> BackendId {
    ServiceBackend::tcp("default", "shop", "80").into()
}

/// A certificate for one name, with a key that all such certificates share.
pub(crate) fn certificate(name: &str) -> Arc<Certificate> {
    static KEY: LazyLock<KeyPair> = LazyLock::new(|| key(&PKCS_ECDSA_P256_SHA256));
    signed_by(&KEY, name)
}

pub(crate) fn key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).expect("a key")
}

pub(crate) fn signed_by(key: &KeyPair, name: &str) -> Arc<Certificate> {
    let params = CertificateParams::new([name.to_owned()]).expect("a name");
    let leaf = params.self_signed(key).expect("a certificate");
    Arc::new(Certificate {
        chain: Arc::from([leaf.der().to_vec()]),
        key: PrivateKey::new(&key.serialize_der()),
        origin: Origin::new(Subject::other(format!("Secret default/{name}")), "data"),
    })
}
