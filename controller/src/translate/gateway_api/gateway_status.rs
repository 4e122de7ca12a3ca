//! What the status of a Gateway says, and those of its ListenerSets.

use super::attached_routes::AttachedRoutes;
use super::entry_point::StreamPort;
use super::gateway::ParsedGateway;
use super::hosts::owner;
use super::listener::ParsedListener;
use super::programmed::programmed;
use crate::gateway_api::{Condition, ListenerStatus, ObjectStatus, StatusParts};
use crate::object::ObjectKey;
use gateway::config::{EntryPoint, StreamProtocol};

const SOME_INVALID: &str = "some listeners are not valid";

impl ParsedGateway {
    /// Its status, and those of its sets, with these routes.
    pub(super) fn statuses(&self, routes: &AttachedRoutes) -> Vec<(&ObjectKey, ObjectStatus)> {
        let listeners = &self.listeners;
        let own: Vec<_> = listeners.iter().filter(|listener| listener.set.is_none()).collect();
        let parts = StatusParts::Gateway {
            conditions: self.conditions(&own),
            listeners: own.iter().map(|listener| self.status(listener, routes)).collect(),
            attached_sets: self.sets.iter().filter(|set| set.is_accepted(listeners)).count(),
            addresses: self.infrastructure.addresses.clone(),
            service: self.infrastructure.service.clone(),
        };
        let of_sets = self.sets.iter().map(|set| {
            let parts = StatusParts::ListenerSet {
                conditions: set.conditions(listeners),
                listeners: set.own(listeners).iter().map(|listener| self.status(listener, routes)).collect(),
            };
            (&set.rank.key, ObjectStatus { generation: set.generation, parts })
        });
        let own = (&self.rank.key, ObjectStatus { generation: self.generation, parts });
        std::iter::once(own).chain(of_sets).collect()
    }

    fn conditions(&self, own: &[&ParsedListener]) -> Vec<Condition> {
        let valid = own.iter().filter(|listener| listener.is_accepted).count();
        let accepted = match &self.refused {
            Some(refused) => refused.clone(),
            None if valid == own.len() && valid > 0 => Condition::holds("Accepted", "Accepted"),
            None => Condition { holds: valid > 0, ..Condition::fails("Accepted", "ListenersNotValid", SOME_INVALID) },
        };
        let programmed = match &self.infrastructure.problem {
            Some(problem) => problem.clone(),
            None => programmed(own.iter().copied(), "Invalid"),
        };
        [accepted, programmed].into_iter().chain(self.of_tls.iter().cloned()).collect()
    }

    fn status(&self, listener: &ParsedListener, routes: &AttachedRoutes) -> ListenerStatus {
        ListenerStatus {
            name: listener.name.clone(),
            supported_kinds: listener.kinds.clone(),
            port: opened_port(listener),
            attached_routes: routes.count((&owner(self, listener).key, &listener.name)),
            conditions: listener.conditions.clone(),
        }
    }
}

/// The port that is opened for a listener, if it is none of the process's own.
fn opened_port(listener: &ParsedListener) -> Option<StreamPort> {
    let of_hosts = listener.entry.and_then(EntryPoint::own_port).map(|port| (StreamProtocol::Tcp, port));
    of_hosts.or(listener.stream)
}
