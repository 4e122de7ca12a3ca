//! The order in which policies act on a request. This function is the documentation of that order.

use crate::config::Denied;
use crate::connection::Connection;
use crate::policy::{Policies, body_limit, redirect};
use crate::request::{Client, Reply, RequestView};
use std::ops::ControlFlow;

/// Runs a route's policies before a backend is chosen. `Break` answers the request, whose normalised path is `path`.
///
/// As nginx orders its phases, but for the first: a route whose security settings cannot be honoured answers nothing
/// else, not even a redirect.
pub(super) fn request_phase(
    path: &[u8],
    request: &RequestView<'_>,
    client: &Client,
    connection: &Connection,
    policies: &Policies,
) -> ControlFlow<Reply> {
    deny(policies.denied.as_ref())?;
    redirect::app_root(path, request, connection, policies)?;
    redirect::constant(client, connection, policies)?;
    redirect::https(request, client, policies)?;
    body_limit::announced(request, policies)
}

/// Refuses everything where a security setting cannot be honoured.
pub(super) fn deny(denied: Option<&Denied>) -> ControlFlow<Reply> {
    match denied {
        Some(_) => ControlFlow::Break(Reply::new(503, "denied")),
        None => ControlFlow::Continue(()),
    }
}
