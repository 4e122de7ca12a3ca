//! What is done to requests: one file is one behaviour, with its compiled form and its tests.
//!
//! Policies read a borrowed request and write edits; `exchange/phases.rs` holds the one order in which they run.

pub(crate) mod body_limit;
pub(crate) mod redirect;
pub mod rewrite;

use crate::config::{
    BackendProtocol, ConnectionHeader, Denied, HttpsRedirect, Redirect, RoutePolicies, Template, Timeouts,
};
use rewrite::{Rewrite, RewriteError};
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
    /// From HTTP to HTTPS.
    pub https_redirect: Option<HttpsRedirect>,
    /// The path towards the backend.
    pub rewrite: Option<Rewrite>,
    /// `Host` towards the backend.
    pub upstream_host: Option<Template>,
    /// What the backend speaks.
    pub backend_protocol: BackendProtocol,
    /// `Connection` towards the backend.
    pub connection_header: Option<ConnectionHeader>,
    /// Patience with the backend.
    pub timeouts: Timeouts,
    /// Bytes a request body may have.
    pub body_limit: Option<u64>,
    /// Whether requests are logged.
    pub access_log: bool,
}

impl Policies {
    /// Compiles the policies of a route. Its `default_backend` is not among them: the route holds the upstream.
    pub fn compile(policies: &RoutePolicies) -> Result<Self, RewriteError> {
        // Without `..`, so that a policy cannot be forgotten here.
        let RoutePolicies {
            denied,
            app_root,
            redirect,
            relative_redirects,
            https_redirect,
            rewrite,
            upstream_host,
            backend_protocol,
            connection_header,
            timeouts,
            body_limit,
            default_backend: _,
            access_log,
        } = policies;
        Ok(Self {
            denied: denied.clone(),
            app_root: app_root.clone(),
            redirect: redirect.clone(),
            relative_redirects: *relative_redirects,
            https_redirect: *https_redirect,
            rewrite: rewrite.as_ref().map(Rewrite::compile).transpose()?,
            upstream_host: upstream_host.clone(),
            backend_protocol: *backend_protocol,
            connection_header: *connection_header,
            timeouts: *timeouts,
            body_limit: *body_limit,
            access_log: *access_log,
        })
    }
}
