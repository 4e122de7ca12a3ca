//! Hosts that listeners of several Gateways have with TLS, some for requests (HTTPS) and others for connections (TLS): the oldest
//! listener has the host, with those that want of it what that one wants.

use super::findings::Findings;
use super::gateway::ParsedGateway;
use super::host_places::HostPlace;
use super::hosts::owner;
use super::listener::{ParsedListener, TlsMode};
use super::rank::Rank;
use crate::diagnostic::Diagnostic;
use crate::object::ObjectKey;
use std::collections::{BTreeMap, BTreeSet};

/// What all Gateways want, and who has got it.
#[derive(Debug, Default)]
pub(super) struct TlsHosts {
    /// By host, and then by the listener and what it stands in, the oldest first.
    wanted: BTreeMap<HostPlace, BTreeMap<(Rank, String), Wanted>>,
    /// Who has the hosts of which listeners want different things.
    contested: BTreeMap<HostPlace, Holder>,
    /// The hosts of which something has changed since it was decided who has them.
    changed: BTreeSet<HostPlace>,
}

/// What a listener wants of a host.
#[derive(Debug)]
struct Wanted {
    gateway: ObjectKey,
    /// Where TLS ends, if it is for connections; none if it is for requests.
    mode: Option<TlsMode>,
}

/// The listener that has a host.
#[derive(Debug, PartialEq, Eq)]
struct Holder {
    object: ObjectKey,
    listener: String,
    mode: Option<TlsMode>,
}

impl TlsHosts {
    pub(super) fn add(&mut self, gateway: &ParsedGateway) {
        for listener in &gateway.listeners {
            let Some(place) = place(listener) else { continue };
            let wanted = Wanted { gateway: gateway.rank.key.clone(), mode: listener.tls_mode };
            self.wanted.entry(place.clone()).or_default().insert(key(gateway, listener), wanted);
            self.changed.insert(place);
        }
    }

    pub(super) fn remove(&mut self, gateway: &ParsedGateway) {
        for listener in &gateway.listeners {
            let Some(place) = place(listener) else { continue };
            if let Some(listeners) = self.wanted.get_mut(&place) {
                listeners.remove(&key(gateway, listener));
                if listeners.is_empty() {
                    self.wanted.remove(&place);
                }
            }
            self.changed.insert(place);
        }
    }

    /// Decides anew who has the hosts of which something has changed. Returns the Gateways that want one about which that says
    /// something else than before.
    pub(super) fn settle(&mut self) -> BTreeSet<ObjectKey> {
        let mut concerned = BTreeSet::new();
        for place in std::mem::take(&mut self.changed) {
            let listeners = self.wanted.get(&place);
            let holder = listeners.and_then(holder);
            if self.contested.get(&place) != holder.as_ref() {
                concerned.extend(listeners.into_iter().flatten().map(|(_, wanted)| wanted.gateway.clone()));
                match holder {
                    Some(holder) => drop(self.contested.insert(place, holder)),
                    None => drop(self.contested.remove(&place)),
                }
            }
        }
        concerned
    }

    /// Takes the listeners of a Gateway out of service whose hosts others have got. Returns what a person is told of these.
    pub(super) fn yield_to_holders(&self, gateway: &mut ParsedGateway) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let ParsedGateway { rank, listeners, .. } = gateway;
        for listener in listeners {
            let Some(holder) = place(listener).and_then(|place| self.contested.get(&place)) else { continue };
            if holder.mode == listener.tls_mode {
                continue;
            }
            let Rank { age, key } = listener.set.as_ref().unwrap_or(rank);
            let mut findings = Findings::of(key, age.place.as_ref());
            let Holder { object, listener: name, mode } = holder;
            let message = format!(
                "has the port and the hostname of listener {name} of {object}, which is older and for {}: it is not served",
                purpose(*mode)
            );
            let is_same_protocol = mode.is_some() == listener.tls_mode.is_some();
            let reason = if is_same_protocol { "HostnameConflict" } else { "ProtocolConflict" };
            listener.conflict(reason, &message, &mut findings);
            diagnostics.append(&mut findings.diagnostics);
        }
        diagnostics
    }
}

/// Who has a host, if its listeners want different things.
fn holder(listeners: &BTreeMap<(Rank, String), Wanted>) -> Option<Holder> {
    let ((rank, name), oldest) = listeners.first_key_value()?;
    let is_contested = listeners.values().any(|wanted| wanted.mode != oldest.mode);
    is_contested.then(|| Holder { object: rank.key.clone(), listener: name.clone(), mode: oldest.mode })
}

/// Where a listener has a host with TLS, if it serves.
fn place(listener: &ParsedListener) -> Option<HostPlace> {
    let entry = listener.entry.filter(|entry| entry.uses_tls())?;
    Some((entry, listener.host.clone()))
}

fn key(gateway: &ParsedGateway, listener: &ParsedListener) -> (Rank, String) {
    (owner(gateway, listener).clone(), listener.name.clone())
}

/// What a listener is for, for a person.
fn purpose(mode: Option<TlsMode>) -> &'static str {
    match mode {
        None => "HTTPS",
        Some(TlsMode::Passthrough) => "TLS that passes through",
        Some(TlsMode::Terminate) => "TLS that ends here",
    }
}
