//! The rules of one host's routes.

use super::canaries::{self, Branch};
use super::names;
use super::paths::Taken;
use super::policies::{self, PolicyNames};
use super::ports;
use super::source::Source;
use crate::object::ObjectKey;
use gateway::config::{Action, BackendId, Route, RouteBackend, ServiceBackend};
use serde_json::{Map, Value, json};

/// The rules of one path, which have to stand in one object, in this order.
pub(super) type Unit = Vec<Value>;

/// The rules for a path; none where its requests are answered with 404.
///
/// # Errors
/// Why there are none that answer alike.
pub(super) fn of_path(
    taken: &Taken<'_>,
    ingress: &ObjectKey,
    names: &PolicyNames,
    source: &Source,
) -> Result<Option<Unit>, String> {
    let route = taken.route;
    let filters = filters(route, ingress, names, source);
    let rule = |branch: &Branch<'_>| -> Result<Value, String> {
        let mut matches = json!({"path": taken.value()});
        if let Some(header) = &branch.header {
            matches["headers"] = json!([header]);
        }
        let mut rule = json!({"matches": [matches]});
        if !filters.is_empty() {
            rule["filters"] = filters.clone().into();
        }
        let backends = backend_refs(&branch.backends, ingress, source)?;
        if !backends.is_empty() {
            rule["backendRefs"] = backends.into();
        }
        Ok(rule)
    };
    match &route.action {
        Action::Forward(backends) => {
            let branches = canaries::branches(backends)?;
            branches.iter().map(rule).collect::<Result<_, String>>().map(Some)
        }
        Action::Redirect(_) => rule(&Branch::to_nobody()).map(|rule| Some(vec![rule])),
        Action::DefaultBackend(_) if source.guards_other_paths(route) => {
            rule(&Branch::to_nobody()).map(|rule| Some(vec![rule]))
        }
        Action::DefaultBackend(_) => Ok(None),
        Action::Reply(_) | Action::NotFound | Action::UrlRedirect(_) => {
            Err("is answered by a snippet, which no rule does".to_owned())
        }
    }
}

/// What is changed on the way, and the policy.
fn filters(route: &Route, ingress: &ObjectKey, names: &PolicyNames, source: &Source) -> Vec<Value> {
    let given = source.given(ingress);
    let mut filters = Vec::new();
    let mut rewrite = Map::new();
    if let (Some(host), Action::Forward(_)) = (given.constant_host(), &route.action) {
        rewrite.insert("hostname".to_owned(), host.into());
    }
    if route.policies.rewrite.is_some() && !given.rewrites_by_policy() {
        let path = format!("/{}", given.constant_path().unwrap_or_default().trim_start_matches('/'));
        rewrite.insert("path".to_owned(), json!({"type": "ReplaceFullPath", "replaceFullPath": path}));
        if let Some(prefix) = given.constant_prefix() {
            let set = json!([{"name": "X-Forwarded-Prefix", "value": prefix}]);
            filters.push(json!({"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": set}}));
        }
    }
    if !rewrite.is_empty() {
        filters.push(json!({"type": "URLRewrite", "urlRewrite": rewrite}));
    }
    let name = if source.is_open(route) { &names.open } else { &names.usual };
    filters.extend(name.as_deref().map(policies::filter));
    filters
}

fn backend_refs(backends: &[(&RouteBackend, u32)], ingress: &ObjectKey, source: &Source) -> Result<Vec<Value>, String> {
    let weighted = backends.len() > 1;
    let reference = |(backend, weight): &(&RouteBackend, u32)| {
        let BackendId::Service(id) = &backend.backend else { return Err("leads to no Service".to_owned()) };
        backend_ref(id, weighted.then_some(*weight), &ingress.namespace, source)
    };
    backends.iter().map(reference).collect()
}

/// A reference to a port of a Service, from a namespace.
///
/// # Errors
/// Why there is none.
pub(super) fn backend_ref(
    id: &ServiceBackend,
    weight: Option<u32>,
    namespace: &str,
    source: &Source,
) -> Result<Value, String> {
    let port = ports::find(id, &source.store)?;
    let mut reference = names::reference((&id.namespace, &id.service), namespace);
    reference["port"] = port.number.into();
    if let Some(weight) = weight {
        reference["weight"] = weight.into();
    }
    Ok(reference)
}
