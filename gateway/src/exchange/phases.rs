//! The order in which policies act on a request. This function is the documentation of that order.

use super::access::Access;
use crate::config::Denied;
use crate::connection::Connection;
use crate::policy::client_limits::{ClientLimits, Permit};
use crate::policy::{body_limit, cors, redirect, rewrite};
use crate::request::{Client, Reason, Reply, RequestView};
use crate::table::{Route, RouteAction};
use http::HeaderValue;
use std::ops::ControlFlow;

/// Runs what comes before the rules of the route's path. `Break` answers the request, whose normalised path is `path`,
/// without the route's own response headers.
///
/// A route whose security settings cannot be honoured answers nothing else, not even a redirect.
pub(super) fn server_phase(
    route: &Route,
    path: &[u8],
    request: &RequestView<'_>,
    connection: &Connection,
) -> ControlFlow<Reply> {
    deny(route.policies.denied.as_ref())?;
    redirect::app_root(path, request, connection, &route.host)
}

/// Runs a route's policies before a backend is chosen. `Break` answers the request, whose normalised path is `path`.
/// `allowed_origin` is there where CORS lets the request's origin read the response.
///
/// `admit` counts the request, unless it exceeds the limits on its client.
///
/// Then comes what access still needs: a password is verified ([`super::Step::Verify`]), or an auth server is asked
/// ([`super::Step::Ask`]).
///
/// As nginx orders its phases: a preflight request is answered whoever asks.
pub(super) fn request_phase(
    route: &Route,
    path: &[u8],
    request: &RequestView<'_>,
    client: &Client,
    connection: &Connection,
    allowed_origin: Option<&HeaderValue>,
    admit: impl FnOnce(&ClientLimits) -> ControlFlow<Reply, Option<Permit>>,
) -> ControlFlow<Reply, (Access, Option<Permit>)> {
    let policies = &route.policies;
    cors::preflight(allowed_origin, request)?;
    match &route.action {
        RouteAction::Redirect(to) => {
            ControlFlow::Break(redirect::constant(to, client, connection, policies.relative_redirects))
        }
        RouteAction::Reply(status) => ControlFlow::Break(Reply::new(*status, Reason::FixedReply)),
        RouteAction::Forward(_) | RouteAction::DefaultBackend(_) => {
            rewrite::redirect(policies.rewrite.as_ref(), path, request, connection)?;
            redirect::https(policies.https_redirect, request, client)?;
            body_limit::announced(request, policies.body_limit)?;
            let permit = policies.client_limits.as_ref().map_or(ControlFlow::Continue(None), admit)?;
            ControlFlow::Continue((Access::begin(policies, request, client)?, permit))
        }
    }
}

/// Refuses everything where a security setting cannot be honoured.
pub(super) fn deny(denied: Option<&Denied>) -> ControlFlow<Reply> {
    match denied {
        Some(_) => ControlFlow::Break(Reply::new(503, Reason::Denied)),
        None => ControlFlow::Continue(()),
    }
}
