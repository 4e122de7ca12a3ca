//! Canaries: the main backends of those on a host, and the routes of a host that share their requests with one.

use super::shared_backends::SharedBackends;
use super::view::View;
use crate::diagnostic::Reason;
use crate::translate::canaries::{Attachment, HostCanaries};
use crate::translate::parsed_ingress::ParsedIngress;
use gateway::config::{
    Action, HostName, PathKind, PathMatch, PathMatching, Route, RouteMatch, ServiceBackend, Subject,
};
use std::sync::Arc;

/// The canaries of a host with their main backends, and what is wrong with the others.
pub(in crate::translate) fn attach(host: &HostName, view: &View<'_>) -> HostCanaries {
    let mut canaries = HostCanaries::default();
    for (ingress, policy) in view.canaries_on(host) {
        let rules = ingress.hosts.get(host).into_iter().flat_map(|rules| &rules.routes);
        let default = (*host == HostName::Any && ingress.has_default_backend).then_some(&ingress.root);
        for route in rules.chain(default) {
            match backends(host, route, ingress, view) {
                Ok((main, canary)) => canaries.attached.push(Attachment {
                    rank: ingress.rank.clone(),
                    object: ingress.object.clone(),
                    field: Arc::clone(&route.origin.field),
                    main: main.clone(),
                    canary: canary.clone(),
                    policy: policy.clone(),
                }),
                Err(Refusal { message, main }) => {
                    let refused = ingress.warning(Arc::clone(&route.origin.field), message).because(Reason::Ignored);
                    let refused = refused.with_value(&route.matches.path.value);
                    canaries.diagnostics.push(match main {
                        Some(main) => refused.with_related(main.clone()),
                        None => refused,
                    });
                }
            }
        }
    }
    canaries
}

/// Why a path of a canary has no effect.
struct Refusal<'a> {
    message: String,
    main: Option<&'a Subject>,
}

/// The main backend of a canary's path, and its own.
fn backends<'a>(
    host: &HostName,
    route: &'a Route,
    ingress: &ParsedIngress,
    view: &View<'a>,
) -> Result<(&'a ServiceBackend, &'a ServiceBackend), Refusal<'a>> {
    let Some((main_ingress, main_route)) = main_route(host, &route.matches.path, view) else {
        return Err(Refusal { message: without_main(host, &route.matches.path, view), main: None });
    };
    let object = &main_ingress.object;
    let refuse = |message| Err(Refusal { message, main: Some(object) });
    let (Some(main), Some(canary)) = (only_service(main_route), only_service(route)) else {
        return refuse(format!("is ignored: the path has no Service in the main {object}"));
    };
    if main_ingress.rank.key.namespace != ingress.rank.key.namespace && !view.defaults().cross_namespace {
        return refuse(format!(
            "is ignored: the main {object} is of another namespace, and the ConfigMap's allow-cross-namespace-resources \
             is not \"true\""
        ));
    }
    if main == canary {
        return refuse(format!("is ignored: {canary} is the backend of the main {object}; expected another Service"));
    }
    Ok((main, canary))
}

fn only_service(route: &Route) -> Option<&ServiceBackend> {
    match &route.action {
        Action::Forward(backends) => backends.first()?.backend.service(),
        Action::DefaultBackend(_)
        | Action::Reply(_)
        | Action::NotFound
        | Action::Redirect(_)
        | Action::UrlRedirect(_) => None,
    }
}

/// The route with a path: of the oldest Ingress that declares it, or for `/` the default backend's.
fn main_route<'a>(host: &HostName, path: &PathMatch, view: &View<'a>) -> Option<(&'a ParsedIngress, &'a Route)> {
    let declared = view.with_rules(host).find_map(|ingress| Some((ingress, declared(ingress, host, path)?)));
    declared.or_else(|| {
        let ingress = if *path == root() { with_default_backend(host, view) } else { None };
        ingress.map(|ingress| (ingress, &ingress.root))
    })
}

fn declared<'a>(ingress: &'a ParsedIngress, host: &HostName, path: &PathMatch) -> Option<&'a Route> {
    ingress.hosts.get(host)?.routes.iter().find(|route| route.matches.path == *path)
}

/// The Ingress whose default backend serves `/` of a host.
fn with_default_backend<'a>(host: &HostName, view: &View<'a>) -> Option<&'a ParsedIngress> {
    let matching = view.defaults().path_matching;
    match (host, matching) {
        (HostName::Any, _) => view.claims_on(host).find(|ingress| ingress.serves_any_host(matching)),
        (_, PathMatching::Nginx) => view.with_rules(host).next().filter(|ingress| ingress.has_default_backend),
        (_, PathMatching::Strict) => view.with_rules(host).find(|ingress| ingress.has_default_backend),
    }
}

fn root() -> PathMatch {
    RouteMatch::path(PathKind::Prefix, "/").path
}

fn without_main(host: &HostName, path: &PathMatch, view: &View<'_>) -> String {
    let of_other_kind = [PathKind::Exact, PathKind::Prefix].into_iter().find_map(|kind| {
        let (ingress, _) = main_route(host, &PathMatch { kind, ..path.clone() }, view)?;
        Some(format!("; {} has it as {kind:?}", ingress.object))
    });
    format!(
        "is ignored: no Ingress that is no canary has this path as {:?} on host {host}{}",
        path.kind,
        of_other_kind.unwrap_or_default()
    )
}

/// Shares the requests of routes whose backend has a canary.
pub(super) fn apply(routes: &mut [Route], view: &View<'_>) {
    let mut shared = SharedBackends::default();
    for route in routes {
        let Action::Forward(backends) = &mut route.action else { continue };
        let [main] = &**backends else { continue };
        let Some(attachment) = main.backend.service().and_then(|main| view.canary_of(main)) else { continue };
        *backends = shared.change(backends, || attachment.share(main));
    }
}
