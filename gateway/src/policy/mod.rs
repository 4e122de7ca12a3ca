//! The policies that act on requests: each file is one behaviour, with its compiled form and its tests.
//!
//! Policies read a borrowed request and write edits; `exchange/phases.rs` holds the one order in which they run.

pub mod auth_cache;
pub(crate) mod body_limit;
pub mod external_auth;
mod invalid;
pub(crate) mod redirect;
pub mod rewrite;
pub(crate) mod source_ranges;

pub use invalid::Invalid;

use crate::config::RoutePolicies;
use crate::interner::{ByAddress, Interner};
use crate::upstream::{Registry, Upstream};
use external_auth::ExternalAuth;
use rewrite::Rewrite;
use source_ranges::SourceRanges;
use std::ops::Deref;
use std::sync::Arc;

/// The policies of a route. Derefs to them as they were configured; the fields are what becomes something else when it is
/// compiled. Compiled once for all routes that share the configured ones, and kept from table to table.
#[derive(Debug)]
pub struct Policies {
    configured: Arc<RoutePolicies>,
    /// Which clients are served; `None` is everybody.
    pub source_ranges: Option<SourceRanges>,
    /// The server that authorizes each request.
    pub external_auth: Option<ExternalAuth>,
    /// The path towards the backend.
    pub rewrite: Option<Rewrite>,
    /// Serves a request when the backend that was chosen for it has no endpoint.
    pub default_backend: Option<Arc<Upstream>>,
}

/// The policies that tables hold.
pub(crate) type PolicyInterner = Interner<ByAddress<RoutePolicies>, Policies>;

impl Policies {
    /// Compiles the policies of a route.
    ///
    /// # Errors
    /// Names the value that cannot be compiled, and what is expected.
    pub fn compile(configured: Arc<RoutePolicies>, registry: &Registry) -> Result<Self, Invalid> {
        let external_auth = configured.external_auth.as_ref();
        let external_auth = external_auth.map(|server| ExternalAuth::compile(server, registry)).transpose();
        let not_a_header = |name| Invalid { value: name, reason: "is not the name of a header".to_owned() };
        Ok(Self {
            source_ranges: SourceRanges::compile(&configured.source_ranges),
            external_auth: external_auth.map_err(not_a_header)?,
            rewrite: configured.rewrite.as_ref().map(Rewrite::compile).transpose()?,
            default_backend: configured.default_backend.as_ref().map(|id| registry.upstream(id)),
            configured,
        })
    }
}

impl Deref for Policies {
    type Target = RoutePolicies;

    fn deref(&self) -> &RoutePolicies {
        &self.configured
    }
}
