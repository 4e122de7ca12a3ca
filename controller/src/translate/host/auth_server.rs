//! Auth servers that each host has under its own name: `auth-url: https://$host/oauth2/auth`.

use super::view::View;
use crate::address::{OFF_LIMITS, is_off_limits};
use crate::route_defaults::ServerUrl;
use gateway::config::{BackendId, Denied, ExternalAuth, HostName, Origin, Route, RoutePolicies};
use std::collections::HashMap;
use std::sync::Arc;

/// Puts the host into the URLs of its routes' auth servers. Routes that shared their policies still do.
pub(super) fn apply(host: &HostName, routes: &mut [Route], view: &View<'_>) {
    // The former policies are kept, so that their address stays their own.
    let mut changed: HashMap<*const RoutePolicies, (Arc<RoutePolicies>, Arc<RoutePolicies>)> = HashMap::new();
    for route in routes.iter_mut().filter(|route| asks_its_host(&route.policies)) {
        let (_, now) = changed.entry(Arc::as_ptr(&route.policies)).or_insert_with(|| {
            let origin = || Origin::new(route.origin.object.clone(), view.annotation("auth-url"));
            let mut policies = route.policies.as_ref().clone();
            match asked_at(policies.external_auth.take(), host) {
                Ok(asked) => policies.external_auth = asked,
                Err(reason) => policies.denied = policies.denied.or_else(|| Some(Denied { reason, origin: origin() })),
            }
            (Arc::clone(&route.policies), Arc::new(policies))
        });
        route.policies = Arc::clone(now);
    }
}

fn asks_its_host(policies: &RoutePolicies) -> bool {
    policies.external_auth.as_ref().is_some_and(|auth| &*auth.host == ServerUrl::HOST)
}

/// The auth server at this host. The error is why there is none.
fn asked_at(auth: Option<ExternalAuth>, host: &HostName) -> Result<Option<ExternalAuth>, Arc<str>> {
    let Some(auth) = auth else { return Ok(None) };
    let HostName::Exact(name) = host else {
        return Err("the auth server is at $host, which is known for exact host names only".into());
    };
    if is_off_limits(name) {
        return Err(format!("the auth server is at $host, and that {OFF_LIMITS}").into());
    }
    let BackendId::Url { port, .. } = auth.backend else { return Ok(Some(auth)) };
    Ok(Some(ExternalAuth {
        backend: BackendId::Url { host: Arc::clone(name), port },
        authority: auth.authority.replacen(ServerUrl::HOST, name, 1).into(),
        host: Arc::clone(name),
        ..auth
    }))
}
