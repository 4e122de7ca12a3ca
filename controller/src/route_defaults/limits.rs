//! Limits on clients, as snippets say them.

use gateway::config::{ClientLimits, ConnectionLimit, LimitZone, Limits, RequestLimit, RequestZone, SnippetLimits};
use std::sync::Arc;

/// The zones of the ConfigMap's `http-snippet`, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitZones {
    /// `limit_req_zone`.
    pub requests: Vec<Arc<RequestZone>>,
    /// `limit_conn_zone`.
    pub connections: Vec<Arc<LimitZone>>,
}

impl LimitZones {
    /// Goes on with those of another snippet.
    pub(super) fn append(&mut self, later: &Self) {
        self.requests.extend(later.requests.iter().cloned());
        self.connections.extend(later.connections.iter().cloned());
    }
}

/// What a block says of limits on clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitDirectives {
    /// `limit_req` and what goes with it.
    pub requests: LimitList<RequestLimit>,
    /// `limit_conn` and what goes with it.
    pub connections: LimitList<ConnectionLimit>,
}

/// What a block says of limits of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitList<L> {
    /// The limits. Without any, those of the block around it hold.
    pub limits: Vec<L>,
    /// The status of what exceeds them.
    pub status: Option<u16>,
    /// What exceeds them is let through.
    pub dry_run: Option<bool>,
}

impl LimitDirectives {
    /// Goes on with those of another snippet that stands in the same block.
    pub(super) fn append(&mut self, later: &Self) {
        self.requests.append(&later.requests);
        self.connections.append(&later.connections);
    }

    /// Those that a location with these annotations inherits: annotations are limits of its own.
    pub(crate) fn beside(&self, annotations: Option<&ClientLimits>) -> Self {
        let mut inherited = self.clone();
        if annotations.is_some_and(|limits| limits.per_second.or(limits.per_minute).is_some()) {
            inherited.requests.limits.clear();
        }
        if annotations.is_some_and(|limits| limits.connections.is_some()) {
            inherited.connections.limits.clear();
        }
        inherited
    }

    /// Takes the place of annotations that hold around this block.
    pub(crate) fn replace(&self, annotations: &mut ClientLimits) {
        if !self.requests.limits.is_empty() {
            (annotations.per_second, annotations.per_minute) = (None, None);
        }
        if !self.connections.limits.is_empty() {
            annotations.connections = None;
        }
    }

    /// What holds in this block, which stands in another one.
    pub(crate) fn within(&self, outer: &Self) -> Self {
        Self {
            requests: self.requests.within(&outer.requests),
            connections: self.connections.within(&outer.connections),
        }
    }

    /// The same for the gateway; `None` if nothing holds.
    pub(crate) fn over(&self, outer: &Self) -> Option<SnippetLimits> {
        let Self { requests, connections } = self.within(outer);
        let limits = SnippetLimits { requests: requests.into(), connections: connections.into() };
        (limits != SnippetLimits::default()).then_some(limits)
    }
}

impl<L: Clone> LimitList<L> {
    fn append(&mut self, later: &Self) {
        self.limits.extend(later.limits.iter().cloned());
        self.status = self.status.or(later.status);
        self.dry_run = self.dry_run.or(later.dry_run);
    }

    fn within(&self, outer: &Self) -> Self {
        let limits = if self.limits.is_empty() { &outer.limits } else { &self.limits };
        Self { limits: limits.clone(), status: self.status.or(outer.status), dry_run: self.dry_run.or(outer.dry_run) }
    }
}

impl<L> From<LimitList<L>> for Limits<L> {
    fn from(LimitList { limits, status, dry_run }: LimitList<L>) -> Self {
        Self { limits: limits.into(), status, dry_run: dry_run.unwrap_or_default() }
    }
}

impl<L> Default for LimitList<L> {
    fn default() -> Self {
        Self { limits: Vec::new(), status: None, dry_run: None }
    }
}
