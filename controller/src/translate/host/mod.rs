//! One host: rules first, then aliases, then redirects to its `www` counterpart.

mod affinity;
mod alias;
mod auth_server;
pub(super) mod canaries;
mod candidate;
mod client_certificates;
mod locations;
mod merge;
mod nested_locations;
mod passthrough;
mod regex_hosts;
mod server_name;
mod shared_backends;
mod snippets;
mod tls;
mod view;
mod www;

pub(super) use view::{Sources, View};

use crate::diagnostic::Diagnostic;
use crate::snippet;
use gateway::config::{HostName, HostPolicies, Location, Route, VirtualHost};
use std::sync::Arc;

/// What is served under a name, if anything is, and what is wrong with it.
pub(super) fn translate(name: &HostName, view: &View<'_>) -> (Option<VirtualHost>, Vec<Diagnostic>) {
    let name = name.clone();
    let (tls, of_tls) = tls::choose(&name, view);
    if let Some((mut routes, mut diagnostics)) = merge::routes(&name, tls.is_some(), view) {
        diagnostics.extend(of_tls);
        diagnostics.extend(alias::overruled(&name, view));
        diagnostics.extend(snippets::overruled(&name, view));
        diagnostics.extend(client_certificates::overruled(&name, view));
        diagnostics.extend(affinity::overruled(&name, view));
        auth_server::apply(&name, &mut routes, view);
        server_name::apply(&name, &mut routes);
        let (passthrough, of_passthrough) = passthrough::decide(&name, &mut routes, view);
        diagnostics.extend(of_passthrough);
        affinity::apply(&mut routes, view);
        canaries::apply(&mut routes, view);
        let (policies, locations, faults) = of_server(&name, &mut routes, view);
        diagnostics.extend(faults);
        diagnostics.extend(locations::conflicts(&name, &locations, &routes));
        let host = VirtualHost { locations, policies, tls, tls_route: passthrough, ..VirtualHost::new(name, routes) };
        return (Some(host), diagnostics);
    }
    let (target, mut diagnostics) = alias::target(&name, view);
    if let Some(target) = target {
        let tls = tls::choose_for_alias(&name, &target, view);
        // What is wrong with the host itself is said there.
        if let Some((mut routes, _)) = merge::routes(&target, tls.is_some(), view) {
            auth_server::apply(&name, &mut routes, view);
            server_name::apply(&name, &mut routes);
            let (passthrough, _) = passthrough::decide(&target, &mut routes, view);
            affinity::apply(&mut routes, view);
            canaries::apply(&mut routes, view);
            let (policies, locations, _) = of_server(&target, &mut routes, view);
            let host =
                VirtualHost { locations, policies, tls, tls_route: passthrough, ..VirtualHost::new(name, routes) };
            return (Some(host), diagnostics);
        }
    }
    let Some((redirect, asking)) = www::redirect(&name, view) else { return (None, diagnostics) };
    let (tls, of_tls) = tls::choose_for_www_counterpart(&name, asking, view);
    diagnostics.extend(of_tls);
    (
        Some(VirtualHost { www_redirect: Some(Box::new(redirect)), tls, ..VirtualHost::new(name, Vec::new()) }),
        diagnostics,
    )
}

/// What holds for the whole host: of each setting, what the oldest Ingress says that decides. And the locations of its
/// snippets, of which its routes get those that stand within them, and what is wrong with them.
fn of_server(
    host: &HostName,
    routes: &mut [Route],
    view: &View<'_>,
) -> (Arc<HostPolicies>, Vec<Location>, Vec<Diagnostic>) {
    let server = snippets::of_host(host, view);
    let (locations, mut faults) = locations::of_host(&server, view);
    faults.extend(nested_locations::apply(host, &server, routes, view));
    let app_root = view.deciding(host).find_map(|ingress| ingress.host_policies.app_root.clone());
    let server = server.ok();
    let snippet = server.as_ref().and_then(|server| snippet::server_block(server, view.defaults().into()));
    let real_ip = server.as_ref().and_then(|server| server.real_ip.over(view.defaults().real_ip.as_ref()));
    let client_certificates = client_certificates::of_host(host, view);
    let policies = HostPolicies { app_root, snippet, real_ip, client_certificates };
    (if policies == HostPolicies::default() { Arc::default() } else { Arc::new(policies) }, locations, faults)
}
