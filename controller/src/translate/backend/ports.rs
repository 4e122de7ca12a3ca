//! Ports of Services, and how they are named.

use gateway::config::StreamProtocol;
use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The port that a rule of an Ingress names: by its number, by its name, or, as ingress-nginx allows, by its target port.
pub(crate) fn find_port<'p>(
    ports: &'p [ServicePort],
    wanted: &str,
    protocol: StreamProtocol,
) -> Option<&'p ServicePort> {
    let ports = || ports.iter().filter(|port| speaks(port.protocol.as_deref(), protocol));
    let is_target = |port: &&ServicePort| match &port.target_port {
        Some(IntOrString::Int(number)) => number.to_string() == wanted,
        Some(IntOrString::String(name)) => name == wanted,
        None => false,
    };
    let by_number = ports().find(|port| port.port.to_string() == wanted);
    let by_name = || ports().find(|port| port.name.as_deref() == Some(wanted));
    by_number.or_else(by_name).or_else(|| ports().find(is_target))
}

/// Whether a port is of this protocol: TCP, where it does not say.
pub(in crate::translate) fn speaks(protocol: Option<&str>, wanted: StreamProtocol) -> bool {
    protocol.unwrap_or(StreamProtocol::Tcp.name()) == wanted.name()
}

/// Whether a Service need not list the ports that its endpoints listen on: it is headless, or another name for a host.
pub(crate) fn may_lack_ports(service: &Service) -> bool {
    service.spec.as_ref().is_some_and(|spec| {
        let is_headless = spec.cluster_ip.as_deref() == Some("None") && spec.ports.as_ref().is_none_or(Vec::is_empty);
        is_headless || spec.type_.as_deref() == Some("ExternalName")
    })
}
