//! Where a Gateway is to be reached: at Adit's own addresses, or at those of a Service for itself.

use super::entry_point::{StreamPort, entry_point, stream_port};
use super::findings::Findings;
use super::parameters::{Parameters, ServiceSettings};
use crate::diagnostic::Reason;
use crate::gateway_api::{
    Condition, Gateway, GatewayAddress, GatewayClass, GatewayClassSpec, GatewayService, ObjectReference, OwnService,
    ServicePort, TARGET_PORTS, target_port, target_ports_name,
};
use crate::lookup::Lookup;
use crate::object::{NamespacedName, ObjectKey};
use crate::settings::{ControllerSettings, OwnPorts};
use crate::store::Stored;
use gateway::config::{EntryPoint, StreamProtocol};
use std::collections::BTreeMap;
use std::net::IpAddr;
use twox_hash::XxHash3_64;

/// Where it is to be reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Infrastructure {
    /// The addresses that it asks for.
    pub(super) addresses: Vec<GatewayAddress>,
    /// The Service that it asks for, without ports.
    pub(super) service: OwnService,
    /// Whether it has target ports: those of a Service for itself.
    pub(super) has_targets: bool,
    /// Why it cannot be had as it is asked for, although its listeners are served.
    pub(super) problem: Option<Condition>,
}

/// What it is read from.
pub(super) struct Asked<'a> {
    pub(super) gateway: &'a Stored<Gateway>,
    pub(super) class: &'a Stored<GatewayClass>,
    /// `--publish-service`: a Service for a Gateway has its endpoints.
    pub(super) published: Option<&'a NamespacedName>,
    pub(super) lookup: &'a Lookup<'a>,
}

/// Why nothing of a Gateway is served: reason, field, value, message.
struct Refusal<'a>(&'static str, &'static str, &'a str, String);

/// The parameters of a class, of its `spec`.
///
/// # Errors
/// Why they cannot be read, as a sentence about the reference.
pub(super) fn class_parameters(
    spec: &GatewayClassSpec,
    lookup: &Lookup<'_>,
    findings: &mut Findings,
) -> Result<Parameters, String> {
    let Some(reference) = &spec.parameters_ref else { return Ok(Parameters::default()) };
    Parameters::read(reference, "", "spec.parametersRef", lookup, findings)
}

impl<'a> Asked<'a> {
    /// Reads it; else the condition that says why nothing of the Gateway is served.
    pub(super) fn read(&self, findings: &mut Findings) -> Result<Infrastructure, Condition> {
        self.try_read(findings).map_err(|Refusal(reason, field, value, message)| {
            findings.error(Reason::Invalid, field, value, &format!("{message}; the Gateway is not served"));
            Condition::fails("Accepted", reason, format!("{field}: {message}"))
        })
    }

    fn try_read(&self, findings: &mut Findings) -> Result<Infrastructure, Refusal<'a>> {
        let settings = self.settings(findings)?;
        let addresses = &self.gateway.object.spec.addresses;
        addresses.iter().try_for_each(check_address)?;
        let (mut addresses, mut problem) = (addresses.clone(), None);
        if let Some(first) = addresses.first().filter(|_| findings.is_in_file()) {
            let message = "counts in a cluster only: the Gateway is served at all addresses that Adit listens on";
            findings.ignored("spec.addresses", first.value.as_deref().unwrap_or_default(), message);
            addresses.clear();
        }
        let service = match settings {
            None => {
                self.tell_of_metadata(findings);
                OwnService::None
            }
            // Nobody makes one, and its ports can be opened as they are.
            Some(_) if findings.is_in_file() => {
                let message = "has parameters that ask for a Service of its own, which there is in a cluster only: the \
                               ports of its listeners are opened as they are";
                findings.ignored("spec", "", message);
                OwnService::None
            }
            Some(_) if self.published.is_none() => {
                let message = "asks for a Service of its own by its parameters: expected --publish-service, whose \
                               endpoints that would have";
                let class = self.gateway.object.spec.gateway_class_name.as_str();
                return Err(Refusal("InvalidParameters", "spec.gatewayClassName", class, message.to_owned()));
            }
            Some(settings) => match single(&addresses) {
                Ok(address) => OwnService::Wanted(Box::new(self.service(settings, address))),
                Err(message) => {
                    findings.error(Reason::Invalid, "spec.addresses", "", message);
                    problem = Some(Condition::fails("Programmed", "AddressNotUsable", message));
                    OwnService::Undecided
                }
            },
        };
        let has_targets = service != OwnService::None;
        Ok(Infrastructure { addresses, service, has_targets, problem })
    }

    /// Those of a Service for itself, if it asks for one.
    fn settings(&self, findings: &mut Findings) -> Result<Option<ServiceSettings>, Refusal<'a>> {
        let Stored { object: gateway, key, .. } = self.gateway;
        // What is wrong with these is told of the class.
        let mut of_class = Findings::of(&self.class.key, None);
        let class = class_parameters(&self.class.object.spec, self.lookup, &mut of_class);
        let class = class.map_err(|message| {
            let message = format!("names a GatewayClass whose parametersRef {message}");
            Refusal("InvalidParameters", "spec.gatewayClassName", &gateway.spec.gateway_class_name, message)
        })?;
        let infrastructure = gateway.spec.infrastructure.as_ref();
        let Some(reference) = infrastructure.and_then(|infrastructure| infrastructure.parameters_ref.as_ref()) else {
            return Ok(Parameters::default().before(class));
        };
        const FIELD: &str = "spec.infrastructure.parametersRef";
        // It cannot name another namespace.
        let local = ObjectReference { namespace: None, ..reference.clone() };
        let own = Parameters::read(&local, &key.namespace, FIELD, self.lookup, findings);
        let own = own.map_err(|message| Refusal("InvalidParameters", FIELD, &reference.name, message))?;
        Ok(own.before(class))
    }

    /// Labels and annotations are for what a Gateway has for itself.
    fn tell_of_metadata(&self, findings: &mut Findings) {
        let Some(asked) = &self.gateway.object.spec.infrastructure else { return };
        for (field, entries) in [("labels", &asked.labels), ("annotations", &asked.annotations)] {
            if !entries.is_empty() {
                let message = "have no effect: the Gateway has no Service of its own; its parameters, or those of its \
                               class, have no service-type";
                findings.ignored(&format!("spec.infrastructure.{field}"), "", message);
            }
        }
    }

    fn service(&self, settings: ServiceSettings, address: Option<String>) -> GatewayService {
        let Stored { object: gateway, key, .. } = self.gateway;
        let asked = gateway.spec.infrastructure.clone().unwrap_or_default();
        let ServiceSettings { service_type, load_balancer_class, external_traffic_policy } = settings;
        GatewayService {
            name: service_name(&key.name, &gateway.spec.gateway_class_name),
            class: gateway.spec.gateway_class_name.clone(),
            owner: gateway.metadata.uid.clone().unwrap_or_default(),
            service_type,
            load_balancer_class,
            external_traffic_policy,
            labels: asked.labels,
            annotations: asked.annotations,
            address,
            ports: BTreeMap::new(),
        }
    }

    /// The target ports of the Gateway, as far as it has any.
    pub(super) fn targets(&self) -> Targets<'a> {
        let list = self.published.and_then(|published| {
            let NamespacedName { namespace, name } = published;
            self.lookup.config_map(namespace, &target_ports_name(name))
        });
        Targets { gateway: &self.gateway.key, list: list.and_then(|list| list.data.as_ref()) }
    }
}

/// The ports that Adit serves a Gateway on that has a Service of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Targets<'a> {
    gateway: &'a ObjectKey,
    list: Option<&'a BTreeMap<String, String>>,
}

impl Targets<'_> {
    /// Where Adit serves a port of it, if that is known.
    pub(super) fn of(&self, port: ServicePort) -> Option<u16> {
        let owner = port.of_gateway(&self.gateway.namespace, &self.gateway.name);
        let mut entries = self.list.into_iter().flatten();
        entries.find_map(|(key, value)| target_port(key).filter(|_| *value == owner))
    }
}

/// Where the listeners of a Gateway are served.
#[derive(Clone, Copy)]
pub(super) struct ListenerPorts<'a> {
    own: &'a OwnPorts,
    /// Whether other Gateways may have target ports.
    has_targets: bool,
    /// Those of this Gateway, if it has a Service for itself.
    targets: Option<Targets<'a>>,
}

/// What a listener waits for that has no target port yet.
pub(super) const PENDING: &str = "the port on which Adit serves it is not assigned yet";

impl<'a> ListenerPorts<'a> {
    pub(super) fn new(settings: &'a ControllerSettings, targets: Option<Targets<'a>>) -> Self {
        Self { own: &settings.own_ports, has_targets: settings.published_service.is_some(), targets }
    }

    /// Where a port is served for HTTP or HTTPS; none where that is not known yet.
    ///
    /// # Errors
    /// Why it cannot be, as a sentence about the port.
    pub(super) fn entry(&self, port: u16, tls: bool) -> Result<Option<EntryPoint>, String> {
        if let Some(targets) = &self.targets {
            let target = targets.of(ServicePort { port, is_udp: false });
            return Ok(target.map(|port| EntryPoint::Port { port, tls }));
        }
        self.is_no_target(port)?;
        entry_point(port, tls, self.own).map(Some)
    }

    /// Where the sessions of a port are served; none where that is not known yet.
    ///
    /// # Errors
    /// As [`Self::entry`].
    pub(super) fn stream(&self, port: u16, protocol: StreamProtocol) -> Result<Option<StreamPort>, String> {
        if let Some(targets) = &self.targets {
            let target = targets.of(ServicePort { port, is_udp: protocol == StreamProtocol::Udp });
            return Ok(target.map(|port| (protocol, port)));
        }
        self.is_no_target(port)?;
        stream_port(port, protocol, self.own).map(Some)
    }

    fn is_no_target(&self, port: u16) -> Result<(), String> {
        if !self.has_targets || !TARGET_PORTS.contains(&port) {
            return Ok(());
        }
        let (first, last) = (TARGET_PORTS.start(), TARGET_PORTS.end());
        Err(format!(
            "is one of the ports {first} to {last}, on which Adit serves Gateways with a Service of their own: expected \
             another port"
        ))
    }

    /// A port of the Service, with its target port.
    pub(super) fn of_service(&self, port: ServicePort) -> (ServicePort, Option<u16>) {
        (port, self.targets.as_ref().and_then(|targets| targets.of(port)))
    }
}

fn check_address(address: &GatewayAddress) -> Result<(), Refusal<'_>> {
    const FIELD: &str = "spec.addresses";
    let value = address.value.as_deref().unwrap_or_default();
    match address.kind.as_deref().unwrap_or(IP_ADDRESS) {
        IP_ADDRESS if !value.is_empty() && value.parse::<IpAddr>().is_err() => {
            Err(Refusal("UnsupportedAddress", FIELD, value, "is not an IP address".to_owned()))
        }
        IP_ADDRESS | "Hostname" => Ok(()),
        other => {
            let message = "is a type of address that Adit does not have: expected IPAddress or Hostname";
            Err(Refusal("UnsupportedAddress", FIELD, other, message.to_owned()))
        }
    }
}

const IP_ADDRESS: &str = "IPAddress";

/// The one IP address that a Service can be asked for.
fn single(addresses: &[GatewayAddress]) -> Result<Option<String>, &'static str> {
    let of_type = addresses.iter().filter(|address| address.kind.as_deref().is_none_or(|kind| kind == IP_ADDRESS));
    let mut values = of_type.filter_map(|address| address.value.clone()).filter(|value| !value.is_empty());
    let first = values.next();
    match values.next() {
        None => Ok(first),
        Some(_) => Err("has several IP addresses: expected at most one, since a Service of its own has one"),
    }
}

/// `GATEWAY-CLASS`, as Gateway API proposes for what is made for a Gateway, where that is a name that a Service can have.
fn service_name(gateway: &str, class: &str) -> String {
    const LONGEST: usize = 63;
    let joined = format!("{gateway}-{class}");
    let begins = joined.starts_with(|first: char| first.is_ascii_lowercase());
    if begins && joined.len() <= LONGEST && !joined.contains('.') {
        return joined;
    }
    // The same in every build, so that nobody is left with a Service of another name.
    let hash = format!("-{:016x}", XxHash3_64::oneshot(joined.as_bytes()));
    let prefix = if begins { "" } else { "gateway-" };
    let kept = joined.replace('.', "-");
    let kept = kept.get(..kept.len().min(LONGEST - prefix.len() - hash.len())).unwrap_or_default();
    format!("{prefix}{kept}{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_name_that_it_can_have() {
        assert_eq!(service_name("edge", "adit"), "edge-adit");
        let odd = ["edge.example.com", "0edge", "-", &"a".repeat(253), &"9.".repeat(100)];
        let names = odd.map(|gateway| service_name(gateway, "adit"));
        for name in &names {
            let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(name.len() <= 63 && name.bytes().all(is_inner), "{name}");
            assert!(name.starts_with(|first: char| first.is_ascii_lowercase()) && !name.ends_with('-'), "{name}");
        }
        assert_ne!(service_name("a.b", "c"), service_name("a-b", "c"));
    }

    /// What has been made must be found again by every later build. The value is what libxxhash computes.
    #[test]
    fn a_service_keeps_its_name() {
        assert_eq!(service_name("edge.example.com", "adit"), "edge-example-com-adit-3a087cce5ce697d8");
    }

    #[test]
    fn a_service_is_asked_for_one_address() {
        let address = |kind: Option<&str>, value: &str| GatewayAddress {
            kind: kind.map(str::to_owned),
            value: Some(value.to_owned()),
        };
        assert_eq!(single(&[address(None, ""), address(Some("Hostname"), "a.example.com")]), Ok(None));
        assert_eq!(single(&[address(Some("IPAddress"), "10.0.0.1")]), Ok(Some("10.0.0.1".to_owned())));
        assert!(single(&[address(None, "10.0.0.1"), address(None, "10.0.0.2")]).is_err());
    }
}
