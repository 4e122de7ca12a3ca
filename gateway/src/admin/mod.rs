//! The admin port: health, readiness, metrics and debugging, over HTTP/1.1 on the control plane's runtime.

mod explain;
mod lifecycle;
mod page;
mod post;
mod respond;
mod serve;
mod silent;
mod tail;
#[cfg(test)]
mod tests;

pub use explain::ExplainQuery;
pub use lifecycle::Lifecycle;
pub use page::Page;
pub use serve::serve;
pub use silent::{Silent, SilentConnection};
pub use tail::{Events, Follow, Following};

use std::fmt;
use std::sync::Arc;

/// What the admin port serves, and the sources of it. The functions are called on a thread that may block.
#[derive(Clone)]
pub struct Admin {
    /// The path of the liveness probe (`--health-check-path`), default [`Admin::HEALTH_PATH`].
    pub health_path: Arc<str>,
    /// Liveness and readiness.
    pub lifecycle: Arc<Lifecycle>,
    /// All metrics in Prometheus' text format; `None` answers 404.
    pub metrics: Option<Arc<Metrics>>,
    /// What is served, as lists.
    pub lists: Arc<Lists>,
    /// What would happen to a request; the error is what is wrong with the query.
    pub explain: Arc<Explain>,
    /// The pages below `/dashboard/`; `None` answers 404.
    pub dashboard: Option<Arc<Dashboard>>,
    /// What its page of requests is told as they end; `None` answers 404.
    pub following: Option<Following>,
}

/// See [`Admin::metrics`].
pub type Metrics = dyn Fn() -> Result<String, String> + Send + Sync;

/// See [`Admin::lists`].
pub type Lists = dyn Fn(List) -> Result<serde_json::Value, String> + Send + Sync;

/// A list, at `/debug/` and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `table`, the routing table: hosts, their routes in the order they match, the endpoints.
    Table,
    /// `backends`, with the endpoints of now.
    Backends,
    /// `certificates`, and the hosts that show them.
    Certificates,
    /// `diagnostics`: what is wrong with objects.
    Diagnostics,
}

/// See [`Admin::explain`].
pub type Explain = dyn Fn(&ExplainQuery) -> Result<serde_json::Value, String> + Send + Sync;

/// See [`Admin::dashboard`]: the page of a path below `/dashboard/` and a query string.
pub type Dashboard = dyn Fn(&str, &str) -> Page + Send + Sync;

impl Admin {
    /// ingress-nginx's path of the liveness probe.
    pub const HEALTH_PATH: &str = "/healthz";
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("health_path", &self.health_path).field("lifecycle", &self.lifecycle).finish()
    }
}
