//! One host: rules first, then aliases, then redirects to its twin.

use super::view::View;
use super::{alias, merge, www};
use crate::diagnostic::Diagnostic;
use gateway::config::{HostName, VirtualHost};

/// What is served under a name, if anything is, and what is wrong with it.
pub(super) fn translate(name: &HostName, view: &View<'_>) -> (Option<VirtualHost>, Vec<Diagnostic>) {
    if let Some((routes, mut diagnostics)) = merge::routes(name, view) {
        diagnostics.extend(alias::overruled(name, view));
        return (Some(VirtualHost { name: name.clone(), routes, www_redirect: None, tls: None }), diagnostics);
    }
    let (target, diagnostics) = alias::target(name, view);
    // What is wrong with the host itself is said there.
    if let Some((routes, _)) = target.and_then(|target| merge::routes(&target, view)) {
        return (Some(VirtualHost { name: name.clone(), routes, www_redirect: None, tls: None }), diagnostics);
    }
    let redirect = www::redirect(name, view);
    let host = redirect.map(|redirect| VirtualHost {
        name: name.clone(),
        routes: Vec::new(),
        www_redirect: Some(redirect),
        tls: None,
    });
    (host, diagnostics)
}
