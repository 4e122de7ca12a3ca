//! A listener of a Gateway.

use super::entry_point::StreamPort;
use super::findings::Findings;
use super::namespaces::Namespaces;
use super::rank::Rank;
use crate::diagnostic::Reason;
use crate::gateway_api::{Condition, RouteGroupKind, ServicePort};
use gateway::config::{ClientVerification, EntryPoint, HostName, HostTls, StreamProtocol};
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
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        let uses_tls = |listener: &Self| matches!(&*listener.protocol, "HTTPS" | "TLS");
        self.protocol == other.protocol || uses_tls(self) && uses_tls(other)
    }

    /// What carries it: one port may have a listener for TCP and one for UDP.
    pub(super) fn transport(&self) -> StreamProtocol {
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
