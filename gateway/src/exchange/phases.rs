//! The order in which policies act on a request. This function is the documentation of that order.

use super::access::Access;
use crate::config::Denied;
use crate::connection::Connection;
use crate::policy::{body_limit, redirect, rewrite};
use crate::request::{Client, Reason, Reply, RequestView};
use crate::table::{Route, RouteAction};
use std::ops::ControlFlow;

/// Runs a route's policies before a backend is chosen. `Break` answers the request, whose normalised path is `path`.
///
/// Then comes what access still needs: a password is verified ([`super::Step::Verify`]), or an auth server is asked
/// ([`super::Step::Ask`]).
///
/// As nginx orders its phases, but for the first: a route whose security settings cannot be honoured answers nothing
/// else, not even a redirect.
pub(super) fn request_phase(
    route: &Route,
    path: &[u8],
    request: &RequestView<'_>,
    client: &Client,
    connection: &Connection,
) -> ControlFlow<Reply, Access> {
    let policies = &route.policies;
    deny(policies.denied.as_ref())?;
    redirect::app_root(path, request, connection, &route.host)?;
    match &route.action {
        RouteAction::Redirect(to) => {
            ControlFlow::Break(redirect::constant(to, client, connection, policies.relative_redirects))
        }
        RouteAction::Reply(status) => ControlFlow::Break(Reply::new(*status, Reason::FixedReply)),
        RouteAction::Forward(_) | RouteAction::DefaultBackend(_) => {
            rewrite::redirect(policies.rewrite.as_ref(), path, request, connection)?;
            redirect::https(policies.https_redirect, request, client)?;
            body_limit::announced(request, policies.body_limit)?;
            Access::begin(policies, request, client)
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
