//! The listeners of a Gateway, each by itself and then beside the others.

use super::certificate_refs;
use super::findings::Findings;
use super::frontend::Frontend;
use super::host_names;
use super::infrastructure::{ListenerPorts, PENDING};
use super::namespaces::{self, Namespaces};
use super::rank::Rank;
use super::wrong::Wrong;
use crate::diagnostic::Reason;
use crate::gateway_api::{
    AllowedRoutes, Condition, GROUP, Listener, ListenerTls, ObjectReference, RouteGroupKind, ServicePort,
};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::translate::certificates::Certificates;
use gateway::config::{Certificate, ClientVerification, EntryPoint, HostName, HostTls};
use std::sync::Arc;

/// A listener as translation goes on with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ParsedListener {
    pub(super) name: String,
    /// The ListenerSet that it comes from. `None`: it is the Gateway's own.
    pub(super) set: Option<Rank>,
    /// Where it is: `spec.listeners[0]`.
    pub(super) field: String,
    pub(super) port: i32,
    protocol: String,
    pub(super) host: HostName,
    /// Where it serves, if it does.
    pub(super) entry: Option<EntryPoint>,
    /// It waits for a port to serve on.
    pub(super) is_pending: bool,
    /// Whether routes may attach: it may be accepted and serve nothing, for want of a certificate.
    pub(super) is_accepted: bool,
    /// The kinds of routes that it takes.
    pub(super) kinds: Vec<RouteGroupKind>,
    /// The namespaces whose routes it takes.
    pub(super) namespaces: Namespaces,
    /// Its certificates.
    pub(super) tls: Option<HostTls>,
    /// What it makes of the certificates of its clients; default nothing.
    pub(super) clients: Option<Arc<ClientVerification>>,
    pub(super) conditions: Vec<Condition>,
}

/// The kinds of routes that listeners for HTTP and HTTPS take.
const ROUTES_OF_HTTP: [Kind; 2] = [Kind::HttpRoute, Kind::GrpcRoute];

/// What reading listeners looks at.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    /// The Gateway or the ListenerSet that they stand in.
    pub(super) owner: &'a ObjectKey,
    /// What it makes of the certificates of clients.
    pub(super) frontend: &'a Frontend,
    /// Where its ports are served.
    pub(super) ports: ListenerPorts<'a>,
    pub(super) lookup: &'a Lookup<'a>,
    pub(super) certificates: &'a Certificates,
}

/// Reads the listeners of a Gateway or a ListenerSet. Those that come before win conflicts.
pub(super) fn parse(
    listeners: &[Listener],
    before: &[ParsedListener],
    scene: &Scene<'_>,
    findings: &mut Findings,
) -> Vec<ParsedListener> {
    let mut parsed: Vec<_> = listeners
        .iter()
        .enumerate()
        .map(|(index, listener)| Reader { field: format!("spec.listeners[{index}]"), scene, findings }.read(listener))
        .collect();
    for listener in &mut parsed {
        yield_to(before, listener, findings);
    }
    let conflicts: Vec<_> = (0..parsed.len()).map(|at| conflict(&parsed, at)).collect();
    for (at, conflict) in conflicts.into_iter().enumerate() {
        let listener = &mut parsed[at];
        if let Some((reason, message)) = conflict {
            listener.conflict(reason, &message, findings);
        } else if !listener.conditions.iter().any(|condition| condition.kind == "Conflicted") {
            listener.conditions.push(Condition { holds: false, ..Condition::holds("Conflicted", "NoConflicts") });
        }
    }
    parsed
}

/// Takes a listener of a ListenerSet out of service, if one of those that come before it has what it wants.
fn yield_to(before: &[ParsedListener], listener: &mut ParsedListener, findings: &mut Findings) {
    let mut of_port = before.iter().filter(|other| other.port == listener.port && other.is_accepted);
    let (reason, message) = if of_port.clone().any(|other| other.protocol != listener.protocol) {
        ("ProtocolConflict", "has the port of another listener of the Gateway and another protocol: it is not served")
    } else if listener.is_accepted && of_port.any(|other| other.host == listener.host) {
        ("HostnameConflict", "has the port and the hostname of another listener of the Gateway: it is not served")
    } else {
        return;
    };
    listener.conflict(reason, message, findings);
}

/// Why a listener cannot be told from another one. Of those none serves.
fn conflict(listeners: &[ParsedListener], at: usize) -> Option<(&'static str, String)> {
    let listener = &listeners[at];
    let others = listeners.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
    let others: Vec<_> = others.filter(|other| other.port == listener.port && other.is_accepted).collect();
    if !listener.is_accepted {
        return None;
    }
    let message = |other: &ParsedListener, what: &str| {
        format!("has the port of listener {} and {what}: neither of them is served", other.name)
    };
    if let Some(other) = others.iter().find(|other| other.protocol != listener.protocol) {
        return Some(("ProtocolConflict", message(other, "another protocol")));
    }
    let other = others.iter().find(|other| other.host == listener.host)?;
    Some(("HostnameConflict", message(other, "its hostname")))
}

impl ParsedListener {
    /// Its port, as a Service has it.
    pub(super) fn service_port(&self) -> Option<ServicePort> {
        let port = u16::try_from(self.port).ok()?;
        Some(ServicePort { port, is_udp: self.protocol == "UDP" })
    }

    /// Takes it out of service.
    pub(super) fn refuse(&mut self, reason: &'static str, message: &str) {
        (self.is_accepted, self.entry) = (false, None);
        self.conditions.retain(|condition| !matches!(condition.kind, "Accepted" | "Programmed"));
        self.conditions.push(Condition::fails("Accepted", reason, message));
        self.conditions.push(Condition::fails("Programmed", reason, message));
    }

    fn conflict(&mut self, reason: &'static str, message: &str, findings: &mut Findings) {
        findings.error(Reason::Conflict, &format!("{}.name", self.field), &self.name, message);
        self.conditions.push(Condition { message: message.to_owned(), ..Condition::holds("Conflicted", reason) });
        self.refuse(reason, message);
    }
}

struct Reader<'a> {
    field: String,
    scene: &'a Scene<'a>,
    findings: &'a mut Findings,
}

/// The reason of a condition that does not hold, and its message.
type Fault = (&'static str, String);

/// What has been read; else why not, unless something is known to be wrong already.
fn keep<T>(read: Result<T, Fault>, first: &mut Option<Fault>) -> Option<T> {
    read.map_err(|fault| first.get_or_insert(fault)).ok()
}

impl Reader<'_> {
    fn read(&mut self, listener: &Listener) -> ParsedListener {
        let mut fault = None;
        let entry = keep(self.entry(listener), &mut fault);
        let host = keep(self.host(listener), &mut fault);
        let namespaces = keep(self.namespaces(listener.allowed_routes.as_ref()), &mut fault);
        let (kinds, mut unresolved) = self.kinds(listener.allowed_routes.as_ref());
        let (mut tls, mut clients) = (None, None);
        if fault.is_none() && listener.protocol == "HTTPS" {
            match self.tls(listener.tls.as_ref()) {
                Ok((found, unfound)) => (tls, unresolved) = (Some(found), unresolved.or(unfound)),
                Err(wrong) => fault = Some(wrong),
            }
            if let Some(of_port) = self.scene.frontend.of_port(listener.port) {
                unresolved = unresolved.or_else(|| of_port.unresolved.clone());
                clients = keep(of_port.verification.clone(), &mut fault);
            }
        }
        if let Some(tls) = &mut tls {
            tls.listener.clone_from(&host);
        }
        let is_pending = fault.is_none() && entry == Some(None);
        let lacks_certificate = tls.as_ref().is_some_and(|tls| tls.certificates.is_empty());
        let mut conditions = vec![match &unresolved {
            None => Condition::holds("ResolvedRefs", "ResolvedRefs"),
            Some((reason, message)) => Condition::fails("ResolvedRefs", reason, message),
        }];
        conditions.push(match &fault {
            None => Condition::holds("Accepted", "Accepted"),
            Some((reason, message)) => Condition::fails("Accepted", reason, message),
        });
        conditions.push(match fault.as_ref().or(unresolved.as_ref().filter(|_| lacks_certificate)) {
            None if is_pending => Condition::fails("Programmed", "Pending", PENDING),
            None => Condition::holds("Programmed", "Programmed"),
            Some((_, message)) => Condition::fails("Programmed", "Invalid", message),
        });
        ParsedListener {
            name: listener.name.clone(),
            set: None,
            field: self.field.clone(),
            port: listener.port,
            protocol: listener.protocol.clone(),
            host: host.unwrap_or(HostName::Any),
            entry: entry.flatten().filter(|_| fault.is_none() && !lacks_certificate),
            is_pending,
            is_accepted: fault.is_none(),
            kinds: if fault.is_some_and(|(reason, _)| reason == "UnsupportedProtocol") { Vec::new() } else { kinds },
            namespaces: namespaces.unwrap_or(Namespaces::None),
            tls,
            clients,
            conditions,
        }
    }

    fn fault(&mut self, reason: &'static str, field: &str, value: &str, message: &str) -> Fault {
        let field = format!("{}.{field}", self.field);
        self.findings.error(Reason::Invalid, &field, value, &format!("{message}; the listener is not served"));
        (reason, format!("{field}: {message}"))
    }

    /// Where it is to serve; none as long as that is not known.
    fn entry(&mut self, listener: &Listener) -> Result<Option<EntryPoint>, Fault> {
        let tls = match &*listener.protocol {
            "HTTP" => false,
            "HTTPS" => true,
            protocol => {
                let message = "is not supported yet: expected HTTP or HTTPS";
                return Err(self.fault("UnsupportedProtocol", "protocol", protocol, message));
            }
        };
        let port = u16::try_from(listener.port).ok().filter(|port| *port > 0);
        let port = port.ok_or_else(|| "is not a port: expected 1 to 65535".to_owned());
        let entry = port.and_then(|port| self.scene.ports.entry(port, tls));
        entry.map_err(|message| self.fault("PortUnavailable", "port", &listener.port.to_string(), &message))
    }

    fn host(&mut self, listener: &Listener) -> Result<HostName, Fault> {
        let text = listener.hostname.as_deref();
        host_names::parse(text)
            .map_err(|error| self.fault("UnsupportedValue", "hostname", text.unwrap_or_default(), &error.to_string()))
    }

    fn namespaces(&mut self, allowed: Option<&AllowedRoutes>) -> Result<Namespaces, Fault> {
        let read = namespaces::parse(allowed.and_then(|allowed| allowed.namespaces.as_ref()), "Same");
        read.map_err(|wrong| {
            let Wrong { field, value, message } = wrong.within("allowedRoutes");
            self.fault("UnsupportedValue", &field, &value, &message)
        })
    }

    /// The kinds of routes that it takes, and why not all that it names.
    fn kinds(&mut self, allowed: Option<&AllowedRoutes>) -> (Vec<RouteGroupKind>, Option<Fault>) {
        let of_kind = |kind: Kind| RouteGroupKind { group: Some(GROUP.to_owned()), kind: kind.name().to_owned() };
        let named = allowed.map(|allowed| allowed.kinds.as_slice()).unwrap_or_default();
        if named.is_empty() {
            return (ROUTES_OF_HTTP.map(of_kind).into(), None);
        }
        let (mut kinds, mut fault) = (Vec::new(), None);
        for (index, named) in named.iter().enumerate() {
            let is_of_group = named.group.as_deref().is_none_or(|group| group == GROUP);
            match ROUTES_OF_HTTP.map(of_kind).into_iter().find(|kind| is_of_group && kind.kind == named.kind) {
                Some(kind) if kinds.contains(&kind) => {}
                Some(kind) => kinds.push(kind),
                None => {
                    let field = format!("{}.allowedRoutes.kinds[{index}].kind", self.field);
                    let message = "is not a kind of route that this listener can have: expected HTTPRoute or GRPCRoute";
                    self.findings.error(Reason::Invalid, &field, &named.kind, message);
                    fault = Some(("InvalidRouteKinds", format!("{field}: {:?} {message}", named.kind)));
                }
            }
        }
        (kinds, fault)
    }

    /// Its certificates, and why not all that it names.
    fn tls(&mut self, tls: Option<&ListenerTls>) -> Result<(HostTls, Option<Fault>), Fault> {
        let none = ListenerTls::default();
        let tls = tls.unwrap_or(&none);
        if let Some(mode) = tls.mode.as_deref().filter(|mode| *mode != "Terminate") {
            let message = "is not supported for HTTPS: expected Terminate";
            return Err(self.fault("UnsupportedValue", "tls.mode", mode, message));
        }
        for option in tls.options.keys() {
            let field = format!("{}.tls.options[{option}]", self.field);
            self.findings.ignored(&field, "", "is an option that Adit does not have; it is ignored");
        }
        let (mut certificates, mut fault) = (Vec::new(), None);
        for (index, reference) in tls.certificate_refs.iter().enumerate() {
            match self.certificate(reference, &format!("tls.certificateRefs[{index}]")) {
                Ok(certificate) => certificates.push(certificate),
                Err(wrong) => fault = Some(wrong),
            }
        }
        if tls.certificate_refs.is_empty() {
            let message = "is empty: expected at least one Secret with a certificate";
            fault = Some(self.fault("InvalidCertificateRef", "tls.certificateRefs", "", message));
        }
        Ok((HostTls { certificates: certificates.into(), listener: None }, fault))
    }

    fn certificate(&mut self, reference: &ObjectReference, field: &str) -> Result<Arc<Certificate>, Fault> {
        let known = (self.scene.lookup, self.scene.certificates);
        certificate_refs::read(self.scene.owner, reference, "InvalidCertificateRef", known)
            .map_err(|(reason, message)| self.bad_certificate(reason, field, &reference.name, &message))
    }

    fn bad_certificate(&mut self, reason: &'static str, field: &str, value: &str, message: &str) -> Fault {
        let field = format!("{}.{field}", self.field);
        self.findings.error(Reason::InvalidCertificate, &field, value, message);
        (reason, format!("{field}: {message}"))
    }
}
