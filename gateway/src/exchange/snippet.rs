//! Snippets on the way of a request: when they are run, and what they change of it and of its response.

use super::decision::{Asked, Decision};
use super::edits::{RequestEdits, ResponseEdits};
use super::machine::Exchange;
use super::snippet_progress::SnippetProgress;
use crate::connection::Connection;
use crate::policy::rewrite::Rewrite;
use crate::policy::snippet::{Change, Effects, InputHeaders, Name, Outcome, Snippet, SnippetState, Surroundings};
use crate::request::{HOST_LIMIT, Reply, RequestView};
use crate::table::{Found, Location, Route, RouteAction};
use crate::telemetry::{Now, RequestInfo};
use http::{HeaderMap, HeaderName, header};
use std::ops::ControlFlow;

impl Decision {
    /// Runs the snippet of the host, and looks up what it makes of the path.
    pub(super) fn run_server_snippet<'t>(&mut self, found: &mut Found<'t>, asked: &Asked<'t>) -> ControlFlow<Reply> {
        let Some(snippet) = found.host_policies().and_then(|host| host.snippet.as_ref()) else {
            return ControlFlow::Continue(());
        };
        let outcome = self.run_snippet(snippet, asked, false)?;
        self.with_progress(asked, |progress, _| progress.server_has_ended = outcome.has_ended);
        if self.snippet.as_ref().is_some_and(|progress| progress.state.target().is_some()) {
            *found = self.look_up(asked);
        }
        ControlFlow::Continue(())
    }

    /// Lets the effects of the route's snippet hold, and no longer those of what came before.
    pub(super) fn enter_snippet(&mut self, route: &Route, asked: &Asked<'_>) -> ControlFlow<Reply> {
        if self.snippet.is_none() && route.policies.snippet.is_none() {
            return ControlFlow::Continue(());
        }
        self.with_progress(asked, |progress, _| {
            progress.enter(route.policies.snippet.as_deref());
            route
                .location
                .as_deref()
                .and_then(Location::matcher)
                .map_or(ControlFlow::Continue(()), |matcher| progress.state.capture(matcher))
        })
    }

    /// Runs the snippet of a route. `Some`: it has made another path, which was looked up.
    pub(super) fn run_route_snippet<'t>(
        &mut self,
        route: &Route,
        asked: &Asked<'t>,
    ) -> ControlFlow<Reply, Option<Found<'t>>> {
        let Some(snippet) = &route.policies.snippet else { return ControlFlow::Continue(None) };
        let outcome = self.run_snippet(snippet, asked, route.policies.relative_redirects)?;
        self.with_progress(asked, |progress, around| {
            progress.location_has_ended = outcome.has_ended;
            progress.state.change_input(&around.info);
        });
        if !outcome.is_changed || self.stays(route, asked.request)? {
            return ControlFlow::Continue(None);
        }
        self.with_progress(asked, |progress, _| progress.look_up())?;
        ControlFlow::Continue(Some(self.look_up(asked)))
    }

    pub(super) fn look_up<'t>(&self, asked: &Asked<'t>) -> Found<'t> {
        asked.table.find(asked.connection.entry_point(), &self.seen(asked.request), self.path(asked.request))
    }

    /// Whether a rule behind the route's snippet takes the request before its new path is looked up.
    fn stays(&self, route: &Route, request: &RequestView<'_>) -> ControlFlow<Reply, bool> {
        let ends_here = matches!(route.action, RouteAction::Redirect(_) | RouteAction::Reply(_));
        match self.rewrite_policy(route) {
            _ if ends_here => ControlFlow::Continue(!self.location_has_ended()),
            None => ControlFlow::Continue(false),
            Some(rewrite) => match rewrite.matches(self.path(request)) {
                Ok(matches) => ControlFlow::Continue(matches),
                Err(limit) => ControlFlow::Break(limit.into()),
            },
        }
    }

    fn run_snippet(&mut self, snippet: &Snippet, asked: &Asked<'_>, relative: bool) -> ControlFlow<Reply, Outcome> {
        self.with_progress(asked, |progress, around| {
            snippet.run(&mut progress.state, &Surroundings { relative_redirects: relative, ..*around })
        })
    }

    pub(super) fn with_progress<T>(
        &mut self,
        asked: &Asked<'_>,
        act: impl FnOnce(&mut SnippetProgress, &Surroundings<'_>) -> T,
    ) -> T {
        self.with_progress_on(asked.connection, asked.number(), asked.request, act)
    }

    /// Moves on with what looks at the rest of the decision.
    pub(super) fn with_progress_on<T>(
        &mut self,
        connection: &Connection,
        number: u64,
        request: &RequestView<'_>,
        act: impl FnOnce(&mut SnippetProgress, &Surroundings<'_>) -> T,
    ) -> T {
        let mut progress = self.snippet.take().unwrap_or_else(|| self.new_progress(request));
        let mut buffer = [0; HOST_LIMIT];
        let info = self.request_info(connection, number, request, &mut buffer);
        let done = act(&mut progress, &Surroundings { info, client: &self.client, relative_redirects: false });
        self.snippet = Some(progress);
        done
    }

    fn new_progress(&self, request: &RequestView<'_>) -> Box<SnippetProgress> {
        let state = SnippetState::new(self.path(request), request);
        Box::new(SnippetProgress { state, server_has_ended: false, location_has_ended: false })
    }

    pub(super) fn server_has_ended(&self) -> bool {
        self.snippet.as_ref().is_some_and(|progress| progress.server_has_ended)
    }

    /// `rewrite-target`, unless the snippet before it has ended the phase.
    pub(super) fn rewrite_policy<'r>(&self, route: &'r Route) -> Option<&'r Rewrite> {
        route.policies.rewrite.as_ref().filter(|_| !self.location_has_ended())
    }

    fn location_has_ended(&self) -> bool {
        self.snippet.as_ref().is_some_and(|progress| progress.location_has_ended)
    }

    /// The request with the method and the headers that snippets have made of its own.
    pub(super) fn with_changed_headers<'a>(&'a self, request: &RequestView<'a>) -> RequestView<'a> {
        let headers = self.input().map_or(request.headers, InputHeaders::headers);
        RequestView { method: self.method(request.method), headers, ..*request }
    }

    /// The request as a look-up sees it after snippets.
    pub(super) fn seen<'a>(&'a self, request: &RequestView<'a>) -> RequestView<'a> {
        let target = self.snippet.as_ref().and_then(|progress| progress.state.target());
        RequestView { target: target.unwrap_or(request.target), ..self.with_changed_headers(request) }
    }

    /// The arguments of the request after snippets.
    pub(super) fn query<'a>(&'a self, request: &RequestView<'a>) -> Option<&'a [u8]> {
        self.snippet.as_ref().map_or_else(|| request.query(), |progress| progress.state.arguments())
    }

    /// What snippets ask for beside their statements.
    pub(super) fn effects(&self) -> Option<&Effects> {
        self.snippet.as_ref()?.state.effects().map(|effects| &**effects)
    }

    fn input(&self) -> Option<&InputHeaders> {
        self.snippet.as_ref()?.state.input()
    }
}

impl Exchange {
    /// The headers that snippets have changed, as the client sends them.
    pub(super) fn set_changed_headers(&self, edits: &mut impl RequestEdits) {
        for (Name { written, name }, value) in self.decision.input().map_or(&[][..], InputHeaders::changes) {
            match value {
                Some(value) => edits.set_named(written, value.clone()),
                None => edits.remove(name),
            }
        }
    }

    /// `proxy_set_header` of snippets. A request without a `Host` is none, so that header stays.
    pub(super) fn set_snippet_headers(&self, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        let Some(effects) = self.decision.effects() else { return };
        let mut buffer = [0; HOST_LIMIT];
        for (Name { written, name }, value) in effects.backend_headers(&self.request_info(request, &mut buffer)) {
            match value {
                Some(value) => edits.set_named(written, value),
                None if *name == header::HOST => {}
                None => edits.remove(name),
            }
        }
    }

    /// The headers of a backend's response, where a snippet may ask for them once they have changed.
    pub(super) fn headers_for_snippets(&self, edits: &impl ResponseEdits) -> Option<HeaderMap> {
        let effects = self.decision.effects()?;
        (!effects.response().is_empty()).then(|| edits.header_map().clone())
    }

    /// Changes a response as snippets ask for. `received` has the headers of the backend's.
    pub(super) fn change_response(
        &self,
        request: &RequestView<'_>,
        received: Option<&HeaderMap>,
        edits: &mut impl ResponseEdits,
    ) {
        let Some(effects) = self.decision.effects().filter(|effects| !effects.response().is_empty()) else { return };
        let status = edits.status();
        if (102..200).contains(&status) || status == 100 {
            return; // more is to come
        }
        let mut headers = edits.header_map().clone();
        let mut buffer = [0; HOST_LIMIT];
        let (info, attempts) = (self.request_info(request, &mut buffer), self.attempts.all());
        for header in effects.response() {
            let info = RequestInfo { response_headers: [received, Some(&headers)], ..info };
            let changes = header.changes(status, &headers, &(&self.record_of_head(info, &attempts, status), &Now));
            for change in changes {
                change_header(&mut headers, &change);
                match change {
                    Change::Set(name, value) => edits.set_named(&name, value),
                    Change::Append(name, value) => edits.append_named(&name, value),
                    Change::Remove(name) => edits.remove(&name),
                }
            }
        }
    }
}

/// Makes a change in the copy of the headers that later ones are made from.
fn change_header(headers: &mut HeaderMap, change: &Change) {
    let parsed = |name: &str| HeaderName::from_bytes(name.as_bytes());
    match change {
        Change::Set(name, value) => drop(parsed(name).map(|name| headers.insert(name, value.clone()))),
        Change::Append(name, value) => drop(parsed(name).map(|name| headers.append(name, value.clone()))),
        Change::Remove(name) => drop(headers.remove(name)),
    }
}
