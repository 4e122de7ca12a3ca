//! The order in which policies act on a request. These functions are the documentation of that order.
//!
//! ```text
//! the client's certificate -> the server's snippet -> find a route
//!   -> server_phase -> preflight -> the route's snippet -> request_phase
//!           ^                               |
//!           `-------- another path ---------'
//! ```

use super::access::Access;
use crate::config::Denied;
use crate::connection::Connection;
use crate::policy::client_limits::Admission;
use crate::policy::rewrite::Rewrite;
use crate::policy::{body_limit, client_certificates, redirect, rewrite};
use crate::request::{Client, Reason, Reply, RequestView};
use crate::table::{Route, RouteAction};
use std::ops::ControlFlow;

/// What a phase looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// The request as it was sent; its headers may be changed by snippets.
    pub(super) request: RequestView<'a>,
    /// Its normalised path, which snippets may have changed.
    pub(super) path: &'a [u8],
    /// Its arguments, likewise.
    pub(super) query: Option<&'a [u8]>,
    pub(super) connection: &'a Connection,
    pub(super) client: &'a Client,
    /// The body goes on, if there is one.
    pub(super) has_body: bool,
}

/// Runs what comes before the rules of the route's path. `Break` answers the request without the route's own response
/// headers.
///
/// A route whose security settings cannot be honoured answers nothing else, not even a redirect.
pub(super) fn server_phase(route: &Route, scene: &Scene<'_>, has_ended: bool) -> ControlFlow<Reply> {
    deny(route.policies.denied.as_ref())?;
    if let Some(Err(_)) = &route.policies.waf {
        return ControlFlow::Break(Reply::new(503, Reason::Denied));
    }
    if has_ended {
        return ControlFlow::Continue(());
    }
    redirect::app_root(scene.path, &scene.request, scene.connection, &route.host)
}

/// Runs a route's policies before a backend is chosen. `Break` answers the request. `rewrite` is the route's, unless a
/// snippet has ended nginx's rewrite phase before it.
///
/// `admit` counts the request, unless it exceeds the limits on its client. It may have to wait first ([`super::Step::Wait`]).
///
/// Then comes what access still needs: a password is verified ([`super::Step::Verify`]), or an auth server is asked
/// ([`super::Step::Ask`]). Last of all the firewall inspects what is to be forwarded ([`super::Step::Inspect`]).
///
/// As nginx orders its phases: who is redirected is not asked who it is.
pub(super) fn request_phase(
    route: &Route,
    scene: &Scene<'_>,
    rewrite: Option<&Rewrite>,
    admit: impl FnOnce() -> ControlFlow<Reply, Admission>,
) -> ControlFlow<Reply, (Access, Admission)> {
    let (policies, Scene { request, path, query, connection, client, has_body }) = (&route.policies, scene);
    match &route.action {
        RouteAction::Redirect(to) => {
            ControlFlow::Break(redirect::constant(to, client, connection, policies.relative_redirects))
        }
        RouteAction::UrlRedirect(to) => ControlFlow::Break(redirect::to_url(to, request, path, client, connection)),
        RouteAction::Reply(status) => ControlFlow::Break(Reply::new(*status, Reason::FixedReply)),
        RouteAction::Forward(_) | RouteAction::DefaultBackend(_) | RouteAction::NotFound => {
            rewrite::redirect(rewrite, path, *query, connection)?;
            redirect::https(policies.https_redirect, request, client)?;
            if !policies.serves_plain_http {
                client_certificates::require_tls(route.host.client_certificates.as_ref(), connection)?;
            }
            if *has_body {
                body_limit::announced(request, policies.body_limit)?;
            }
            let admission = admit()?;
            ControlFlow::Continue((Access::begin(policies, request, client)?, admission))
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
