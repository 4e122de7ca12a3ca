//! The Service that a Gateway may have for itself, and the ports that Adit serves it on.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

/// The ports that Adit serves Gateways on that have a Service of their own, each for one port of one Gateway. They are below
/// those that Linux and Kubernetes choose by themselves, and so few that nobody has Adit open any number of them.
pub const TARGET_PORTS: RangeInclusive<u16> = 20_000..=20_999;

/// Whether a Gateway is to have a Service for itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum OwnService {
    /// No: it is reached at Adit's own addresses.
    None,
    /// That is not known as long as something is wrong: one that is there stays.
    #[default]
    Undecided,
    /// Yes, this one.
    Wanted(Box<GatewayService>),
}

/// A Service as a Gateway asks for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GatewayService {
    /// Its name, in the Gateway's namespace.
    pub name: String,
    /// The GatewayClass.
    pub class: String,
    /// `metadata.uid` of the Gateway, with which it goes.
    pub owner: String,
    /// What its address is of.
    pub service_type: ServiceType,
    /// For [`ServiceType::LoadBalancer`]: who provides it. Default: the cluster's own choice.
    pub load_balancer_class: Option<String>,
    /// `Cluster` or `Local`, but for [`ServiceType::ClusterIP`]. Default `Cluster`.
    pub external_traffic_policy: Option<String>,
    /// The labels that the Gateway asks for.
    pub labels: BTreeMap<String, String>,
    /// The annotations, likewise.
    pub annotations: BTreeMap<String, String>,
    /// The IP address that it is to have. Default: any.
    pub address: Option<String>,
    /// The ports of its listeners, each with the one of [`TARGET_PORTS`] that Adit serves it on, as soon as there is one.
    pub ports: BTreeMap<ServicePort, Option<u16>>,
}

/// A type of Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ServiceType {
    #[default]
    ClusterIP,
    NodePort,
    LoadBalancer,
}

impl ServiceType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ClusterIP, Self::NodePort, Self::LoadBalancer];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterIP => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
        }
    }
}

/// A port that clients connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub struct ServicePort {
    pub port: u16,
    pub is_udp: bool,
}

impl ServicePort {
    /// The protocol as Services have it.
    pub fn protocol(self) -> &'static str {
        if self.is_udp { "UDP" } else { "TCP" }
    }

    /// How a list of target ports names this port of a Gateway.
    pub fn of_gateway(self, namespace: &str, gateway: &str) -> String {
        format!("{namespace}/{gateway}:{self}")
    }
}

impl fmt::Display for ServicePort {
    /// `443/TCP`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.port, self.protocol())
    }
}

/// The name of the ConfigMap that has the target ports of all Gateways, by the name of the Service with Adit's endpoints,
/// in whose namespace it is: `"20017": "shop/edge:443/TCP"`. Adit alone writes it: whoever may change a Gateway's Service
/// must not be able to choose the port, which may be another Gateway's.
pub fn target_ports_name(published_service: &str) -> String {
    format!("{published_service}-gateway-ports")
}

/// The target port that an entry of that ConfigMap is of.
pub fn target_port(key: &str) -> Option<u16> {
    key.parse().ok().filter(|port: &u16| TARGET_PORTS.contains(port) && port.to_string() == key)
}
