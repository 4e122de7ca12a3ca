//! What is done to requests: one file is one behaviour, with its compiled form and its tests.
//!
//! Policies read a borrowed request and write edits; [`crate::proxy`] holds the one order in which they run.

use crate::config::{ConnectionHeader, Denied, Redirect, Template, Timeouts};
use std::sync::Arc;

/// The policies of a route, compiled. A struct of options: `Debug` prints a route's whole behaviour, and the order in
/// which they run is one visible function.
#[derive(Debug)]
pub struct Policies {
    /// See [`crate::config::RoutePolicies::denied`]; so for each field.
    pub denied: Option<Denied>,
    /// 302 from `/` to this path.
    pub app_root: Option<Arc<str>>,
    /// Answer instead of proxying.
    pub redirect: Option<Redirect>,
    /// Redirects stay relative.
    pub relative_redirects: bool,
    /// Redirects to HTTPS keep a trailing slash.
    pub preserve_trailing_slash: bool,
    /// `Host` towards the backend.
    pub upstream_host: Option<Template>,
    /// `Connection` towards the backend.
    pub connection_header: Option<ConnectionHeader>,
    /// Patience with the backend.
    pub timeouts: Timeouts,
    /// Bytes a request body may have.
    pub body_limit: Option<u64>,
    /// Whether requests are logged.
    pub access_log: bool,
}
