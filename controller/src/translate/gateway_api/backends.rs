//! Where the requests or the connections of a rule go.

use super::findings::Findings;
use super::grants::{self, Target};
use super::policies::Policies;
use crate::diagnostic::Reason;
use crate::gateway_api::{Fault, RouteBackendRef};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::translate::backend::{may_lack_ports, speaks};
use gateway::config::{BackendProtocol, BackendTls, ServiceBackend, StreamProtocol};
use std::sync::Arc;

/// The port of a Service that a reference leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) id: ServiceBackend,
    pub(super) protocol: BackendProtocol,
    /// How TLS is spoken to it, where a BackendTLSPolicy asks for it.
    pub(super) tls: Option<Arc<BackendTls>>,
    /// A BackendTLSPolicy asks for what cannot be had: no request must go there.
    pub(super) is_closed: bool,
}

/// What a reference is followed with.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) lookup: &'a Lookup<'a>,
    pub(super) policies: &'a Policies,
}

/// Follows a reference of a route. What comes of one that leads nowhere is the effect that a person is told.
///
/// # Errors
/// It leads nowhere, or may not be followed; a diagnostic says so.
pub(super) fn resolve(
    route: &ObjectKey,
    reference: &RouteBackendRef,
    protocol_of: fn(&str) -> BackendProtocol,
    (field, effect): (&str, &str),
    Known { lookup, policies }: Known<'_>,
    findings: &mut Findings,
) -> Result<Destination, Fault> {
    let (group, kind) = (reference.group.as_deref().unwrap_or(""), reference.kind.as_deref().unwrap_or("Service"));
    let namespace = reference.namespace.as_deref().unwrap_or(&route.namespace);
    let to = Target { group, kind, namespace, name: &reference.name };
    let mut fail = |reason: &'static str, because: Reason, part: &str, value: &str, message: &str| {
        let field = format!("{field}.{part}");
        findings.error(because, &field, value, &format!("{message}; {effect}"));
        Err((reason, format!("{field}: {message}")))
    };
    if (group, kind) != ("", "Service") {
        return fail("InvalidKind", Reason::Invalid, "kind", kind, "is not supported: expected Service");
    }
    if !grants::permits(route, to, lookup) {
        let message = grants::not_permitted(route.kind, to);
        return fail("RefNotPermitted", Reason::Denied, "namespace", namespace, &message);
    }
    let not_found = Reason::ReferenceNotFound;
    let Some(service) = lookup.service(namespace, &reference.name) else {
        let message = format!("names Service {namespace}/{}, which does not exist", reference.name);
        return fail("BackendNotFound", not_found, "name", &reference.name, &message);
    };
    let port = match reference.port {
        Some(port @ 1..=65535) => port,
        Some(port) => {
            return fail("BackendNotFound", not_found, "port", &port.to_string(), "is not a port: expected 1 to 65535");
        }
        None => return fail("BackendNotFound", not_found, "port", "", "is missing: expected the port of the Service"),
    };
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    let protocol = transport(route.kind);
    let of_service = ports.iter().find(|known| known.port == port && speaks(known.protocol.as_deref(), protocol));
    if of_service.is_none() && !may_lack_ports(service) {
        let message = format!("is not a {protocol} port of Service {namespace}/{}", reference.name);
        return fail("BackendNotFound", not_found, "port", &port.to_string(), &message);
    }
    let tcp = ServiceBackend::tcp(namespace, reference.name.as_str(), port.to_string());
    let id = ServiceBackend { protocol, ..tcp };
    let protocol = protocol_of(of_service.and_then(|port| port.app_protocol.as_deref()).unwrap_or_default());
    let key = ObjectKey::new(Kind::Service, namespace, reference.name.as_str());
    // What is carried as it comes is not for us to secure.
    let may_have_policy = !matches!(route.kind, Kind::TcpRoute | Kind::UdpRoute);
    let policy = policies.for_port(&key, of_service.and_then(|port| port.name.as_deref()));
    let Some(policy) = policy.filter(|_| may_have_policy) else {
        return Ok(Destination { id, protocol, tls: None, is_closed: false });
    };
    if policy.tls.is_none() {
        let message = format!("is a Service for which {} asks for TLS that cannot be had; {effect}", policy.rank.key);
        let told = findings.error(Reason::Denied, &format!("{field}.name"), &reference.name, &message);
        told.related = Some((&policy.rank.key).into());
    }
    let (tls, is_closed) = (policy.tls.clone(), policy.tls.is_none());
    Ok(Destination { id, protocol: protocol.over_tls(), tls, is_closed })
}

/// The share of a reference.
pub(super) fn weight(weight: Option<i32>, field: &str, findings: &mut Findings) -> u32 {
    match weight.unwrap_or(1) {
        weight @ 0..=1_000_000 => weight.unsigned_abs(),
        weight => {
            let message = "is not a weight: expected 0 to 1000000; it counts as 0";
            findings.error(Reason::Invalid, &format!("{field}.weight"), &weight.to_string(), message);
            0
        }
    }
}

/// What carries that which a route of this kind leads on.
pub(super) fn transport(route: Kind) -> StreamProtocol {
    if route == Kind::UdpRoute { StreamProtocol::Udp } else { StreamProtocol::Tcp }
}
