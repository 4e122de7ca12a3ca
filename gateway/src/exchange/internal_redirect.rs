//! An error that something else answers (`error_page` of a snippet), as nginx: ngx_http_special_response_handler.
//!
//! The request goes through the phases once more, without its body: who may not come in where it is led does not get there.

use super::access::{Access, AccessStep};
use super::answered_error::AnsweredError;
use super::custom_error::in_place_of;
use super::decision::{Asked, Decision};
use super::edits::{ReceivedHead, RequestEdits, ResponseEdits};
use super::machine::Exchange;
use super::progress::State;
use crate::config::Origin;
use crate::connection::Connection;
use crate::policy::snippet::{ErrorPage, Page};
use crate::request::{Reason, Reply, RequestView};
use crate::table::{Found, Route, Table};
use http::Method;
use std::ops::ControlFlow;
use std::sync::Arc;

impl Decision {
    /// Whether something else answers in place of a reply of ours.
    pub fn is_answered_elsewhere(&self, reply: &Reply) -> bool {
        self.error_page(reply).is_some()
    }

    /// Only one answers for a request, as without nginx's `recursive_error_pages`. A reply with a text is no error there; and who
    /// has not sent a whole request, or is led in circles, is led nowhere.
    fn error_page(&self, reply: &Reply) -> Option<&Arc<ErrorPage>> {
        let stays = self.answered_error.is_some()
            || reply.text.is_some()
            || reply.closes()
            || matches!(
                reply.reason,
                Reason::BodyTimeout | Reason::Denied | Reason::MalformedBody | Reason::SnippetLoop
            );
        self.effects().filter(|_| !stays)?.error_page(reply.status)
    }

    /// Whether the response of a backend with this status is an error: `proxy_intercept_errors`, which in ingress-nginx is on where
    /// there are `custom-http-errors`. nginx has another directive for gRPC.
    fn is_error(&self, status: u16) -> bool {
        let own = || self.response_policies()?.custom_errors.as_ref().map(|errors| errors.intercepts());
        let intercepts = self.effects().and_then(|effects| effects.intercepts_errors).or_else(own);
        status >= 300 && intercepts == Some(true) && !self.backend_policies().protocol.is_http2()
    }

    /// Leads the request to where the error is answered that was to be its reply, and returns what becomes of it there. Limits on
    /// clients do not count it.
    pub fn turn_to_error_page(
        &mut self,
        table: &Table,
        connection: &Connection,
        request: &RequestView<'_>,
        reply: &Reply,
    ) -> AccessStep {
        self.turn(&Asked { table, connection, request, counted: None }, reply)
    }

    fn turn(&mut self, asked: &Asked<'_>, reply: &Reply) -> AccessStep {
        let Some(page) = self.error_page(reply).cloned() else { return AccessStep::Reply(reply.clone()) };
        let has_limits = self
            .route
            .as_ref()
            .is_some_and(|route| route.policies.client_limits.is_some() || route.policies.snippet_limits.is_some());
        let led = self.with_progress(asked, |progress, around| page.lead(reply.status, &mut progress.state, around));
        self.answered_error = Some(Box::new(AnsweredError {
            reply: reply.clone(),
            page,
            has_path: matches!(led, ControlFlow::Continue(Page::Path)),
            is_counted: has_limits,
        }));
        self.leave_route();
        let end = match led {
            ControlFlow::Continue(page) => self.enter_page(&page, asked),
            ControlFlow::Break(reply) => ControlFlow::Break(reply),
        };
        self.reply = end.break_value();
        self.step()
    }

    /// Forgets the route and what came of it.
    fn leave_route(&mut self) {
        (self.route, self.chosen, self.session, self.key) = (None, None, None, None);
        (self.rewritten, self.allowed_origin) = (None, None);
        (self.reply, self.answer, self.access) = (None, None, Access::default());
        (self.passed_server_phase, self.is_of_no_host) = (false, false);
    }

    /// As nginx: ngx_http_internal_redirect, after which the server's directives are run again, and ngx_http_named_location.
    fn enter_page(&mut self, page: &Page, asked: &Asked<'_>) -> ControlFlow<Reply> {
        let method = self.method(asked.request.method);
        let asked = &Asked { request: &RequestView { method, ..*asked.request }, ..*asked };
        self.with_progress(asked, |progress, _| {
            progress.state.become_internal();
            progress.look_up()
        })?;
        let found = match page {
            Page::Path => {
                let mut found = self.look_up(asked);
                self.run_server_snippet(&mut found, asked)?;
                found
            }
            Page::Named(name) => {
                match asked.table.find_named(asked.connection.entry_point(), asked.request.host(), name) {
                    Some(location) => Found::Route(location),
                    None => return ControlFlow::Break(Reply::new(500, Reason::NoLocation)),
                }
            }
        };
        self.enter_found(found, asked)
    }

    /// The method of the request where it is now.
    pub(super) fn method<'a>(&self, own: &'a Method) -> &'a Method {
        match &self.answered_error {
            Some(error) if error.has_path && *own != Method::HEAD => &Method::GET,
            _ => own,
        }
    }

    /// Whether it has been counted against limits where it was before.
    pub(super) fn is_counted(&self) -> bool {
        self.answered_error.as_ref().is_some_and(|error| error.is_counted)
    }

    /// Answers a request for a path of a location that is `internal`.
    pub(super) fn keep_out_of_internal(&self, route: &Route) -> ControlFlow<Reply> {
        let is_internal = || self.snippet.as_ref().is_some_and(|progress| progress.state.is_internal());
        match route.policies.internal && !is_internal() {
            true => ControlFlow::Break(Reply::new(404, Reason::NoContent)),
            false => ControlFlow::Continue(()),
        }
    }

    /// The reply, with status and headers of the error in whose place it is: a text has those, as in nginx; another error and a
    /// redirect have their own.
    pub fn in_place_of_error(&self, reply: Reply) -> Reply {
        let Some(error) = self.answered_error.as_deref().filter(|_| reply.text.is_some()) else { return reply };
        let headers = [&*reply.headers, &*error.reply.headers].concat();
        Reply { status: error.status().unwrap_or(reply.status), headers, ..reply }
    }

    /// The status of the error in whose place the request is answered, and the directive that has led it there.
    pub fn answered_error(&self) -> Option<(u16, &Origin)> {
        self.answered_error.as_ref().map(|error| (error.reply.status, &**error.page.origin()))
    }
}

impl Exchange {
    /// Whether something else answers in place of our own reply, of which the client has got nothing yet.
    pub(super) fn is_answered_elsewhere(&self) -> bool {
        let State::Replying(reply) = &self.state else { return false };
        self.custom_error.is_none() && !self.attempts.passed_on && self.decision.is_answered_elsewhere(reply)
    }

    /// An endpoint has responded with this head. After `Break` something else answers in place of that.
    pub(super) fn intercept_for_error_page(&mut self, head: impl ReceivedHead) -> ControlFlow<()> {
        let reply = in_place_of(head);
        if self.custom_error.is_some()
            || !self.decision.is_error(head.status())
            || !self.decision.is_answered_elsewhere(&reply)
        {
            return ControlFlow::Continue(());
        }
        self.state = State::Replying(reply);
        ControlFlow::Break(())
    }

    /// Leads the request to where its error is answered: the end of [`super::Step::ErrorPage`].
    pub fn turn_to_error_page(&mut self, request: &RequestView<'_>) {
        let State::Replying(reply) = &self.state else { return };
        let reply = reply.clone();
        self.audit(reply.status);
        self.attempts.end(Some(reply.status), 0);
        self.attempts.start_over();
        (self.authorization, self.auth_key, self.inspection) = (None, None, None);
        (self.new_session, self.fell_back) = (None, false);
        let table = self.context.publisher().load();
        let arrival = &*self.arrival;
        let asked = Asked { table: &table, connection: &arrival.connection, request, counted: Some(arrival) };
        self.state = self.decision.turn(&asked, &reply).into();
        self.heard(request);
    }

    /// Why another endpoint is asked in place of our own reply, if it is.
    pub(super) fn error_reason(&self) -> Option<Reason> {
        let custom = self.custom_error.as_ref().map(|error| &error.reply);
        custom.or(self.decision.answered_error.as_ref().map(|error| &error.reply)).map(|reply| reply.reason)
    }

    pub(super) fn set_error_page_method(&self, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        let method = self.decision.method(request.method);
        if method != request.method {
            edits.set_method(method);
        }
    }

    /// Makes a response that of the error: the headers of our own reply stay, such as a challenge. A response that has no body is
    /// left as it is.
    pub(super) fn respond_with_error_page(&self, edits: &mut impl ResponseEdits) {
        let Some(error) = self.decision.answered_error.as_deref() else { return };
        if matches!(edits.status(), ..200 | 204 | 304) {
            return;
        }
        edits.set_all(&error.reply.headers);
        if let Some(status) = error.status() {
            edits.set_status(status);
        }
    }
}
