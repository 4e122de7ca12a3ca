//! The listeners of a Gateway, each by itself and then beside the others.

use super::certificate_refs;
use super::entry_point::StreamPort;
use super::findings::Findings;
use super::frontend::Frontend;
use super::host_names;
use super::infrastructure::{ListenerPorts, PENDING};
use super::namespaces::{self, Namespaces};
use super::rank::Rank;
use super::wrong::Wrong;
use crate::diagnostic::Reason;
use crate::gateway_api::{
    AllowedRoutes, Condition, Fault, GROUP, Listener, ListenerTls, ObjectReference, RouteGroupKind, ServicePort,
};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::translate::certificates::Certificates;
use gateway::config::{Certificate, ClientVerification, EntryPoint, HostName, HostTls, StreamProtocol};
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
    pub(super) protocol: String,
    pub(super) host: HostName,
    /// Where it serves hosts, if it does.
    pub(super) entry: Option<EntryPoint>,
    /// The port of ours where it serves sessions, if it does.
    pub(super) stream: Option<StreamPort>,
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
    /// Where TLS ends, if its connections are led on as connections.
    pub(super) tls_mode: Option<TlsMode>,
    pub(super) conditions: Vec<Condition>,
}

/// Where the TLS of connections ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsMode {
    /// At a backend.
    Passthrough,
    /// Here.
    Terminate,
}

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
fn conflict(listeners: &[ParsedListener], at: usize) -> Option<Fault> {
    let listener = &listeners[at];
    let others = listeners.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
    let shares_port =
        |other: &&ParsedListener| other.port == listener.port && other.transport() == listener.transport();
    let others: Vec<_> = others.filter(|other| shares_port(other) && other.is_accepted).collect();
    if !listener.is_accepted {
        return None;
    }
    let message = |other: &ParsedListener, what: &str| {
        format!("has the port of listener {} and {what}: neither of them is served", other.name)
    };
    if let Some(other) = others.iter().find(|other| !other.goes_with(listener)) {
        return Some(("ProtocolConflict", message(other, "another protocol")));
    }
    if matches!(&*listener.protocol, "TCP" | "UDP") {
        return Some(("ProtocolConflict", message(others.first()?, "its protocol")));
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

    /// Whether its clients are served, if there is a route for them.
    pub(super) fn is_served(&self) -> bool {
        self.entry.is_some() || self.stream.is_some()
    }

    /// Whether their hosts tell them apart where both have one port.
    fn goes_with(&self, other: &Self) -> bool {
        let uses_tls = |listener: &Self| matches!(&*listener.protocol, "HTTPS" | "TLS");
        self.protocol == other.protocol || uses_tls(self) && uses_tls(other)
    }

    /// What carries it: one port may have a listener for TCP and one for UDP.
    fn transport(&self) -> StreamProtocol {
        if self.protocol == "UDP" { StreamProtocol::Udp } else { StreamProtocol::Tcp }
    }

    /// Takes it out of service.
    pub(super) fn close(&mut self) {
        (self.is_accepted, self.entry, self.stream) = (false, None, None);
    }

    /// The same, and says why.
    pub(super) fn refuse(&mut self, reason: &'static str, message: &str) {
        self.close();
        self.conditions.retain(|condition| !matches!(condition.kind, "Accepted" | "Programmed"));
        self.conditions.push(Condition::fails("Accepted", reason, message));
        self.conditions.push(Condition::fails("Programmed", reason, message));
    }

    /// The same, because another one has what it wants.
    pub(super) fn conflict(&mut self, reason: &'static str, message: &str, findings: &mut Findings) {
        findings.error(Reason::Conflict, &format!("{}.name", self.field), &self.name, message);
        self.conditions.retain(|condition| condition.kind != "Conflicted");
        self.conditions.push(Condition { message: message.to_owned(), ..Condition::holds("Conflicted", reason) });
        self.refuse(reason, message);
    }
}

struct Reader<'a> {
    field: String,
    scene: &'a Scene<'a>,
    findings: &'a mut Findings,
}

/// What has been read; else why not, unless something is known to be wrong already.
fn keep<T>(read: Result<T, Fault>, first: &mut Option<Fault>) -> Option<T> {
    read.map_err(|fault| first.get_or_insert(fault)).ok()
}

/// What carries the sessions of a listener that has nothing but these.
fn stream_protocol(listener: &Listener) -> Option<StreamProtocol> {
    match &*listener.protocol {
        "TCP" => Some(StreamProtocol::Tcp),
        "UDP" => Some(StreamProtocol::Udp),
        _ => None,
    }
}

/// The kinds of routes that a listener can have.
fn route_kinds(listener: &Listener) -> &'static [Kind] {
    match stream_protocol(listener) {
        Some(StreamProtocol::Tcp) => &[Kind::TcpRoute],
        Some(StreamProtocol::Udp) => &[Kind::UdpRoute],
        None if listener.protocol == "TLS" => &[Kind::TlsRoute],
        None => &[Kind::HttpRoute, Kind::GrpcRoute],
    }
}

impl Reader<'_> {
    fn read(&mut self, listener: &Listener) -> ParsedListener {
        let mut fault = None;
        let (mut entry, mut stream) = (None, None);
        match stream_protocol(listener) {
            Some(protocol) => {
                let ports = &self.scene.ports;
                stream = keep(self.port(listener, |port| ports.stream(port, protocol)), &mut fault);
            }
            None => entry = keep(self.entry(listener), &mut fault),
        }
        let host = keep(self.host(listener), &mut fault);
        let namespaces = keep(self.namespaces(listener.allowed_routes.as_ref()), &mut fault);
        let (kinds, mut unresolved) = self.kinds(listener);
        let tls_mode = keep(self.tls_mode(listener), &mut fault).flatten();
        let (mut tls, mut clients) = (None, None);
        if fault.is_none() && (listener.protocol == "HTTPS" || tls_mode == Some(TlsMode::Terminate)) {
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
        let is_pending = fault.is_none() && (entry == Some(None) || stream == Some(None));
        let lacks_certificate = tls.as_ref().is_some_and(|tls| tls.certificates.is_empty());
        let programmed = match fault.as_ref().or(unresolved.as_ref().filter(|_| lacks_certificate)) {
            None if is_pending => Condition::fails("Programmed", "Pending", PENDING),
            None => Condition::holds("Programmed", "Programmed"),
            Some((_, message)) => Condition::fails("Programmed", "Invalid", message),
        };
        let resolved = Condition::unless(unresolved.as_ref(), "ResolvedRefs");
        let conditions = vec![resolved, Condition::unless(fault.as_ref(), "Accepted"), programmed];
        ParsedListener {
            name: listener.name.clone(),
            set: None,
            field: self.field.clone(),
            port: listener.port,
            protocol: listener.protocol.clone(),
            host: host.unwrap_or(HostName::Any),
            entry: entry.flatten().filter(|_| fault.is_none() && !lacks_certificate),
            stream: stream.flatten().filter(|_| fault.is_none()),
            is_pending,
            is_accepted: fault.is_none(),
            kinds: if fault.is_some_and(|(reason, _)| reason == "UnsupportedProtocol") { Vec::new() } else { kinds },
            namespaces: namespaces.unwrap_or(Namespaces::None),
            tls,
            clients,
            tls_mode,
            conditions,
        }
    }

    fn fault(&mut self, reason: &'static str, field: &str, value: &str, message: &str) -> Fault {
        let field = format!("{}.{field}", self.field);
        self.findings.error(Reason::Invalid, &field, value, &format!("{message}; the listener is not served"));
        (reason, format!("{field}: {message}"))
    }

    /// Where it is to serve hosts; none as long as that is not known.
    fn entry(&mut self, listener: &Listener) -> Result<Option<EntryPoint>, Fault> {
        let tls = match &*listener.protocol {
            "HTTP" => false,
            "HTTPS" | "TLS" => true,
            protocol => {
                let message = "is not supported yet: expected HTTP, HTTPS, TLS, TCP or UDP";
                return Err(self.fault("UnsupportedProtocol", "protocol", protocol, message));
            }
        };
        let ports = &self.scene.ports;
        self.port(listener, |port| ports.entry(port, tls))
    }

    /// What its port means for the process.
    fn port<T>(&mut self, listener: &Listener, of: impl FnOnce(u16) -> Result<T, String>) -> Result<T, Fault> {
        let port = u16::try_from(listener.port).ok().filter(|port| *port > 0);
        let port = port.ok_or_else(|| "is not a port: expected 1 to 65535".to_owned()).and_then(of);
        port.map_err(|message| self.fault("PortUnavailable", "port", &listener.port.to_string(), &message))
    }

    fn host(&mut self, listener: &Listener) -> Result<HostName, Fault> {
        let text = listener.hostname.as_deref();
        if stream_protocol(listener).is_some() {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                let message = format!("has no meaning for {}: it is ignored", listener.protocol);
                self.findings.ignored(&format!("{}.hostname", self.field), text, &message);
            }
            return Ok(HostName::Any);
        }
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
    fn kinds(&mut self, listener: &Listener) -> (Vec<RouteGroupKind>, Option<Fault>) {
        let of_kind = |kind: Kind| RouteGroupKind { group: Some(GROUP.to_owned()), kind: kind.name().to_owned() };
        let supported = route_kinds(listener);
        let named = listener.allowed_routes.as_ref().map(|allowed| allowed.kinds.as_slice()).unwrap_or_default();
        if named.is_empty() {
            return (supported.iter().copied().map(of_kind).collect(), None);
        }
        let (mut kinds, mut fault) = (Vec::new(), None);
        for (index, named) in named.iter().enumerate() {
            let is_of_group = named.group.as_deref().is_none_or(|group| group == GROUP);
            match supported.iter().copied().map(of_kind).find(|kind| is_of_group && kind.kind == named.kind) {
                Some(kind) if kinds.contains(&kind) => {}
                Some(kind) => kinds.push(kind),
                None => {
                    let field = format!("{}.allowedRoutes.kinds[{index}].kind", self.field);
                    let expected = supported.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" or ");
                    let message = format!("is not a kind of route that this listener can have: expected {expected}");
                    self.findings.error(Reason::Invalid, &field, &named.kind, &message);
                    fault = Some(("InvalidRouteKinds", format!("{field}: {:?} {message}", named.kind)));
                }
            }
        }
        (kinds, fault)
    }

    fn tls_mode(&mut self, listener: &Listener) -> Result<Option<TlsMode>, Fault> {
        if listener.protocol != "TLS" {
            return Ok(None);
        }
        match listener.tls.as_ref().and_then(|tls| tls.mode.as_deref()) {
            Some("Passthrough") => Ok(Some(TlsMode::Passthrough)),
            None | Some("Terminate") => Ok(Some(TlsMode::Terminate)),
            Some(mode) => {
                let message = "is not known: expected Terminate or Passthrough";
                Err(self.fault("UnsupportedValue", "tls.mode", mode, message))
            }
        }
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
