//! What became of an object, as its status tells it.

use super::gateway::GatewayAddress;
use super::listener::RouteGroupKind;
use super::reference::ParentReference;
use super::service::OwnService;
use gateway::config::StreamProtocol;

/// What became of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectStatus {
    /// The generation of the object that it tells of.
    pub generation: Option<i64>,
    /// What it tells.
    pub parts: StatusParts,
}

/// What the status of an object of some kind has.
#[derive(Clone, Debug, PartialEq)]
pub enum StatusParts {
    /// A GatewayClass.
    GatewayClass(Vec<Condition>),
    /// A Gateway.
    Gateway {
        /// Those of the whole.
        conditions: Vec<Condition>,
        /// Each of its own listeners, in order.
        listeners: Vec<ListenerStatus>,
        /// How many ListenerSets add some.
        attached_sets: usize,
        /// The addresses that it asks for; any, if there are none.
        addresses: Vec<GatewayAddress>,
        /// The Service that it asks for.
        service: OwnService,
    },
    /// A ListenerSet.
    ListenerSet {
        /// Those of the whole.
        conditions: Vec<Condition>,
        /// Each of its listeners, in order.
        listeners: Vec<ListenerStatus>,
    },
    /// A route: each of its parents that are ours.
    Route(Vec<ParentStatus>),
    /// A policy: each of the Gateways of ours that it has an effect on.
    Policy(Vec<ParentStatus>),
}

/// What became of a listener.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct ListenerStatus {
    pub name: String,
    pub supported_kinds: Vec<RouteGroupKind>,
    /// The port that has to be opened for it, if it is none of the process's own.
    pub port: Option<(StreamProtocol, u16)>,
    /// How many routes are attached to it.
    pub attached_routes: usize,
    pub conditions: Vec<Condition>,
}

/// What became of a route at one of its parents, or of a policy at a Gateway.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct ParentStatus {
    /// As the route writes it.
    pub parent: ParentReference,
    pub conditions: Vec<Condition>,
}

/// Why a condition does not hold: in one word, and for a person.
pub type Fault = (&'static str, String);

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `Accepted`, `ResolvedRefs` and so on.
    pub kind: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// Why, in one word.
    pub reason: &'static str,
    /// Why, for a person.
    pub message: String,
}

impl Condition {
    /// One that holds, of which there is nothing to say.
    pub fn holds(kind: &'static str, reason: &'static str) -> Self {
        Self { kind, holds: true, reason, message: String::new() }
    }

    /// One that holds unless there is a fault. Then there is nothing to say, and its reason is its name.
    pub fn unless(fault: Option<&Fault>, kind: &'static str) -> Self {
        match fault {
            None => Self::holds(kind, kind),
            Some((reason, message)) => Self::fails(kind, reason, message),
        }
    }

    /// One that does not hold.
    pub fn fails(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, holds: false, reason, message: message.into() }
    }
}
