//! The controller's settings, as its flags give them.

use crate::address::Address;
use crate::object::{Kind, NamespacedName};
use crate::route_defaults::CORE_RULES;
use gateway::config::PathMatching;
use gateway::telemetry::MetricsSettings;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The settings of the command line. `Default` is a command line without flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How objects are read and translated.
    pub controller: ControllerSettings,
    /// How the process serves.
    pub serve: ServeSettings,
    /// Which cluster is watched, which of its namespaces, and what is written to it.
    pub cluster: ClusterSettings,
    /// `--log-level`: directives of `tracing_subscriber::EnvFilter`. Default `None`: the environment variable
    /// `RUST_LOG`, or else `info`.
    pub log_level: Option<String>,
    /// `--log-format`: how the lines of the log look. Default [`LogFormat::Text`].
    pub log_format: LogFormat,
}

/// How the lines of the log look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: an object in JSON a line.
    Json,
}

impl Settings {
    /// A command line without flags, for objects that come from a cluster and not from files. As in ingress-nginx, only
    /// Ingresses that name our class are served there.
    pub fn in_cluster() -> Self {
        let controller = ControllerSettings {
            controller_classes: vec!["adit.dev/ingress-controller".into()],
            ingress_classes: vec!["adit".into()],
            class_by_name: false,
            without_class: false,
            implied_classes: false,
            ..ControllerSettings::default()
        };
        Self { controller, ..Self::default() }
    }
}

/// The settings of translation. `Default` is what `adit serve DIR` uses without flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerSettings {
    /// `--controller-class`: Ingresses of IngressClasses with one of these controllers are served. Default
    /// `adit.dev/ingress-controller` and `k8s.io/ingress-nginx`; in a cluster only the first.
    pub controller_classes: Vec<String>,
    /// `--gateway-controller`: the Gateways of GatewayClasses with this controller are served. Default
    /// `adit.dev/gateway-controller`.
    pub gateway_controller: String,
    /// `--ingress-class`: Ingresses with one of these names in the annotation `kubernetes.io/ingress.class` are served,
    /// and, with [`Self::class_by_name`], those of IngressClasses with one of these names. Default `adit` and `nginx`;
    /// in a cluster only `adit`.
    pub ingress_classes: Vec<String>,
    /// `--ingress-class-by-name`: the name of an IngressClass is enough. Default true; in a cluster false.
    pub class_by_name: bool,
    /// `--watch-ingress-without-class`: Ingresses without a class are served. Default true; in a cluster false.
    pub without_class: bool,
    /// With [`Self::class_by_name`], no IngressClass of that name needs to exist. True for a directory, and with
    /// `--watch-namespace`, where Adit may not be allowed to read IngressClasses.
    pub implied_classes: bool,
    /// `--annotations-prefix`: the prefix of annotations, without the slash. Default `nginx.ingress.kubernetes.io`.
    pub annotations_prefix: String,
    /// `--configmap`: the ConfigMap with the settings of the gateway. Default `adit/adit`; `None` uses no ConfigMap.
    pub configmap: Option<NamespacedName>,
    /// `--default-backend-service`: serves requests that no rule matches. Default none: they are answered with 404.
    pub default_backend_service: Option<NamespacedName>,
    /// `--publish-service`: the Service that clients reach Adit by, whose ready endpoints are its replicas. Default none.
    pub published_service: Option<NamespacedName>,
    /// `--disable-catch-all`: Ingresses with a default backend are not served, also where they have rules. Default false.
    pub disable_catch_all: bool,
    /// `--disable-svc-external-name`: Services of type ExternalName have no endpoints. Default false.
    pub disable_external_name: bool,
    /// `--enable-topology-aware-routing`: endpoints for our zone are preferred where the Service says so. Default false.
    pub topology_aware: bool,
    /// `--topology-zone`: our zone. Default none: the source of the objects reports it, if it knows it.
    pub zone: Option<Arc<str>>,
    /// `--path-matching`: how paths match, unless the ConfigMap's key says so. Default [`PathMatching::Nginx`].
    pub path_matching: PathMatching,
    /// `--default-ssl-certificate`: the Secret with the certificate for hosts that have none. Default a self-signed one.
    pub default_certificate: Option<NamespacedName>,
    /// `--tcp-services-configmap`: the ConfigMap of TCP services. Default none.
    pub tcp_services: Option<NamespacedName>,
    /// `--udp-services-configmap`: the ConfigMap of UDP services. Default none.
    pub udp_services: Option<NamespacedName>,
    /// `--host-owners-configmap`: the ConfigMap that says which namespaces may have which hosts. Default none: all may have
    /// all.
    pub host_owners: Option<NamespacedName>,
    /// The ports of Adit itself, which no such service can use.
    pub own_ports: OwnPorts,
    /// `--enable-ssl-passthrough`: the annotation `ssl-passthrough` is applied. Default false.
    pub ssl_passthrough: bool,
    /// `--owasp-core-rules-dir`: the directory of the OWASP Core Rule Set. Default `/etc/adit/owasp-crs`.
    pub core_rules: PathBuf,
    /// `--geoip-dir`: the directory of the GeoIP2 databases. Default `/etc/ingress-controller/geoip`.
    pub geoip: PathBuf,
    /// `--maxmind-edition-ids`: the GeoIP2 databases that `use-geoip2` reads. Default `GeoLite2-City` and `GeoLite2-ASN`.
    pub geoip_editions: Vec<String>,
    /// `--advertised-https-port`, or else `--https-port`: the port in redirects to HTTPS with `use-port-in-redirects`.
    pub https_port: u16,
    /// `--health-check-path`: the path of the health check on the ports for HTTP and HTTPS. Default `/healthz`.
    pub health_path: String,
}

impl ControllerSettings {
    /// The objects that flags name, with their kinds.
    pub(crate) fn references(&self) -> impl Iterator<Item = (Kind, &NamespacedName)> {
        let names = [
            (Kind::ConfigMap, &self.configmap),
            (Kind::ConfigMap, &self.tcp_services),
            (Kind::ConfigMap, &self.udp_services),
            (Kind::ConfigMap, &self.host_owners),
            (Kind::Secret, &self.default_certificate),
            (Kind::Service, &self.default_backend_service),
        ];
        names.into_iter().filter_map(|(kind, name)| Some((kind, name.as_ref()?)))
    }
}

impl Default for ControllerSettings {
    fn default() -> Self {
        Self {
            controller_classes: vec!["adit.dev/ingress-controller".into(), "k8s.io/ingress-nginx".into()],
            gateway_controller: "adit.dev/gateway-controller".into(),
            ingress_classes: vec!["adit".into(), "nginx".into()],
            class_by_name: true,
            without_class: true,
            implied_classes: true,
            annotations_prefix: "nginx.ingress.kubernetes.io".into(),
            configmap: Some(NamespacedName { namespace: "adit".into(), name: "adit".into() }),
            default_backend_service: None,
            published_service: None,
            disable_catch_all: false,
            disable_external_name: false,
            topology_aware: false,
            zone: None,
            path_matching: PathMatching::default(),
            default_certificate: None,
            tcp_services: None,
            udp_services: None,
            host_owners: None,
            own_ports: OwnPorts::default(),
            ssl_passthrough: false,
            core_rules: CORE_RULES.into(),
            geoip: "/etc/ingress-controller/geoip".into(),
            geoip_editions: vec!["GeoLite2-City".into(), "GeoLite2-ASN".into()],
            https_port: 443,
            health_path: "/healthz".into(),
        }
    }
}

/// Which cluster is watched, which of its namespaces, and what is written to it. `Default` is the cluster of this Pod,
/// with all its namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// `--kubeconfig`: the file with the API server and the credentials. Default none: the service account of the Pod.
    pub kubeconfig: Option<PathBuf>,
    /// Whose kubeconfig counts, and which part of it; no flag of `serve` sets it.
    pub identity: Identity,
    /// `--apiserver-host`: the URL of the API server, in place of that of the kubeconfig or of the Pod.
    pub apiserver: Option<String>,
    /// `--certificate-authority`: a PEM file with the CA certificates that verify the API server at
    /// [`Self::apiserver`].
    pub certificate_authority: Option<PathBuf>,
    /// `--watch-namespace` or `--watch-namespace-selector`.
    pub namespaces: WatchedNamespaces,
    /// How often is asked whether the cluster has Gateway API. Default 10 s; no flag sets it.
    pub discovery_interval: Duration,
    /// What is written to the cluster.
    pub status: StatusSettings,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            identity: Identity::default(),
            apiserver: None,
            certificate_authority: None,
            namespaces: WatchedNamespaces::default(),
            discovery_interval: Duration::from_secs(10),
            status: StatusSettings::default(),
        }
    }
}

/// As who the API server is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// The service account of the Pod, unless a flag names a kubeconfig.
    #[default]
    Pod,
    /// The user of a kubeconfig. If no flag names one, those count that kubectl takes: of `KUBECONFIG`, or `~/.kube/config`.
    User {
        /// Its context. Default: the current one.
        context: Option<String>,
    },
}

/// How a leader is elected, and which addresses it writes to the status of Ingresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusSettings {
    /// The Pod of this process, from the environment variables `POD_NAMESPACE` and `POD_NAME`; no flag sets it.
    pub pod: Option<NamespacedName>,
    /// `--election-id`: the name of the Lease, in the namespace of the Pod. Default `adit-leader`.
    pub election_id: String,
    /// `--election-ttl`: how long the Lease is valid without renewal; at least 1 s. Default 30 s.
    pub election_ttl: Duration,
    /// The opposite of `--disable-leader-election`: only the holder of the Lease writes. Default true.
    pub election: bool,
    /// `--update-status`: addresses are written. Default true.
    pub update: bool,
    /// `--update-status-on-shutdown`: the last replica removes them when it ends. Default true.
    pub update_on_shutdown: bool,
    /// `--status-update-interval`: how often addresses and statuses are compared although no change is known; at least
    /// 5 s. Default 60 s.
    pub interval: Duration,
    /// `--publish-service`: the Service whose addresses are written. Default none.
    pub publish_service: Option<NamespacedName>,
    /// `--publish-status-address`: the addresses that are written. If it is empty and there is no such Service, the
    /// addresses of the nodes that run Adit are written. Default empty.
    pub addresses: Vec<Address>,
    /// `--report-node-internal-ip-address`: the InternalIP of a node is written, not its ExternalIP. Default false.
    pub node_internal_ip: bool,
}

impl Default for StatusSettings {
    fn default() -> Self {
        Self {
            pod: None,
            election_id: "adit-leader".into(),
            election_ttl: Duration::from_secs(30),
            election: true,
            update: true,
            update_on_shutdown: true,
            interval: Duration::from_secs(60),
            publish_service: None,
            addresses: Vec::new(),
            node_internal_ip: false,
        }
    }
}

/// The namespaces whose objects are served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WatchedNamespaces {
    /// All of them.
    #[default]
    All,
    /// This one.
    One(Arc<str>),
    /// Those with labels of this selector.
    Labelled(String),
}

impl WatchedNamespaces {
    /// The one that is watched, if it is one.
    pub fn one(&self) -> Option<&Arc<str>> {
        match self {
            Self::One(namespace) => Some(namespace),
            Self::All | Self::Labelled(_) => None,
        }
    }
}

/// The ports that Adit itself listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnPorts {
    /// `--http-port`.
    pub http: u16,
    /// `--https-port`.
    pub https: u16,
    /// `--healthz-port`.
    pub admin: u16,
    /// `--validating-webhook`; 0 without one.
    pub webhook: u16,
}

impl Default for OwnPorts {
    fn default() -> Self {
        let ServeSettings { http_port, https_port, admin_port, .. } = ServeSettings::default();
        Self { http: http_port, https: https_port, admin: admin_port, webhook: 0 }
    }
}

impl OwnPorts {
    /// The flag that chose this port for Adit itself, if one did.
    pub fn flag(&self, port: u16) -> Option<&'static str> {
        let flags = [
            (self.http, "--http-port"),
            (self.https, "--https-port"),
            (self.admin, "--healthz-port"),
            (self.webhook, "--validating-webhook"),
        ];
        flags.into_iter().find(|(own, _)| *own == port).map(|(_, flag)| flag)
    }
}

/// Sockets, threads and files of `adit serve`. They do not change while the process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeSettings {
    /// `--bind-address`: the address to listen on for clients. Default none: all addresses of the machine, `[::]` if it
    /// has IPv6, else `0.0.0.0`.
    pub bind_address: Option<IpAddr>,
    /// `--http-port`: the port for HTTP; with 0 the system chooses one. Default 80.
    pub http_port: u16,
    /// `--advertised-http-port`: the port that clients connect to, for redirects and forwarded headers. Default none:
    /// the port that Adit listens on.
    pub advertised_http_port: Option<u16>,
    /// `--https-port`: the port for HTTPS; with 0 the system chooses one. Default 443.
    pub https_port: u16,
    /// `--advertised-https-port`: the same for HTTPS. Default none: 443, whatever port Adit listens on.
    pub advertised_https_port: Option<u16>,
    /// `--workers`: the number of threads that serve requests. Default none: the ConfigMap's `worker-processes`, or
    /// else the cgroup's CPU quota, or else the number of CPUs.
    pub workers: Option<NonZeroUsize>,
    /// `--dns-server`: the DNS servers for Services of type ExternalName. Default empty: those of the system.
    pub dns_servers: Vec<SocketAddr>,
    /// Whether names of ExternalName Services may resolve to loopback addresses. No flag sets it: tests do.
    pub dns_allow_loopback: bool,
    /// `--access-log-path`: the file of the access log. Default none: standard output.
    pub access_log: Option<PathBuf>,
    /// `--temp-path`: the folder for temporary files. Default none: the system's.
    pub temp_path: Option<PathBuf>,
    /// `--healthz-host`: the address of the admin port. Default none: all addresses of the machine.
    pub admin_address: Option<IpAddr>,
    /// `--healthz-port`: the admin port; with 0 the system chooses one. Default 10254.
    pub admin_port: u16,
    /// `--health-check-path`: the path of the health check on the admin port. Default `/healthz`.
    pub health_path: String,
    /// `--enable-dashboard`: the admin port has pages for people. Default true.
    pub dashboard: bool,
    /// `--enable-metrics` and the other flags about metrics.
    pub metrics: MetricsSettings,
    /// `--shutdown-grace-period`: how long new connections are accepted after SIGTERM. Default 15 s.
    pub shutdown_grace: Duration,
    /// The admission webhook.
    pub webhook: WebhookSettings,
}

/// The admission webhook. `Default` is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    /// `--validating-webhook`: its port; with 0 the system chooses one. Default none: there is no webhook.
    pub port: Option<u16>,
    /// `--validating-webhook`: its address. Default none: all addresses of the machine.
    pub address: Option<IpAddr>,
    /// `--validating-webhook-certificate`: the file with its certificate. Default none: it makes one itself.
    pub certificate: Option<PathBuf>,
    /// `--validating-webhook-key`: the file with the key of that.
    pub key: Option<PathBuf>,
    /// `--validating-webhook-name`: the name of its Service and of the Secret with its own certificate, both in the
    /// namespace of the Pod, and of its ValidatingWebhookConfiguration. Default `adit-admission`.
    pub name: String,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self { port: None, address: None, certificate: None, key: None, name: "adit-admission".into() }
    }
}

impl Default for ServeSettings {
    fn default() -> Self {
        Self {
            bind_address: None,
            http_port: 80,
            advertised_http_port: None,
            https_port: 443,
            advertised_https_port: None,
            workers: None,
            dns_servers: Vec::new(),
            dns_allow_loopback: false,
            access_log: None,
            temp_path: None,
            admin_address: None,
            admin_port: 10254,
            health_path: "/healthz".into(),
            dashboard: true,
            metrics: MetricsSettings::default(),
            shutdown_grace: Duration::from_secs(15),
            webhook: WebhookSettings::default(),
        }
    }
}
