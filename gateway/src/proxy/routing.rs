//! Which route takes a request, and what it does to it before a backend is chosen: all that needs no I/O.

use super::client::Client;
use super::phases::request_phase;
use super::reply::Reply;
use super::request::RequestView;
use crate::policy::redirect;
use crate::policy::rewrite::Rewritten;
use crate::table::{Found, Route, RouteTarget, Table, normalize};
use crate::telemetry::Connection;
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a table makes of a request.
#[derive(Debug, Default)]
pub struct Routed {
    /// The decoded and normalised path, where it is not the path as sent.
    pub normalized: Option<Box<[u8]>>,
    /// The route that takes it.
    pub route: Option<Arc<Route>>,
    /// What is sent to the backend instead of the target.
    pub rewritten: Option<Rewritten>,
    /// The answer, if no backend is asked.
    pub reply: Option<Reply>,
}

impl Routed {
    /// Finds the request's route and runs its request phase. Without a reply the request goes to the route's target, or
    /// to the table's default backend.
    pub fn find(table: &Table, request: &RequestView<'_>, client: &Client, connection: &Connection) -> Self {
        let mut routed = Self::default();
        routed.reply = routed.run(table, request, client, connection).break_value();
        routed
    }

    fn run(
        &mut self,
        table: &Table,
        request: &RequestView<'_>,
        client: &Client,
        connection: &Connection,
    ) -> ControlFlow<Reply> {
        let Ok(path) = normalize(request.path(), table.settings().path_matching) else {
            return ControlFlow::Break(Reply::new(400, "bad-path"));
        };
        if let Cow::Owned(path) = &path {
            self.normalized = Some(path.as_slice().into());
        }
        let route = match table.find(request.host(), &path) {
            Found::Route(route) => route,
            Found::AddSlash(route) => {
                let (policies, path) = (&route.policies, &route.labels.path);
                return ControlFlow::Break(redirect::add_slash(path, request, client, connection, policies));
            }
            Found::WwwRedirect(www) => return ControlFlow::Break(redirect::www(www, request, client)),
            Found::NoHost if *path == *b"/healthz" => return ControlFlow::Break(Reply::new(200, "healthz")),
            Found::NoHost | Found::NoPath(_) => return without_route(table),
            Found::PatternLimit(_) => return ControlFlow::Break(Reply::new(500, "pattern-limit")),
        };
        self.route = Some(route.clone());
        if table.settings().denied.is_some() {
            return ControlFlow::Break(Reply::new(503, "denied"));
        }
        request_phase(request, client, connection, &route.policies)?;
        if let Some(rewrite) = &route.policies.rewrite {
            // The head reader lets only UTF-8 through.
            let query = request.query().and_then(|query| std::str::from_utf8(query).ok());
            match rewrite.apply(&path, query) {
                Ok(rewritten) => self.rewritten = rewritten,
                Err(_) => return ControlFlow::Break(Reply::new(500, "pattern-limit")),
            }
        }
        match &route.target {
            RouteTarget::Upstream(_) => ControlFlow::Continue(()),
            RouteTarget::Default => without_route(table),
        }
    }
}

/// Nothing takes the request: the gateway's default backend does, else 404.
fn without_route(table: &Table) -> ControlFlow<Reply> {
    match table.default_backend() {
        Some(_) => ControlFlow::Continue(()),
        None => ControlFlow::Break(Reply::new(404, "no-route")),
    }
}
