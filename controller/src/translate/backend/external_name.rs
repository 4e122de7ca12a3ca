//! Services of type ExternalName.

use super::endpoints::addresses;
use super::problem::Problem;
use crate::address::{OFF_LIMITS, is_off_limits};
use crate::diagnostic::Reason;
use gateway::config::{Endpoint, Endpoints, HostName, ServiceBackend};
use k8s_openapi::api::core::v1::ServiceSpec;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::net::{IpAddr, SocketAddr};

/// The name that such a Service stands for, or the address if it is one. What nobody may name is refused (L22).
pub(super) fn endpoints(id: &ServiceBackend, spec: &ServiceSpec, allowed: bool) -> Result<Endpoints, Problem> {
    let ServiceBackend { namespace, service, .. } = id;
    let failed = |reason, why: &str| {
        Err(Problem::error("name", reason, format!("names Service {namespace}/{service} of type ExternalName, {why}")))
    };
    let refused = |why: &str| failed(Reason::Denied, why);
    if !allowed {
        return refused("which --disable-svc-external-name forbids");
    }
    let text = spec.external_name.as_deref().unwrap_or_default();
    let Some(port) = port(id, spec) else {
        let message = format!("is neither a port number nor the name of a port of Service {namespace}/{service}");
        return Err(Problem::error("port", Reason::ReferenceNotFound, message));
    };
    if is_off_limits(text) {
        return refused(&format!("whose externalName {text:?} {OFF_LIMITS}"));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        let address = SocketAddr::new(address.to_canonical(), port);
        return Ok(addresses([Endpoint { address, pod: None }]));
    }
    match HostName::parse(text) {
        Ok(HostName::Exact(name)) if is_name_of(id, &name) => {
            refused(&format!("whose externalName {text:?} is the Service itself"))
        }
        // A dot at its end keeps the resolver from trying the search list first.
        Ok(HostName::Exact(name)) if text.ends_with('.') => {
            Ok(Endpoints::Name { name: format!("{name}.").into(), port })
        }
        Ok(HostName::Exact(name)) => Ok(Endpoints::Name { name, port }),
        _ => failed(Reason::Invalid, &format!("whose externalName {text:?} is not a DNS name")),
    }
}

/// Whether the cluster's DNS answers this name with the Service's own.
fn is_name_of(id: &ServiceBackend, name: &str) -> bool {
    let own = format!("{}.{}.svc", id.service, id.namespace);
    name.strip_prefix(&own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The port to connect to: that of the Service's list whose number or name the rule names, else the rule's number. Its
/// target port counts where it is a number. (ingress-nginx: `externalNamePorts`.)
fn port(id: &ServiceBackend, spec: &ServiceSpec) -> Option<u16> {
    let ports = spec.ports.as_deref().unwrap_or_default();
    let listed = ports.iter().find(|port| port.port.to_string() == *id.port || port.name.as_deref() == Some(&*id.port));
    let number = match listed {
        Some(port) => match port.target_port {
            Some(IntOrString::Int(target)) if target != 0 => target,
            _ => port.port,
        },
        None => id.port.parse().ok()?,
    };
    u16::try_from(number).ok().filter(|number| *number > 0)
}
