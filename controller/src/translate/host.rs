//! One host: rules first, then aliases, then redirects to its twin.

use super::view::View;
use super::{alias, merge, passthrough, tls, www};
use crate::diagnostic::Diagnostic;
use gateway::config::{HostName, VirtualHost};

/// What is served under a name, if anything is, and what is wrong with it.
pub(super) fn translate(name: &HostName, view: &View<'_>) -> (Option<VirtualHost>, Vec<Diagnostic>) {
    let name = name.clone();
    let (tls, of_tls) = tls::of(&name, view);
    if let Some((mut routes, mut diagnostics)) = merge::routes(&name, tls.is_some(), view) {
        diagnostics.extend(of_tls);
        diagnostics.extend(alias::overruled(&name, view));
        let (passthrough, of_passthrough) = passthrough::of(&name, &mut routes, view);
        diagnostics.extend(of_passthrough);
        return (Some(VirtualHost { name, routes, www_redirect: None, tls, passthrough }), diagnostics);
    }
    let (target, mut diagnostics) = alias::target(&name, view);
    if let Some(target) = target {
        let tls = tls::of_alias(&name, &target, view);
        // What is wrong with the host itself is said there.
        if let Some((mut routes, _)) = merge::routes(&target, tls.is_some(), view) {
            let (passthrough, _) = passthrough::of(&target, &mut routes, view);
            return (Some(VirtualHost { name, routes, www_redirect: None, tls, passthrough }), diagnostics);
        }
    }
    let Some((redirect, asking)) = www::redirect(&name, view) else { return (None, diagnostics) };
    let (tls, of_tls) = tls::of_twin(&name, asking, view);
    diagnostics.extend(of_tls);
    let (routes, www_redirect) = (Vec::new(), Some(redirect));
    (Some(VirtualHost { name, routes, www_redirect, tls, passthrough: None }), diagnostics)
}
