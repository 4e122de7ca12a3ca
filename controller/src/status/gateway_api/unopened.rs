//! What it means for listeners, and for what they stand in, that a port cannot be opened.

use crate::gateway_api::{Condition, ListenerStatus};
use gateway::config::{StreamProtocol, UnopenedPort};
use std::collections::BTreeMap;

/// The ports that cannot be opened now, each with why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unopened(BTreeMap<(StreamProtocol, u16), String>);

const PROGRAMMED: &str = "Programmed";

/// The reason: it is tried again.
const PENDING: &str = "Pending";

impl Unopened {
    pub(super) fn new(ports: &[UnopenedPort]) -> Self {
        let why = |UnopenedPort { protocol, port, message, .. }: &UnopenedPort| {
            ((*protocol, *port), format!("port {port} {message}"))
        };
        Self(ports.iter().map(why).collect())
    }

    /// The conditions of what has these listeners, and the listeners. Those are not programmed whose ports are not open, and the whole
    /// is not if that leaves none.
    pub(super) fn seen(
        &self,
        conditions: &[Condition],
        listeners: &[ListenerStatus],
    ) -> (Vec<Condition>, Vec<ListenerStatus>) {
        let (mut conditions, mut seen) = (conditions.to_vec(), listeners.to_vec());
        for listener in &mut seen {
            if let Some(why) = listener.port.and_then(|port| self.0.get(&port)) {
                fail(&mut listener.conditions, why);
            }
        }
        if has_programmed(listeners) && !has_programmed(&seen) {
            fail(&mut conditions, "no listener is served, since no port of theirs can be opened");
        }
        (conditions, seen)
    }
}

/// What is programmed no longer is.
fn fail(conditions: &mut [Condition], why: &str) {
    for condition in conditions.iter_mut().filter(|condition| is_programmed(condition)) {
        *condition = Condition::fails(PROGRAMMED, PENDING, why);
    }
}

fn has_programmed(listeners: &[ListenerStatus]) -> bool {
    listeners.iter().flat_map(|listener| &listener.conditions).any(is_programmed)
}

fn is_programmed(condition: &Condition) -> bool {
    condition.kind == PROGRAMMED && condition.holds
}
