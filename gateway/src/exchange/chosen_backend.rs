//! The backend that a request is decided to go to, and what holds for it.

use super::decision::Decision;
use crate::config::{BackendId, BackendPolicies, RouteLabels};
use crate::request::{Reason, Reply};
use crate::table::{RouteAction, RouteBackend};
use crate::tls::backend::BackendTls;
use crate::upstream::Upstream;
use std::sync::Arc;

impl Decision {
    /// Goes over to the main backend from a canary whose last endpoint has gone since it was chosen for its share. Returns
    /// whether there is one.
    pub(super) fn leave_canary(&mut self) -> bool {
        let main = self.route.as_ref().zip(self.chosen).and_then(|(route, chosen)| route.instead_of(chosen));
        if main.is_some() {
            (self.chosen, self.session) = (main, None);
        }
        main.is_some()
    }

    /// The backend of its route that the request goes to.
    pub fn backend(&self) -> Option<&RouteBackend> {
        self.route.as_ref()?.backends().get(self.chosen?)
    }

    /// The upstream whose endpoints serve the request.
    pub fn upstream(&self) -> Option<&Arc<Upstream>> {
        match self.route.as_ref().map(|route| &route.action) {
            None | Some(RouteAction::DefaultBackend(_)) => self.default_backend.as_ref(),
            Some(_) => self.backend().map(|backend| &backend.upstream),
        }
    }

    /// The policies for that upstream.
    pub fn backend_policies(&self) -> &BackendPolicies {
        match self.route.as_ref().map(|route| &route.action) {
            Some(RouteAction::DefaultBackend(policies)) => policies,
            _ => self.backend().map_or(&BackendPolicies::DEFAULT, |backend| &backend.policies),
        }
    }

    /// How TLS is spoken to that upstream, if that is set.
    pub fn backend_tls(&self) -> Option<&Arc<BackendTls>> {
        self.backend()?.tls.as_ref()
    }

    /// The labels of the request in metrics and logs: those of its backend, else those of its route.
    pub fn labels(&self) -> Option<&Arc<RouteLabels>> {
        self.backend().map(|backend| &backend.labels).or(self.route.as_ref().map(|route| &route.labels))
    }

    /// The upstream that serves it if [`Decision::upstream`] has no endpoint.
    pub fn fallback(&self) -> Option<&Arc<Upstream>> {
        self.route.as_ref()?.policies.default_backend.as_ref()
    }

    /// Whether it goes to the gateway's default backend, because no route takes it.
    pub fn uses_default_backend(&self) -> bool {
        self.route.as_ref().is_none_or(|route| matches!(route.action, RouteAction::DefaultBackend(_)))
    }

    /// The reply where no backend has an endpoint. Without the default backend it is as if there was none: as in
    /// ingress-nginx, which then serves its own.
    pub fn no_endpoint(&self) -> Reply {
        if self.backend().is_some_and(|backend| *backend.upstream.id() == BackendId::Nowhere) {
            // As Gateway API has it: for a call, UNAVAILABLE.
            let is_for_calls = self.route.as_ref().is_some_and(|route| route.matches.call.is_some());
            return Reply::new(if is_for_calls { 503 } else { 500 }, Reason::NoBackend);
        }
        match self.uses_default_backend() {
            true => Reply::new(404, Reason::NoRoute),
            false => Reply::new(503, Reason::NoEndpoint),
        }
    }
}
