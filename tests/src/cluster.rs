//! The cluster that a case pretends to run in: its objects, and backends for its Services.
//!
//! A Service with a selector and no EndpointSlice of its own gets pods, and one EndpointSlice for each. Its annotation
//! `test.adit.dev/pods` says which: a list of [`PodState`]s, `ready` if it is not there; `test.adit.dev/zones` has the
//! zone that each is hinted for, which may be empty: there is no hint then. A Service with a `clusterIP`
//! gets a backend there, in place of kube-proxy; the address is replaced by one of this machine. Pods speak HTTP/1.1, or
//! what `test.adit.dev/speaks` says: one of [`Speaks`], such as `https` or `h2c`.
//!
//! A Secret with the annotation `test.adit.dev/certificate` gets a certificate and its key: `dns=a.example.com,b; key=rsa`.
//! `cn=` names another subject than the Secret, `expired`, `without-key`, `another-key` and `reversed` (with its issuer,
//! in the wrong order) are what can be wrong with one, and a new `generation=` is a new certificate.

mod certificates;
mod network;

pub use network::Network;

use crate::case::Host;
use crate::dns;
use crate::echo::{Identity, Speaks};
use anyhow::{Context, Result, bail, ensure};
use certificates::Certificates;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// The annotation that says which pods a Service has.
const PODS: &str = "/metadata/annotations/test.adit.dev~1pods";

/// The annotation that says for which zones they are.
const ZONES: &str = "/metadata/annotations/test.adit.dev~1zones";

/// The annotation that says what they speak.
const SPEAKS: &str = "/metadata/annotations/test.adit.dev~1speaks";

/// The objects and backends of one case.
#[derive(Debug)]
pub struct Cluster {
    network: Network,
    objects: Vec<Value>,
    /// Pods stay where they are when their Service changes.
    pods: BTreeMap<(Identity, String), SocketAddr>,
    cluster_addresses: BTreeMap<String, IpAddr>,
    certificates: Certificates,
    resolver: Option<SocketAddr>,
}

/// What a pod is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodState {
    /// It answers.
    Ready,
    /// It would answer, but must not be asked.
    NotReady,
    /// It is on its way out, and answers while it lasts.
    Terminating,
    /// It is said to be ready, and nothing listens at its address.
    Refusing,
    /// It is said to be ready, and answers everything with 503.
    Failing,
}

impl Cluster {
    /// An empty cluster, with these hosts outside it.
    ///
    /// # Errors
    /// If a port cannot be had.
    pub async fn new(mut network: Network, hosts: &BTreeMap<String, Host>) -> Result<Self> {
        let mut names = BTreeMap::new();
        for (name, host) in hosts {
            let identity = Identity { service: host.service.clone(), pod: name.clone() };
            names.insert(name.clone(), network.listen_on_ports(&identity, &host.ports).await?);
        }
        let resolver = match network {
            Network::Real { .. } => Some(dns::serve(names).await?),
            Network::Imaginary { .. } => None,
        };
        let (objects, pods, cluster_addresses, certificates) = Default::default();
        Ok(Self { network, objects, pods, cluster_addresses, certificates, resolver })
    }

    /// The network that its backends are on.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The DNS server that knows the hosts outside the cluster, where the network is more than imaginary.
    pub fn resolver(&self) -> Option<SocketAddr> {
        self.resolver
    }

    /// The Secret, as `namespace/name`, that has this certificate now.
    pub fn secret_with(&self, certificate: &[u8]) -> Option<&str> {
        self.certificates.owner(certificate)
    }

    /// Creates an object, or replaces it where it stands.
    ///
    /// # Errors
    /// If it has no kind or no name.
    pub fn apply(&mut self, object: Value) -> Result<()> {
        let key = key(&object).with_context(|| format!("{object} has no kind or no metadata.name"))?;
        match self.objects.iter_mut().find(|other| self::key(other).as_ref() == Some(&key)) {
            Some(place) => *place = object,
            None => self.objects.push(object),
        }
        Ok(())
    }

    /// Deletes an object, named as `Kind namespace/name`.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn delete(&mut self, key: &str) -> Result<()> {
        let before = self.objects.len();
        self.objects.retain(|object| self::key(object).as_deref() != Some(key));
        ensure!(self.objects.len() < before, "there is no {key} to delete");
        Ok(())
    }

    /// All objects, the endpoints of Services among them, as a stream of YAML documents.
    ///
    /// # Errors
    /// If a backend cannot be started, or a Service is not what the tests understand.
    pub async fn documents(&mut self) -> Result<String> {
        let mut objects = self.objects.clone();
        let mut slices = Vec::new();
        for service in objects.iter_mut().filter(|object| object["kind"] == "Service") {
            self.give_cluster_address(service).await?;
            if service.pointer("/spec/selector").is_some() && !self.has_slices(service) {
                slices.extend(self.slices(service).await?);
            }
        }
        for secret in objects.iter_mut().filter(|object| object["kind"] == "Secret") {
            self.certificates.fill(secret)?;
        }
        // JSON is YAML, too.
        Ok(objects.iter().chain(&slices).map(|object| format!("---\n{object}\n")).collect())
    }

    async fn give_cluster_address(&mut self, service: &mut Value) -> Result<()> {
        let name = name(service);
        let ports = ports(service)?.into_iter().map(|port| port.number).collect::<Vec<_>>();
        let Some(address) = service.pointer_mut("/spec/clusterIP").filter(|address| *address != "None") else {
            return Ok(());
        };
        let given = match self.cluster_addresses.get(&name) {
            Some(given) => *given,
            None => {
                let identity = Identity { service: name.clone(), pod: format!("{name}-cluster-ip") };
                self.network.listen_on_ports(&identity, &ports).await?
            }
        };
        self.cluster_addresses.insert(name, given);
        *address = json!(given);
        Ok(())
    }

    fn has_slices(&self, service: &Value) -> bool {
        self.objects.iter().any(|object| {
            object["kind"] == "EndpointSlice"
                && namespace(object) == namespace(service)
                && object.pointer("/metadata/labels/kubernetes.io~1service-name") == service.pointer("/metadata/name")
        })
    }

    /// One slice for each pod of a Service: pods of one machine cannot share a port, and ports belong to slices.
    async fn slices(&mut self, service: &Value) -> Result<Vec<Value>> {
        let name = name(service);
        let speaks = service.pointer(SPEAKS).and_then(Value::as_str).map_or(Ok(Speaks::Http), str::parse)?;
        let zones: Vec<_> = service.pointer(ZONES).and_then(Value::as_str).unwrap_or_default().split(',').collect();
        let mut slices = Vec::new();
        for (index, state) in pod_states(service)?.into_iter().enumerate() {
            let zone = zones.get(index).map(|zone| zone.trim()).filter(|zone| !zone.is_empty());
            let pod = format!("{name}-{index}");
            let mut slice_ports = Vec::new();
            for port in ports(service)? {
                let identity = Identity { service: name.clone(), pod: pod.clone() };
                let address = self.pod(identity, &port.name, state, speaks).await?;
                slice_ports.push(json!({"name": port.name, "port": address.port(), "protocol": "TCP"}));
            }
            slices.push(json!({
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": pod,
                    "namespace": namespace(service),
                    "labels": {"kubernetes.io/service-name": name},
                },
                "addressType": "IPv4",
                "endpoints": [{
                    "addresses": [self.network.address()],
                    "conditions": state.conditions(),
                    "hints": zone.map(|zone| json!({"forZones": [{"name": zone}]})),
                    "targetRef": {"kind": "Pod", "name": pod, "namespace": namespace(service), "uid": pod},
                }],
                "ports": slice_ports,
            }));
        }
        Ok(slices)
    }

    async fn pod(&mut self, identity: Identity, port: &str, state: PodState, speaks: Speaks) -> Result<SocketAddr> {
        let key = (identity, port.to_owned());
        if let Some(address) = self.pods.get(&key) {
            return Ok(*address);
        }
        let address = match state {
            PodState::Refusing => self.network.refuse()?,
            state => self.network.listen(&key.0, speaks, state == PodState::Failing).await?,
        };
        self.pods.insert(key, address);
        Ok(address)
    }
}

impl PodState {
    fn conditions(self) -> Value {
        match self {
            Self::Ready | Self::Refusing | Self::Failing => {
                json!({"ready": true, "serving": true, "terminating": false})
            }
            Self::NotReady => json!({"ready": false, "serving": false, "terminating": false}),
            Self::Terminating => json!({"ready": false, "serving": true, "terminating": true}),
        }
    }
}

impl std::str::FromStr for PodState {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "ready" => Self::Ready,
            "not-ready" => Self::NotReady,
            "terminating" => Self::Terminating,
            "refusing" => Self::Refusing,
            "failing" => Self::Failing,
            _ => bail!("{text:?} is not a pod's state: expected ready, not-ready, terminating, refusing or failing"),
        })
    }
}

/// A port of a Service.
struct Port {
    name: String,
    number: u16,
}

fn ports(service: &Value) -> Result<Vec<Port>> {
    let ports = service.pointer("/spec/ports").and_then(Value::as_array).cloned().unwrap_or_default();
    let port = |port: &Value| {
        let number = port["port"].as_u64().and_then(|number| u16::try_from(number).ok());
        let number = number.with_context(|| format!("Service {}: {} is not a port", name(service), port["port"]))?;
        Ok(Port { name: port["name"].as_str().unwrap_or_default().to_owned(), number })
    };
    ports.iter().map(port).collect()
}

fn pod_states(service: &Value) -> Result<Vec<PodState>> {
    let states = service.pointer(PODS).and_then(Value::as_str).unwrap_or("ready");
    let states = states.split(',').map(str::trim).filter(|state| !state.is_empty());
    states.map(str::parse).collect()
}

/// `Kind namespace/name`, or `Kind name` for what has no namespace.
fn key(object: &Value) -> Option<String> {
    let kind = object["kind"].as_str()?;
    let name = object.pointer("/metadata/name")?.as_str()?;
    Some(match kind {
        "IngressClass" => format!("{kind} {name}"),
        _ => format!("{kind} {}/{name}", namespace(object)),
    })
}

fn namespace(object: &Value) -> &str {
    object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default")
}

fn name(object: &Value) -> String {
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
}
