//! An error that another backend answers (`custom-http-errors`), unless there is a page for it.
//!
//! The backend gets the request's method and headers, but not its body: that may be gone, or be what is wrong with it.

use super::edits::{ReceivedHead, RequestEdits, ResponseEdits};
use super::machine::Exchange;
use super::progress::{CustomError, State};
use crate::request::{Reason, Reply, RequestView};
use crate::upstream::Upstream;
use http::HeaderValue;
use std::ops::ControlFlow;
use std::sync::Arc;

impl Exchange {
    /// Lets a backend answer what is to be our own reply, where its status has one and the client has got nothing yet.
    pub(super) fn customize_reply(&mut self) {
        let State::Replying(reply) = &self.state else { return };
        let is_first = self.custom_error.is_none() && self.decision.answered_error.is_none();
        if is_first && !self.attempts.passed_on && self.answers(reply) {
            self.customize(reply.clone());
        }
    }

    /// Answers, or lets a backend answer, in place of an endpoint that has responded with this head. After `Break` the rest of its
    /// response goes nowhere, and the next step is asked for.
    pub(super) fn intercept(&mut self, head: impl ReceivedHead) -> ControlFlow<()> {
        self.intercept_for_error_page(head)?;
        let status = head.status();
        let errors = self.decision.custom_errors().filter(|errors| errors.intercepts() && errors.has(status));
        let is_first = self.custom_error.is_none() && self.decision.answered_error.is_none();
        if errors.is_none() || !is_first {
            return ControlFlow::Continue(());
        }
        let reply = in_place_of(head);
        if self.decision.has_error_page(status) {
            self.give_up(reply);
        } else if self.decision.error_backend(status).is_some() {
            self.customize(reply);
        } else {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(())
    }

    fn customize(&mut self, reply: Reply) {
        self.attempts.end(Some(reply.status), 0);
        self.attempts.start_over();
        self.custom_error = Some(Box::new(CustomError { reply }));
        self.state = State::Attempting;
    }

    fn answers(&self, reply: &Reply) -> bool {
        let is_lost = matches!(reply.reason, Reason::BodyTimeout | Reason::MalformedBody) || reply.closes();
        let has_page = reply.text.is_none() && self.decision.has_error_page(reply.status);
        let backend = self.decision.error_backend(reply.status).filter(|_| !is_lost && !has_page);
        backend.is_some_and(|backend| !reply.reason.is_refusal() || !self.is_own(backend))
    }

    /// Whether this is a backend of the route: who is refused does not get there by another way.
    fn is_own(&self, backend: &Arc<Upstream>) -> bool {
        let own = self.decision.route.as_ref().map_or(&[][..], |route| route.backends());
        own.iter().any(|own| Arc::ptr_eq(&own.upstream, backend))
    }

    /// Whether the request's body goes to the endpoint: not to who answers an error.
    pub fn forwards_body(&self) -> bool {
        self.custom_error.is_none() && self.decision.answered_error.is_none()
    }

    /// The request to the backend that answers the error, as ingress-nginx makes it.
    pub(super) fn forward_error(&self, error: &CustomError, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        edits.set_target(b"/");
        self.set_client_headers(request, edits);
        self.set_trace_headers(edits);
        if let Some(host) = &self.decision.client.host {
            edits.set("Host", host.clone());
        }
        if let Ok(target) = HeaderValue::from_bytes(request.target) {
            edits.set("X-Original-URI", target);
        }
        self.remove_password(edits);
        self.set_default_backend_headers(error.reply.status, request, edits);
    }

    /// Makes the backend's response that of the error: what belongs to a status of ours stays, such as a challenge, and who
    /// is refused gets no other status.
    pub(super) fn respond_to_error(&self, edits: &mut impl ResponseEdits) {
        let Some(CustomError { reply, .. }) = self.custom_error.as_deref() else { return };
        edits.set_all(&reply.headers);
        if reply.reason.is_refusal() {
            edits.set_status(reply.status);
        }
    }
}

/// The reply in place of an endpoint's response. As in nginx (ngx_http_upstream_intercept_errors), it has its challenges.
pub(super) fn in_place_of(head: impl ReceivedHead) -> Reply {
    let reply = Reply::new(head.status(), Reason::CustomError);
    if reply.status != 401 {
        return reply;
    }
    let challenges = head.challenges().filter_map(|value| HeaderValue::from_bytes(value).ok());
    let challenges = challenges.map(|value| ("WWW-Authenticate", value));
    Reply { headers: challenges.collect(), ..reply }
}
