//! Errors that a backend of their own answers (`custom-http-errors`).

use crate::config;
use crate::upstream::{Registry, Upstream};
use std::sync::Arc;

/// The policy, with the backend's endpoints.
#[derive(Debug)]
pub struct CustomErrors {
    statuses: Arc<[u16]>,
    backend: Option<Arc<Upstream>>,
    keeps_responses: bool,
    overruled: bool,
}

impl CustomErrors {
    /// Compiles the policy; `None` if it is for no status.
    pub(super) fn compile(configured: &config::CustomErrors, registry: &Registry) -> Option<Self> {
        (!configured.statuses.is_empty()).then(|| Self {
            statuses: Arc::clone(&configured.statuses),
            backend: configured.backend.as_ref().map(|id| registry.upstream(id)),
            keeps_responses: configured.keeps_responses,
            overruled: configured.overruled,
        })
    }

    /// Who answers an error with this status: a backend of the route's, or else `default`, the gateway's.
    pub(crate) fn backend<'a>(&'a self, status: u16, default: Option<&'a Arc<Upstream>>) -> Option<&'a Arc<Upstream>> {
        self.has(status).then(|| self.backend.as_ref().or(default))?
    }

    /// Whether it is for errors with this status.
    pub(crate) fn has(&self, status: u16) -> bool {
        !self.overruled && self.statuses.contains(&status)
    }

    /// Whether the responses of backends are replaced, too.
    pub(crate) fn intercepts(&self) -> bool {
        !self.keeps_responses
    }
}
