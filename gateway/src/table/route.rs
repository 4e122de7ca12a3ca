use crate::config::{Origin, PathKind, RouteLabels};
use crate::policy::Policies;
use crate::upstream::Upstream;
use std::sync::Arc;

/// A compiled route: all that a request keeps of the table.
#[derive(Debug)]
pub struct Route {
    /// The rule that it comes from.
    pub origin: Origin,
    /// Its labels in metrics and logs. Interned: routes with equal labels share them across tables, so that counters
    /// outlive a table.
    pub labels: Arc<RouteLabels>,
    /// How `labels.path` matches.
    pub kind: PathKind,
    /// Where requests go.
    pub target: RouteTarget,
    /// Serves the request when the target has no endpoint.
    pub default_backend: Option<Arc<Upstream>>,
    /// What is done to the requests.
    pub policies: Policies,
}

/// Where the requests of a route go.
#[derive(Debug)]
pub enum RouteTarget {
    /// To the endpoints of an upstream.
    Upstream(Arc<Upstream>),
    /// To the gateway's default backend, else 404.
    Default,
}
