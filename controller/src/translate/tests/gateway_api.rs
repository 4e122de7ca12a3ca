//! Gateway API: what is told of each object, and what a change touches.

mod grpc;
mod listener_sets;
mod policies;
mod tls;

use super::*;
use crate::gateway_api::{Condition, ListenerStatus, StatusParts};
use gateway::config::EntryPoint;
use std::collections::BTreeMap;

pub(super) const CLASS: &str =
    "{kind: GatewayClass, metadata: {name: adit}, spec: {controllerName: adit.dev/gateway-controller}}";

pub(super) fn gateway(listeners: &str) -> String {
    format!("{{kind: Gateway, metadata: {{name: edge}}, spec: {{gatewayClassName: adit, listeners: [{listeners}]}}}}")
}

/// An HTTPRoute with these hosts and rules.
fn http_route(name: &str, hosts: &str, rules: &str) -> String {
    format!(
        "{{kind: HTTPRoute, metadata: {{name: {name}}}, spec: {{parentRefs: [{{name: edge}}], hostnames: [{hosts}], rules: [{rules}]}}}}"
    )
}

fn to(path: &str, service: &str) -> String {
    format!("{{matches: [{{path: {{value: {path}}}}}], backendRefs: [{{name: {service}, port: 80}}]}}")
}

const HTTP: &str = "{name: http, port: 80, protocol: HTTP}";

fn world(parts: &[String]) -> World {
    World::of(&documents(&[&[CLASS.to_owned(), service("echo", "10.1.0.1")], parts].concat()))
}

/// The hosts that an update sets or removes at entry points.
fn touched(update: &Update) -> Vec<String> {
    let names = update.entry_hosts.iter().map(|(entry, name, host)| {
        let sign = if host.is_some() { "" } else { "-" };
        format!("{sign}{name} {entry}")
    });
    names.collect()
}

/// `Accepted` for a condition that holds, and for one that does not `!Accepted: Reason`.
fn shown(conditions: &[Condition]) -> Vec<String> {
    let show = |condition: &Condition| match condition.holds {
        true => condition.kind.to_owned(),
        false => format!("!{}: {}", condition.kind, condition.reason),
    };
    conditions.iter().map(show).collect()
}

impl World {
    pub(super) fn parts(&self, kind: Kind, name: &str) -> Option<&StatusParts> {
        let key = ObjectKey::new(kind, if kind.is_namespaced() { "default" } else { "" }, name);
        self.translator.statuses().find(|(of, _)| **of == key).map(|(_, status)| &status.parts)
    }

    /// The conditions of an HTTPRoute at each of its parents.
    fn parents(&self, name: &str) -> Vec<Vec<String>> {
        self.parents_of(Kind::HttpRoute, name)
    }

    /// The same of a route of any kind.
    pub(super) fn parents_of(&self, kind: Kind, name: &str) -> Vec<Vec<String>> {
        match self.parts(kind, name) {
            Some(StatusParts::Route(parents)) => parents.iter().map(|parent| shown(&parent.conditions)).collect(),
            _ => Vec::new(),
        }
    }

    /// The Gateways that a policy of any kind has an effect on, with its conditions there.
    fn ancestors_of(&self, kind: Kind, name: &str) -> Vec<(String, Vec<String>)> {
        let Some(StatusParts::Policy(ancestors)) = self.parts(kind, name) else { return Vec::new() };
        ancestors.iter().map(|ancestor| (ancestor.parent.name.clone(), shown(&ancestor.conditions))).collect()
    }

    /// The conditions of the Gateway, and those of its listeners with how many routes they have.
    fn gateway(&self) -> (Vec<String>, Vec<(usize, Vec<String>)>) {
        self.gateway_of("edge")
    }

    pub(super) fn gateway_of(&self, name: &str) -> (Vec<String>, Vec<(usize, Vec<String>)>) {
        match self.parts(Kind::Gateway, name) {
            Some(StatusParts::Gateway { conditions, listeners, .. }) => (shown(conditions), shown_listeners(listeners)),
            other => panic!("no status of a Gateway: {other:?}"),
        }
    }

    pub(super) fn entry_hosts(&self) -> BTreeMap<(EntryPoint, HostName), VirtualHost> {
        let hosts = self.translator.entry_hosts();
        hosts.map(|(entry, host)| ((entry, host.name.clone()), host.as_ref().clone())).collect()
    }
}

/// The conditions of a policy at the Gateway alone.
fn at_edge(conditions: &[&str]) -> Vec<(String, Vec<String>)> {
    vec![("edge".to_owned(), conditions.iter().map(|text| (*text).to_owned()).collect())]
}

/// How many routes listeners have, and their conditions.
fn shown_listeners(listeners: &[ListenerStatus]) -> Vec<(usize, Vec<String>)> {
    listeners.iter().map(|listener| (listener.attached_routes, shown(&listener.conditions))).collect()
}

pub(super) fn listener(attached: usize, conditions: &[&str]) -> (usize, Vec<String>) {
    (attached, conditions.iter().map(|text| (*text).to_owned()).collect())
}

#[test]
fn a_gateway_tells_of_its_listeners_and_their_routes() {
    let listeners = "{name: http, port: 80, protocol: HTTP, hostname: a.example}, {name: odd, port: 10254, protocol: HTTP}, \
                     {name: quic, port: 443, protocol: QUIC}, {name: tls, port: 80, protocol: HTTP, hostname: t.example, \
                     allowedRoutes: {kinds: [{kind: TLSRoute}]}}";
    let world = world(&[gateway(listeners), http_route("a", "", &to("/", "echo")), http_route("b", "b.example", "")]);
    let (conditions, listeners) = world.gateway();
    assert_eq!(conditions, ["Accepted", "Programmed"]);
    let expected = [
        listener(1, &["ResolvedRefs", "Accepted", "Programmed", "!Conflicted: NoConflicts"]),
        listener(
            0,
            &["ResolvedRefs", "!Accepted: PortUnavailable", "!Programmed: Invalid", "!Conflicted: NoConflicts"],
        ),
        listener(
            0,
            &["ResolvedRefs", "!Accepted: UnsupportedProtocol", "!Programmed: Invalid", "!Conflicted: NoConflicts"],
        ),
        listener(0, &["!ResolvedRefs: InvalidRouteKinds", "Accepted", "Programmed", "!Conflicted: NoConflicts"]),
    ];
    assert_eq!(listeners, expected);
    assert_eq!(world.parents("a"), [["Accepted", "ResolvedRefs"]]);
    assert_eq!(world.parents("b"), [["!Accepted: NoMatchingListenerHostname", "ResolvedRefs"]]);
    let said = world.said(Severity::Error);
    assert!(
        said.iter()
            .any(|said| said.contains("spec.listeners[1].port: \"10254\" is a port of Adit itself (--healthz-port)")),
        "{said:#?}"
    );
    assert!(
        matches!(world.parts(Kind::GatewayClass, "adit"), Some(StatusParts::GatewayClass(conditions)) if shown(conditions) == ["Accepted"])
    );
}

#[test]
fn listeners_that_cannot_be_told_apart_conflict() {
    let twins = "{name: a, port: 80, protocol: HTTP}, {name: b, port: 80, protocol: HTTP}";
    let world = world(&[gateway(twins), http_route("a", "", &to("/", "echo"))]);
    let (conditions, listeners) = world.gateway();
    assert_eq!(conditions, ["!Accepted: ListenersNotValid", "!Programmed: Invalid"]);
    let conflicted = ["ResolvedRefs", "Conflicted", "!Accepted: HostnameConflict", "!Programmed: HostnameConflict"];
    assert_eq!(listeners, [listener(0, &conflicted), listener(0, &conflicted)]);
    assert_eq!(world.parents("a"), [["!Accepted: NotAllowedByListeners", "ResolvedRefs"]]);
    assert!(world.entry_hosts().is_empty());
}

/// The Secret `tls` of a namespace.
pub(super) fn secret(namespace: &str) -> String {
    let (certificate, key) = crate::certificate::tests::pem(&["a.example"]);
    format!(
        "kind: Secret\nmetadata: {{name: tls, namespace: {namespace}}}\nstringData:\n  tls.crt: |\n    {}\n  tls.key: |\n    {}\n",
        certificate.trim_end().replace('\n', "\n    "),
        key.trim_end().replace('\n', "\n    ")
    )
}

#[test]
fn a_certificate_of_another_namespace_needs_a_grant() {
    let https = "{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: tls, namespace: other}]}}";
    let secret = secret("other");
    let mut world = world(&[gateway(https), http_route("a", "a.example", &to("/", "echo")), secret]);
    let refused = ["!ResolvedRefs: RefNotPermitted", "Accepted", "!Programmed: Invalid", "!Conflicted: NoConflicts"];
    assert_eq!(world.gateway().1, [listener(1, &refused)]);
    assert!(world.entry_hosts().is_empty());
    let grant = "{kind: ReferenceGrant, metadata: {name: g, namespace: other}, spec: {from: [{group: \
                 gateway.networking.k8s.io, kind: Gateway, namespace: default}], to: [{group: '', kind: Secret}]}}";
    assert_eq!(touched(&world.apply(grant)), ["* HTTPS", "a.example HTTPS"]);
    let tls = world.entry_hosts().into_values().map(|host| host.tls.map_or(0, |tls| tls.certificates.len()));
    assert_eq!(tls.collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_reference_that_leads_nowhere_keeps_its_share() {
    let refs = "{backendRefs: [{name: echo, port: 80, weight: 3}, {name: none, port: 80}]}";
    let world = world(&[gateway(HTTP), http_route("a", "a.example", refs)]);
    assert_eq!(world.parents("a"), [["Accepted", "!ResolvedRefs: BackendNotFound"]]);
    let hosts = world.entry_hosts();
    let host = &hosts[&(EntryPoint::Http, HostName::Exact("a.example".into()))];
    let Action::Forward(backends) = &host.routes[0].action else { panic!("it forwards") };
    let shares: Vec<_> = backends.iter().map(|backend| (backend.weight, backend.backend.to_string())).collect();
    assert_eq!(shares, [(3, "default/echo:80".to_owned()), (1, "nowhere".to_owned())]);
}

#[test]
fn a_rule_that_cannot_be_read_costs_no_other() {
    let rules =
        format!("{}, {{filters: [{{type: Teleport}}], backendRefs: [{{name: echo, port: 80}}]}}", to("/a", "echo"));
    let mut world = world(&[gateway(HTTP), http_route("a", "", &rules)]);
    assert_eq!(world.parents("a"), [["Accepted", "ResolvedRefs", "PartiallyInvalid"]]);
    world.apply(&http_route("a", "", "{filters: [{type: Teleport}]}"));
    assert_eq!(world.parents("a"), [["!Accepted: UnsupportedValue", "ResolvedRefs"]]);
    assert_eq!(world.gateway().1[0].0, 0, "only accepted routes count");
}

#[test]
fn what_a_rule_asks_for_is_judged() {
    let (sound, unsupported) = (["Accepted", "ResolvedRefs"], ["!Accepted: UnsupportedValue", "ResolvedRefs"]);
    for (asked, conditions, told) in [
        ("timeouts: {request: 1d}", unsupported, Some("spec.rules[0].timeouts.request: \"1d\" is not a duration")),
        ("retry: {attempts: -1}", unsupported, Some("spec.rules[0].retry.attempts: \"-1\" is not a number")),
        ("retry: {codes: [501]}", sound, Some("spec.rules[0].retry.codes[0]: \"501\" is not retried")),
        (
            "filters: [{type: CORS, cors: {allowOrigins: [a]}}]",
            unsupported,
            Some("spec.rules[0].filters[0].cors.allowOrigins[0]: \"a\" is not an origin"),
        ),
        (
            "filters: [{type: CORS, cors: {exposeHeaders: ['*'], allowCredentials: true}}]",
            sound,
            Some("spec.rules[0].filters[0].cors.exposeHeaders: \"*\" has no effect"),
        ),
        (
            "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: none, port: 80}}}]",
            ["Accepted", "!ResolvedRefs: BackendNotFound"],
            Some("spec.rules[0].filters[0].requestMirror.backendRef.name: \"none\" names Service default/none"),
        ),
        ("filters: [{type: RequestMirror, requestMirror: {backendRef: {name: echo, port: 80}}}]", sound, None),
        (
            "filters: [{type: ExternalAuth, externalAuth: {protocol: HTTP, backendRef: {name: none, port: 80}}}]",
            ["Accepted", "!ResolvedRefs: BackendNotFound"],
            Some("spec.rules[0].filters[0].externalAuth.backendRef.name: \"none\" names Service default/none"),
        ),
        (
            "filters: [{type: ExternalAuth, externalAuth: {protocol: HTTP, backendRef: {name: echo, port: 80}, http: {path: a}}}]",
            unsupported,
            Some("spec.rules[0].filters[0].externalAuth.http.path: \"a\" is not a path"),
        ),
        (
            "filters: [{type: ExternalAuth, externalAuth: {protocol: HTTP, backendRef: {name: echo, port: 80}}}]",
            sound,
            None,
        ),
    ] {
        let rule = format!("{{{asked}, backendRefs: [{{name: echo, port: 80}}]}}");
        let world = world(&[gateway(HTTP), http_route("a", "", &rule)]);
        assert_eq!(world.parents("a"), [conditions], "{asked}");
        let said = [world.said(Severity::Error), world.said(Severity::Warning)].concat();
        assert_eq!(said.len(), usize::from(told.is_some()), "{said:#?}");
        assert!(told.is_none_or(|told| said[0].contains(told)), "{said:#?}");
    }
}

#[test]
fn a_change_touches_the_hosts_that_it_concerns() {
    let mut world = world(&[
        gateway(HTTP),
        http_route("a", "a.example", &to("/", "echo")),
        http_route("b", "b.other", &to("/", "echo")),
        http_route("w", "'*.example'", &to("/w", "echo")),
    ]);
    assert_eq!(world.entry_hosts().len(), 4);
    assert_eq!(touched(&world.apply(&http_route("a", "a.example", &to("/x", "echo")))), ["a.example HTTP"]);
    let wild = world.apply(&http_route("w", "'*.example'", &to("/y", "echo")));
    assert_eq!(touched(&wild), ["a.example HTTP", "**.example HTTP"]);
    assert_eq!(touched(&world.apply(&http_route("b", "c.other", &to("/", "echo")))), ["-b.other HTTP", "c.other HTTP"]);
    let update = world.apply(&service("other", "10.1.0.2"));
    assert!(update.is_empty(), "{update:?}");
    let update = world.delete(Kind::Service, "echo");
    assert_eq!(update.entry_hosts.len(), 3, "their backend leads nowhere now: {:?}", touched(&update));
    let all = world.delete(Kind::Gateway, "edge");
    assert_eq!(all.entry_hosts.len(), 4);
    assert!(world.entry_hosts().is_empty() && world.parents("a").is_empty());
}

#[test]
fn edits_lead_where_a_fresh_translation_does() {
    let gateways = [
        gateway(HTTP),
        gateway("{name: a, port: 80, protocol: HTTP, hostname: '*.example'}"),
        gateway("{name: a, port: 80, protocol: HTTP, hostname: a.example}, {name: b, port: 80, protocol: HTTP}"),
    ];
    let routes = ["", "a.example", "'*.example'", "'*.a.example', b.example"].map(|hosts| {
        ["echo", "none"].map(|service| http_route("r", hosts, &format!("{}, {}", to("/", service), to("/r", "echo"))))
    });
    let ingresses = ["a.example", "b.example"]
        .map(|host| ingress("i", "", &format!("{{rules: [{}]}}", rule(host, &[("/i", "Prefix", "echo")]))));
    let mut edited = world(&[http_route("s", "", &to("/s", "echo"))]);
    for gateway in &gateways {
        edited.apply(gateway);
        for (at, route) in routes.iter().flatten().enumerate() {
            edited.apply(route);
            edited.apply(&ingresses[at % 2]);
            let fresh = world(&[
                http_route("s", "", &to("/s", "echo")),
                gateway.clone(),
                route.clone(),
                ingresses[at % 2].clone(),
            ]);
            // Each edit is the first document of its file, and a fresh world has one file.
            let names = |world: &World| {
                let hosts = world.entry_hosts().into_iter();
                hosts.map(|(place, host)| (place, paths(&host))).collect::<Vec<_>>()
            };
            assert_eq!(names(&edited), names(&fresh), "{gateway} {route}");
            assert_eq!((edited.gateway(), edited.parents("r")), (fresh.gateway(), fresh.parents("r")));
        }
    }
}

/// The paths of a host with where they lead, those of less specific names behind a bar.
fn paths(host: &VirtualHost) -> String {
    let tiers = std::iter::once(&host.routes).chain(&host.less_specific).map(|routes| {
        let mut paths: Vec<_> =
            routes.iter().map(|route| format!("{} {:?}", route.matches.path.value, route.action)).collect();
        paths.sort();
        paths.join(", ")
    });
    tiers.collect::<Vec<_>>().join(" | ")
}

#[test]
fn a_namespace_has_only_the_hosts_that_it_owns() {
    let settings = ControllerSettings { host_owners: "default/owners".parse().ok(), ..ControllerSettings::default() };
    let owners = "{kind: ConfigMap, metadata: {name: owners}, data: {default: '*.mine.example'}}".to_owned();
    let route = http_route("a", "a.mine.example, a.other.example, '*.other.example'", &to("/", "echo"));
    let any = http_route("b", "", &to("/", "echo"));
    let parts = [CLASS.to_owned(), service("echo", "10.1.0.1"), gateway(HTTP), owners, route, any];
    let world = World::with(settings, &documents(&parts));
    let names: Vec<_> =
        world.entry_hosts().into_iter().map(|((_, name), host)| (name.to_string(), host.routes.len())).collect();
    assert_eq!(names, [("*".to_owned(), 0), ("a.mine.example".to_owned(), 1)]);
    assert_eq!(world.parents("b"), [["!Accepted: NotAllowedByListeners", "ResolvedRefs"]]);
    let said = world.said(Severity::Error);
    for host in ["a.other.example", "*.other.example"] {
        let expected = format!("{host:?} is not a host of its namespace");
        assert!(said.iter().any(|said| said.contains(&expected)), "{said:#?}");
    }
}

/// Thousands of HTTPRoutes ask for the same few, and the table compiles each `Arc` once.
#[test]
fn equal_policies_are_shared() {
    let rules = |path: &str, value: &str| {
        let filter =
            format!("{{type: RequestHeaderModifier, requestHeaderModifier: {{set: [{{name: X, value: {value}}}]}}}}");
        format!(
            "{}, {{matches: [{{path: {{value: {path}}}}}], filters: [{filter}], backendRefs: [{{name: echo, port: 80}}]}}",
            to("/", "echo")
        )
    };
    let world = world(&[
        gateway(HTTP),
        http_route("a", "a.example", &rules("/a", "same")),
        http_route("b", "b.example", &rules("/b", "same")),
        http_route("c", "c.example", &rules("/c", "other")),
        http_route("w", "'*.example'", &rules("/w", "same")),
    ]);
    let hosts = world.entry_hosts();
    let host = |name: &str| &hosts[&(EntryPoint::Http, HostName::Exact(name.into()))];
    let policies = |name: &str, path: &str| {
        let routes = host(name).routes.iter().chain(host(name).less_specific.iter().flatten());
        let mut of_path = routes.filter(|route| *route.matches.path.value == *path).map(|route| &route.policies);
        Arc::clone(of_path.next_back().expect("a route of this path"))
    };
    let is_one = |a: (&str, &str), b: (&str, &str)| Arc::ptr_eq(&policies(a.0, a.1), &policies(b.0, b.1));
    assert!(is_one(("a.example", "/a"), ("b.example", "/b")), "with filters");
    assert!(is_one(("a.example", "/a"), ("b.example", "/w")), "of a less specific name");
    assert!(is_one(("a.example", "/"), ("c.example", "/")), "without filters");
    assert!(!is_one(("a.example", "/a"), ("c.example", "/c")), "other ones");
    assert!(Arc::ptr_eq(&host("a.example").policies, &host("b.example").policies), "of hosts");
}
