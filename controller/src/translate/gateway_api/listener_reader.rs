//! What a listener says by itself, whatever others there are.

use super::entry_point::StreamPort;
use super::findings::Findings;
use super::frontend::Frontend;
use super::host_names;
use super::infrastructure::{ListenerPorts, PENDING};
use super::listener::{ParsedListener, TlsMode};
use super::namespaces::{self, Namespaces};
use super::wrong::Wrong;
use crate::diagnostic::Reason;
use crate::gateway_api::{Condition, Fault, GROUP, Listener, RouteGroupKind};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::translate::certificates::Certificates;
use gateway::config::{EntryPoint, HostName, HostNameError, StreamProtocol};

/// The reason of a condition that the kinds of routes depend on.
const UNKNOWN_PROTOCOL: &str = "UnsupportedProtocol";

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

/// Reads one listener.
pub(super) struct Reader<'a> {
    pub(super) field: String,
    pub(super) scene: &'a Scene<'a>,
    pub(super) findings: &'a mut Findings,
    /// The first reason why it is not accepted.
    pub(super) fault: Option<Fault>,
    /// Why not all that it names is there: the first kind of route or reference.
    pub(super) unresolved: Option<Fault>,
}

/// Where a listener serves, if it does.
struct Place {
    /// Where its hosts are.
    entry: Option<EntryPoint>,
    /// The port of its sessions.
    stream: Option<StreamPort>,
    /// It waits for a port to serve on.
    is_pending: bool,
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

impl<'a> Reader<'a> {
    /// Of the listener with this index.
    pub(super) fn new(index: usize, scene: &'a Scene<'a>, findings: &'a mut Findings) -> Self {
        Self { field: format!("spec.listeners[{index}]"), scene, findings, fault: None, unresolved: None }
    }

    pub(super) fn read(mut self, listener: &Listener) -> ParsedListener {
        let Place { entry, stream, is_pending } = self.place(listener);
        let host = self.host(listener);
        let namespaces = self.namespaces(listener);
        let kinds = self.kinds(listener);
        let tls_mode = self.tls_mode(listener);
        let ends_tls = listener.protocol == "HTTPS" || tls_mode == Some(TlsMode::Terminate);
        let (tls, clients) = match ends_tls && self.fault.is_none() {
            true => (self.tls(listener.tls.as_ref(), host.clone()), self.clients(listener.port)),
            false => (None, None),
        };
        let is_accepted = self.fault.is_none();
        let is_pending = is_pending && is_accepted;
        let lacks_certificate = tls.as_ref().is_some_and(|tls| tls.certificates.is_empty());
        let is_of_unknown_protocol = self.fault.as_ref().is_some_and(|(reason, _)| *reason == UNKNOWN_PROTOCOL);
        ParsedListener {
            name: listener.name.clone(),
            set: None,
            port: listener.port,
            protocol: listener.protocol.clone(),
            host: host.unwrap_or(HostName::Any),
            entry: entry.filter(|_| is_accepted && !lacks_certificate),
            stream: stream.filter(|_| is_accepted),
            is_pending,
            is_accepted,
            kinds: if is_of_unknown_protocol { Vec::new() } else { kinds },
            namespaces: namespaces.unwrap_or(Namespaces::None),
            tls,
            clients,
            tls_mode,
            conditions: self.conditions(is_pending, lacks_certificate),
            field: self.field,
        }
    }

    fn conditions(&self, is_pending: bool, lacks_certificate: bool) -> Vec<Condition> {
        let missing = self.unresolved.as_ref().filter(|_| lacks_certificate);
        let programmed = match self.fault.as_ref().or(missing) {
            None if is_pending => Condition::fails("Programmed", "Pending", PENDING),
            None => Condition::holds("Programmed", "Programmed"),
            Some((_, message)) => Condition::fails("Programmed", "Invalid", message),
        };
        let resolved = Condition::unless(self.unresolved.as_ref(), "ResolvedRefs");
        vec![resolved, Condition::unless(self.fault.as_ref(), "Accepted"), programmed]
    }

    /// Says why it is not accepted.
    pub(super) fn fail(&mut self, reason: &'static str, field: &str, value: &str, message: &str) {
        let fault = self.tell(reason, field, value, message);
        self.fault.get_or_insert(fault);
    }

    /// Tells a person why it serves nothing.
    pub(super) fn tell(&mut self, reason: &'static str, field: &str, value: &str, message: &str) -> Fault {
        let field = format!("{}.{field}", self.field);
        self.findings.error(Reason::Invalid, &field, value, &format!("{message}; the listener is not served"));
        (reason, format!("{field}: {message}"))
    }

    fn place(&mut self, listener: &Listener) -> Place {
        let ports = &self.scene.ports;
        match stream_protocol(listener) {
            Some(protocol) => {
                let stream = self.port(listener, |port| ports.stream(port, protocol));
                Place { entry: None, is_pending: stream == Some(None), stream: stream.flatten() }
            }
            None => {
                let tls = self.uses_tls(listener);
                let entry = tls.and_then(|tls| self.port(listener, |port| ports.entry(port, tls)));
                Place { stream: None, is_pending: entry == Some(None), entry: entry.flatten() }
            }
        }
    }

    /// Whether its clients come over TLS.
    fn uses_tls(&mut self, listener: &Listener) -> Option<bool> {
        match &*listener.protocol {
            "HTTP" => Some(false),
            "HTTPS" | "TLS" => Some(true),
            protocol => {
                let message = "is not supported yet: expected HTTP, HTTPS, TLS, TCP or UDP";
                self.fail(UNKNOWN_PROTOCOL, "protocol", protocol, message);
                None
            }
        }
    }

    /// What its port means for the process.
    fn port<T>(&mut self, listener: &Listener, of: impl FnOnce(u16) -> Result<T, String>) -> Option<T> {
        let port = u16::try_from(listener.port).ok().filter(|port| *port > 0);
        let port = port.ok_or_else(|| "is not a port: expected 1 to 65535".to_owned()).and_then(of);
        port.map_err(|message| self.fail("PortUnavailable", "port", &listener.port.to_string(), &message)).ok()
    }

    fn host(&mut self, listener: &Listener) -> Option<HostName> {
        let text = listener.hostname.as_deref();
        if stream_protocol(listener).is_some() {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                let message = format!("has no meaning for {}: it is ignored", listener.protocol);
                self.findings.ignored(&format!("{}.hostname", self.field), text, &message);
            }
            return Some(HostName::Any);
        }
        let host = host_names::parse(text);
        let unsupported = |error: HostNameError| {
            self.fail("UnsupportedValue", "hostname", text.unwrap_or_default(), &error.to_string());
        };
        host.map_err(unsupported).ok()
    }

    fn namespaces(&mut self, listener: &Listener) -> Option<Namespaces> {
        let allowed = listener.allowed_routes.as_ref().and_then(|allowed| allowed.namespaces.as_ref());
        let unsupported = |wrong: Wrong| {
            let Wrong { field, value, message } = wrong.within("allowedRoutes");
            self.fail("UnsupportedValue", &field, &value, &message);
        };
        namespaces::parse(allowed, "Same").map_err(unsupported).ok()
    }

    /// The kinds of routes that it takes.
    fn kinds(&mut self, listener: &Listener) -> Vec<RouteGroupKind> {
        let of_kind = |kind: Kind| RouteGroupKind { group: Some(GROUP.to_owned()), kind: kind.name().to_owned() };
        let supported = route_kinds(listener);
        let named = listener.allowed_routes.as_ref().map(|allowed| allowed.kinds.as_slice()).unwrap_or_default();
        if named.is_empty() {
            return supported.iter().copied().map(of_kind).collect();
        }
        let mut kinds = Vec::new();
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
                    let fault = ("InvalidRouteKinds", format!("{field}: {:?} {message}", named.kind));
                    self.unresolved.get_or_insert(fault);
                }
            }
        }
        kinds
    }
}
