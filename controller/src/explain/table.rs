use super::routes::kind;
use gateway::table::{Host, Route, RouteAction, RouteBackend, StreamRoute, Table};
use gateway::upstream::Upstream;
use serde_json::{Value, json};

/// The whole table for a person: hosts by name, their routes in the order they match, TCP and UDP services by port, the
/// endpoints of now.
pub fn describe(table: &Table) -> Value {
    let mut hosts: Vec<_> = table.hosts().collect();
    hosts.sort_by_key(|host| host.name());
    json!({
        "revision": table.revision(),
        "pathMatching": format!("{:?}", table.settings().path_matching),
        "hosts": hosts.into_iter().map(|host| describe_host(host)).collect::<Vec<_>>(),
        "streams": table.streams().iter().map(|stream| describe_stream(stream)).collect::<Vec<_>>(),
    })
}

fn describe_stream(stream: &StreamRoute) -> Value {
    let listener = &stream.listener;
    json!({
        "protocol": listener.protocol.name(),
        "port": listener.port,
        "from": listener.origin.to_string(),
        "acceptsProxy": listener.accept_proxy,
        "sendsProxy": listener.send_proxy,
        "backend": describe_upstream(&stream.upstream),
    })
}

fn describe_host(host: &Host) -> Value {
    json!({
        "host": host.name().to_string(),
        "redirectsTo": host.www_redirect().map(|redirect| redirect.to.as_ref()),
        "passesTlsTo": host.passthrough().map(|passthrough| describe_upstream(&passthrough.upstream)),
        "locations": host.locations().map(|route| describe_route(route)).collect::<Vec<_>>(),
        "routes": host.routes().iter().map(|route| describe_route(route)).collect::<Vec<_>>(),
    })
}

fn describe_route(route: &Route) -> Value {
    let owner = &route.labels.owner;
    let mut described = json!({
        "path": route.labels.path.as_ref(),
        "kind": kind(route),
        "from": route.origin.to_string(),
        "ingress": format!("{}/{}", owner.namespace, owner.ingress),
        "denied": route.policies.denied.as_ref().map(|denied| denied.reason.as_ref()),
        "action": describe_action(&route.action),
    });
    let within: Vec<_> = route.locations().map(|location| describe_route(location)).collect();
    if !within.is_empty() {
        described["locations"] = within.into();
    }
    described
}

fn describe_action(action: &RouteAction) -> Value {
    match action {
        RouteAction::Forward(backends) => json!({"forward": backends.iter().map(describe_backend).collect::<Vec<_>>()}),
        RouteAction::DefaultBackend(_) => json!("defaultBackend"),
        RouteAction::NotFound => json!("notFound"),
        RouteAction::Reply(status) => json!({"reply": status}),
        RouteAction::Redirect(redirect) => json!({"redirect": {"code": redirect.code, "location": *redirect.location}}),
    }
}

fn describe_backend(backend: &RouteBackend) -> Value {
    json!({
        "weight": backend.weight,
        "conditional": backend.is_conditional(),
        "canary": backend.canary,
        "affinity": backend.affinity.as_ref().map(|affinity| affinity.cookie.as_ref()),
        "backend": describe_upstream(&backend.upstream),
    })
}

fn describe_upstream(upstream: &Upstream) -> Value {
    let endpoints = upstream.endpoints();
    let endpoints = endpoints.iter().map(|endpoint| {
        json!({
            "address": endpoint.address().to_string(),
            "pod": endpoint.pod(),
            "inFlight": endpoint.in_flight(),
            "ejected": endpoint.is_ejected(),
        })
    });
    json!({"name": upstream.id().to_string(), "endpoints": endpoints.collect::<Vec<_>>()})
}
