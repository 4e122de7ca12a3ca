//! The controller's settings, as its flags give them.

use crate::address::Address;
use crate::object::NamespacedName;
use gateway::config::PathMatching;
use gateway::telemetry::MetricsSettings;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// All that the command line says. `Default` is a command line without flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How objects are read and translated.
    pub controller: ControllerSettings,
    /// How the process serves.
    pub serve: ServeSettings,
    /// Which cluster is watched, and what of it.
    pub cluster: ClusterSettings,
    /// `--log-level`: directives of `tracing_subscriber::EnvFilter`. `None` leaves it to the environment.
    pub log_level: Option<String>,
}

impl Settings {
    /// A command line without flags, for objects that come from a cluster and not from files: there, as with
    /// ingress-nginx, nothing is ours that does not say so.
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

/// What translation needs to know besides the objects. `Default` is what `adit serve DIR` does without flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerSettings {
    /// `--controller-class`: IngressClasses with one of these controllers are ours.
    pub controller_classes: Vec<String>,
    /// `--ingress-class`: names that `kubernetes.io/ingress.class` may have, and, where [`Self::class_by_name`] is set,
    /// the names of IngressClasses that are ours.
    pub ingress_classes: Vec<String>,
    /// `--ingress-class-by-name`. In a directory also without an IngressClass object.
    pub class_by_name: bool,
    /// `--watch-ingress-without-class`.
    pub without_class: bool,
    /// A class by name counts although no IngressClass object of that name exists: true for a directory, and with
    /// `--watch-namespace`, where IngressClasses may be out of sight.
    pub implied_classes: bool,
    /// `--annotations-prefix`.
    pub annotations_prefix: String,
    /// `--configmap`.
    pub configmap: Option<NamespacedName>,
    /// `--default-backend-service`.
    pub default_backend_service: Option<NamespacedName>,
    /// `--disable-catch-all`: ignore Ingresses that only have a default backend or rules without a host.
    pub disable_catch_all: bool,
    /// `--disable-svc-external-name`: Services of type ExternalName have no endpoints.
    pub disable_external_name: bool,
    /// `--path-matching`; the ConfigMap's key of that name wins.
    pub path_matching: PathMatching,
    /// `--default-ssl-certificate`: the Secret with the certificate for hosts without one. `None` is a self-signed one.
    pub default_certificate: Option<NamespacedName>,
    /// `--tcp-services-configmap`: the ConfigMap of TCP services.
    pub tcp_services: Option<NamespacedName>,
    /// `--udp-services-configmap`: the ConfigMap of UDP services.
    pub udp_services: Option<NamespacedName>,
    /// The ports that no such service may have.
    pub own_ports: OwnPorts,
    /// `--enable-ssl-passthrough`: the annotation `ssl-passthrough` counts.
    pub ssl_passthrough: bool,
    /// `--advertised-https-port`, else `--https-port`: the port that redirects to HTTPS name where they are told to.
    pub https_port: u16,
}

impl Default for ControllerSettings {
    fn default() -> Self {
        Self {
            controller_classes: vec!["adit.dev/ingress-controller".into(), "k8s.io/ingress-nginx".into()],
            ingress_classes: vec!["adit".into(), "nginx".into()],
            class_by_name: true,
            without_class: true,
            implied_classes: true,
            annotations_prefix: "nginx.ingress.kubernetes.io".into(),
            configmap: Some(NamespacedName { namespace: "adit".into(), name: "adit".into() }),
            default_backend_service: None,
            disable_catch_all: false,
            disable_external_name: false,
            path_matching: PathMatching::default(),
            default_certificate: None,
            tcp_services: None,
            udp_services: None,
            own_ports: OwnPorts::default(),
            ssl_passthrough: false,
            https_port: 443,
        }
    }
}

/// Which cluster is watched, and what of it, and what is written to it. `Default` is the cluster of this Pod, with all
/// its namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterSettings {
    /// `--kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--apiserver-host`: the API server's URL, in place of the one in the kubeconfig.
    pub apiserver: Option<String>,
    /// `--certificate-authority`: a file with the authorities of the API server at [`Self::apiserver`], as PEM.
    pub certificate_authority: Option<PathBuf>,
    /// `--watch-namespace` or `--watch-namespace-selector`.
    pub namespaces: WatchedNamespaces,
    /// What is written to it.
    pub status: StatusSettings,
}

/// How a leader is elected, and which addresses it writes to the status of Ingresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusSettings {
    /// Which Pod this is. No flag says so: `POD_NAMESPACE` and `POD_NAME` of the environment do.
    pub pod: Option<NamespacedName>,
    /// `--election-id`: the name of the Lease, in the Pod's namespace.
    pub election_id: String,
    /// `--election-ttl`: how long the Lease is good without being renewed; at least a second.
    pub election_ttl: Duration,
    /// Not `--disable-leader-election`: without an election every replica writes.
    pub election: bool,
    /// `--update-status`: addresses are written at all.
    pub update: bool,
    /// `--update-status-on-shutdown`: the last replica removes them.
    pub update_on_shutdown: bool,
    /// `--status-update-interval`: how often addresses and statuses are compared although nothing is known to have
    /// changed; at least 5 seconds.
    pub interval: Duration,
    /// `--publish-service`: the Service whose addresses are written.
    pub publish_service: Option<NamespacedName>,
    /// `--publish-status-address`: the addresses that are written. When this is empty and there is no such Service,
    /// those of the nodes that run us are.
    pub addresses: Vec<Address>,
    /// `--report-node-internal-ip-address`: of a node, the InternalIP and not the ExternalIP.
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

/// The namespaces whose objects count.
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

/// The ports that Adit itself listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnPorts {
    /// `--http-port`.
    pub http: u16,
    /// `--https-port`.
    pub https: u16,
    /// `--healthz-port`.
    pub admin: u16,
}

impl Default for OwnPorts {
    fn default() -> Self {
        let ServeSettings { http_port, https_port, admin_port, .. } = ServeSettings::default();
        Self { http: http_port, https: https_port, admin: admin_port }
    }
}

impl OwnPorts {
    /// The flag that chose this port for Adit itself, if one did.
    pub fn flag(&self, port: u16) -> Option<&'static str> {
        let flags = [(self.http, "--http-port"), (self.https, "--https-port"), (self.admin, "--healthz-port")];
        flags.into_iter().find(|(own, _)| *own == port).map(|(_, flag)| flag)
    }
}

/// Sockets, threads and files of `adit serve`. Fixed for the life of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeSettings {
    /// `--bind-address`: where clients connect. `None` is every address of the machine: `[::]` where IPv6 exists, else
    /// `0.0.0.0`.
    pub bind_address: Option<IpAddr>,
    /// `--http-port`; 0 lets the system choose.
    pub http_port: u16,
    /// `--advertised-http-port`: the port that clients mean, for redirects and forwarded headers. `None` is the port
    /// that listens.
    pub advertised_http_port: Option<u16>,
    /// `--https-port`; 0 lets the system choose.
    pub https_port: u16,
    /// `--advertised-https-port`: the same for HTTPS.
    pub advertised_https_port: Option<u16>,
    /// `--workers`: threads that serve requests. `None` is the cgroup's CPU quota, else the cores.
    pub workers: Option<NonZeroUsize>,
    /// `--dns-server`: resolvers for Services of type ExternalName. Empty is the system's.
    pub dns_servers: Vec<SocketAddr>,
    /// Whether names of ExternalName Services may resolve to loopback addresses. No flag sets it: tests do.
    pub dns_allow_loopback: bool,
    /// `--access-log-path`. `None` is standard output.
    pub access_log: Option<PathBuf>,
    /// `--healthz-host`: where the admin port listens. `None` is every address of the machine.
    pub admin_address: Option<IpAddr>,
    /// `--healthz-port`: the admin port; 0 lets the system choose.
    pub admin_port: u16,
    /// `--health-check-path`: a second path for `/healthz` on the admin port.
    pub health_path: String,
    /// `--enable-metrics` and the other flags about metrics.
    pub metrics: MetricsSettings,
    /// `--shutdown-grace-period`: how long new connections are still accepted after SIGTERM.
    pub shutdown_grace: Duration,
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
            admin_address: None,
            admin_port: 10254,
            health_path: "/healthz".into(),
            metrics: MetricsSettings::default(),
            shutdown_grace: Duration::from_secs(15),
        }
    }
}
