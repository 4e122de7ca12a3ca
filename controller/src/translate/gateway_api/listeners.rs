//! The listeners of a Gateway beside one another.

use super::findings::Findings;
use super::listener::ParsedListener;
use super::listener_reader::{Reader, Scene};
use crate::gateway_api::{Condition, Fault, Listener};
use gateway::config::HostName;
use std::collections::{BTreeMap, BTreeSet};

/// What the listeners have that come before others: of each port the protocols, and the hosts.
#[derive(Debug, Default)]
pub(super) struct Taken(BTreeMap<i32, (BTreeSet<String>, BTreeSet<HostName>)>);

impl Taken {
    /// Takes what these have.
    pub(super) fn add(&mut self, listeners: &[ParsedListener]) {
        for listener in listeners.iter().filter(|listener| listener.is_accepted) {
            let (protocols, hosts) = self.0.entry(listener.port).or_default();
            protocols.insert(listener.protocol.clone());
            hosts.insert(listener.host.clone());
        }
    }

    /// Why a listener cannot have what it wants.
    fn refusal(&self, listener: &ParsedListener) -> Option<(&'static str, &'static str)> {
        let (protocols, hosts) = self.0.get(&listener.port)?;
        if protocols.iter().any(|protocol| *protocol != listener.protocol) {
            return Some((
                "ProtocolConflict",
                "has the port of another listener of the Gateway and another protocol: it is not served",
            ));
        }
        (listener.is_accepted && hosts.contains(&listener.host)).then_some((
            "HostnameConflict",
            "has the port and the hostname of another listener of the Gateway: it is not served",
        ))
    }
}

/// Reads the listeners of a Gateway or a ListenerSet. Those that come before win conflicts.
pub(super) fn parse(
    listeners: &[Listener],
    before: &Taken,
    scene: &Scene<'_>,
    findings: &mut Findings,
) -> Vec<ParsedListener> {
    let read = |(index, listener)| Reader::new(index, scene, findings).read(listener);
    let mut parsed: Vec<_> = listeners.iter().enumerate().map(read).collect();
    for listener in &mut parsed {
        if let Some((reason, message)) = before.refusal(listener) {
            listener.conflict(reason, message, findings);
        }
    }
    let conflicts: Vec<_> = (0..parsed.len()).map(|at| conflict(&parsed, at)).collect();
    for (listener, conflict) in parsed.iter_mut().zip(conflicts) {
        if let Some((reason, message)) = conflict {
            listener.conflict(reason, &message, findings);
        } else if !listener.conditions.iter().any(|condition| condition.kind == "Conflicted") {
            listener.conditions.push(Condition { holds: false, ..Condition::holds("Conflicted", "NoConflicts") });
        }
    }
    parsed
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
