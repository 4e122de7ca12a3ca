//! TLSRoutes: which hosts they get, and what is told of them.

use super::gateway_api::{CLASS, gateway, listener, secret};
use super::streams::shares;
use super::*;
use crate::gateway_api::StatusParts;
use serde_json::json;

/// A listener of this mode, which asks for the Secret `tls` where it ends TLS.
fn tls(name: &str, host: &str, mode: &str) -> String {
    let certificates = if mode == "Terminate" { ", certificateRefs: [{name: tls}]" } else { "" };
    let host = if host.is_empty() { String::new() } else { format!(", hostname: '{host}'") };
    format!("{{name: {name}, port: 443, protocol: TLS{host}, tls: {{mode: {mode}{certificates}}}}}")
}

/// A route to `edge`, the backends of which have this name.
fn tls_route(name: &str, hosts: &str, backends: &[&str]) -> String {
    let backends: Vec<_> = backends.iter().map(|name| format!("{{name: {name}, port: 80}}")).collect();
    format!(
        "{{kind: TLSRoute, metadata: {{name: {name}}}, spec: {{parentRefs: [{{name: edge}}], hostnames: [{hosts}], rules: \
         [{{backendRefs: [{}]}}]}}}}",
        backends.join(", ")
    )
}

fn world(parts: &[String]) -> World {
    let services = ["a", "b"].map(|name| service(name, "10.1.0.1"));
    World::of(&documents(&[&[CLASS.to_owned(), secret("default")], &services[..], parts].concat()))
}

/// The hosts at entry points, one a line: where their TLS connections go, and where TLS ends.
fn hosts(world: &World) -> Vec<String> {
    let hosts = world.entry_hosts().into_iter().map(|((entry, name), host)| match &host.tls_route {
        Some(route) => {
            let ends = if route.terminates { "ends here" } else { "passes" };
            format!("{name} {entry} {ends}: {}", shares(&route.backends)).trim_end().to_owned()
        }
        None => format!("{name} {entry}"),
    });
    hosts.collect()
}

/// As for Ingresses with `ssl-passthrough`.
#[test]
fn the_config_map_says_how_long_connecting_may_take() {
    let config_map = |seconds: u32| {
        format!(
            "{{kind: ConfigMap, metadata: {{name: adit, namespace: adit}}, data: {{proxy-connect-timeout: '{seconds}'}}}}"
        )
    };
    let modes =
        ["Passthrough", "Terminate"].map(|mode| tls(mode, &format!("{}.example.com", mode.to_lowercase()), mode));
    let mut world = world(&[config_map(7), gateway(&modes.join(", ")), tls_route("a", "", &["a"])]);
    let timeouts = |world: &World| -> Vec<_> {
        let hosts = world.entry_hosts().into_values();
        hosts.filter_map(|host| host.tls_route).map(|route| route.connect_timeout.as_secs()).collect()
    };
    assert_eq!(timeouts(&world), [7, 7]);
    world.apply(&config_map(8));
    assert_eq!(timeouts(&world), [8, 8]);
    world.delete(Kind::TlsRoute, "a");
    assert_eq!(hosts(&world), ["passthrough.example.com HTTPS passes:", "terminate.example.com HTTPS ends here:"]);
}

const SERVED: [&str; 4] = ["ResolvedRefs", "Accepted", "Programmed", "!Conflicted: NoConflicts"];

/// As the conformance suite has it, of four Gateways.
#[test]
fn a_route_has_the_hosts_that_its_listener_has_too() {
    for (of_listener, routes, expected) in [
        ("abc.example.com", &["'*.example.com'"][..], &["abc.example.com HTTPS passes: default/a:80"][..]),
        (
            "*.example.com",
            &["abc.example.com", "'*.com'"],
            &["abc.example.com HTTPS passes: default/a:80", "**.example.com HTTPS passes: default/b:80"],
        ),
        (
            "*.com",
            &["abc.example.com", "'*.example.com'"],
            &[
                "abc.example.com HTTPS passes: default/a:80",
                "**.com HTTPS passes:",
                "**.example.com HTTPS passes: default/b:80",
            ],
        ),
        (
            "",
            &["abc.example.com", "'*.com'"],
            &["* HTTPS passes:", "abc.example.com HTTPS passes: default/a:80", "**.com HTTPS passes: default/b:80"],
        ),
    ] {
        let routes = routes.iter().zip(["a", "b"]).map(|(hosts, name)| tls_route(name, hosts, &[name]));
        let parts: Vec<_> = [gateway(&tls("t", of_listener, "Passthrough"))].into_iter().chain(routes).collect();
        let world = world(&parts);
        assert_eq!(hosts(&world), expected, "{of_listener}");
        assert_eq!(world.parents_of(Kind::TlsRoute, "a"), [["Accepted", "ResolvedRefs"]], "{of_listener}");
        assert_eq!(world.gateway_of("edge").1, [listener(parts.len() - 1, &SERVED)]);
    }
}

#[test]
fn a_route_is_told_where_it_cannot_attach() {
    let passthrough = |host: &str| gateway(&tls("t", host, "Passthrough"));
    let http = gateway("{name: h, port: 80, protocol: HTTP}");
    let https = gateway("{name: s, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: tls}]}}");
    for (gateway, reason) in [
        (passthrough("www.example.com"), "NoMatchingListenerHostname"),
        (passthrough("*.example.com"), "NoMatchingListenerHostname"),
        (http, "NotAllowedByListeners"),
        (https, "NotAllowedByListeners"),
    ] {
        let world = world(&[gateway.clone(), tls_route("a", "www.other.com, '*.other.com'", &["a"])]);
        let refused = format!("!Accepted: {reason}");
        assert_eq!(world.parents_of(Kind::TlsRoute, "a"), [[refused.as_str(), "ResolvedRefs"]], "{gateway}");
        assert!(world.gateway_of("edge").1.iter().all(|(attached, _)| *attached == 0));
    }
    let kinds = tls("t", "", "Passthrough")
        .replace("tls:", "allowedRoutes: {kinds: [{kind: TCPRoute}, {kind: TLSRoute}]}, tls:");
    let world = world(&[gateway(&kinds)]);
    let told = ["!ResolvedRefs: InvalidRouteKinds", "Accepted", "Programmed", "!Conflicted: NoConflicts"];
    assert_eq!(world.gateway_of("edge").1, [listener(0, &told)]);
    let Some(StatusParts::Gateway { listeners, .. }) = world.parts(Kind::Gateway, "edge") else { panic!("a status") };
    assert_eq!(listeners[0].supported_kinds[0].kind, "TLSRoute");
    assert_eq!(listeners[0].supported_kinds.len(), 1);
}

/// The name that a route has itself counts, and not what is left of it at the listener.
#[test]
fn the_most_specific_route_comes_first_and_then_the_oldest() {
    for (of_listener, older, younger, expected) in [
        ("abc.example.com", "'*.example.com'", "abc.example.com", "abc.example.com HTTPS passes: default/b:80"),
        ("*.example.com", "'*.com'", "'*.example.com'", "**.example.com HTTPS passes: default/b:80"),
        ("*.example.com", "'*.example.com'", "'*.com'", "**.example.com HTTPS passes: default/a:80"),
        ("*.example.com", "'*.com'", "'*.com'", "**.example.com HTTPS passes: default/a:80"),
    ] {
        let gateway = gateway(&tls("t", of_listener, "Passthrough"));
        let world = world(&[gateway, tls_route("a", older, &["a"]), tls_route("b", younger, &["b"])]);
        assert_eq!(hosts(&world), [expected], "{older} {younger}");
    }
}

#[test]
fn tls_ends_where_the_listener_says() {
    let listeners = [tls("t", "end.example", "Terminate"), tls("p", "pass.example", "Passthrough")].join(", ");
    let https = "{name: s, port: 443, protocol: HTTPS, hostname: web.example, tls: {certificateRefs: [{name: tls}]}}";
    let mut world = world(&[gateway(&format!("{listeners}, {https}")), tls_route("a", "'*.example'", &["a", "b"])]);
    let expected = [
        "end.example HTTPS ends here: default/a:80, default/b:80",
        "pass.example HTTPS passes: default/a:80, default/b:80",
        "web.example HTTPS",
    ];
    assert_eq!(hosts(&world), expected);
    let certificates: Vec<_> =
        world.entry_hosts().into_values().map(|host| host.tls.map_or(0, |tls| tls.certificates.len())).collect();
    assert_eq!(certificates, [1, 0, 1]);
    assert_eq!(world.gateway_of("edge").1, [listener(1, &SERVED), listener(1, &SERVED), listener(0, &SERVED)]);
    world.delete(Kind::Secret, "tls");
    let lacking =
        ["!ResolvedRefs: InvalidCertificateRef", "Accepted", "!Programmed: Invalid", "!Conflicted: NoConflicts"];
    assert_eq!(world.gateway_of("edge").1, [listener(1, &lacking), listener(1, &SERVED), listener(0, &lacking)]);
    assert_eq!(hosts(&world), ["pass.example HTTPS passes: default/a:80, default/b:80"]);
}

#[test]
fn one_host_is_one_listeners() {
    let twins = [tls("t", "a.example", "Terminate"), tls("p", "a.example", "Passthrough")].join(", ");
    let world = world(&[gateway(&twins)]);
    let conflicted = ["ResolvedRefs", "Conflicted", "!Accepted: HostnameConflict", "!Programmed: HostnameConflict"];
    assert_eq!(world.gateway_of("edge").1, [listener(0, &conflicted), listener(0, &conflicted)]);
    assert!(hosts(&world).is_empty());
}

/// The same Gateway with another name.
fn named(name: &str, gateway: &str) -> String {
    gateway.replace("{name: edge}", &format!("{{name: {name}}}"))
}

/// Requests and connections of one host cannot both be had, nor connections that end here and that pass.
#[test]
fn a_host_of_two_gateways_is_the_older_ones_and_the_younger_is_told() {
    let https = "{name: s, port: 443, protocol: HTTPS, hostname: a.example, tls: {certificateRefs: [{name: tls}]}}";
    let (ends, passes) = (tls("t", "a.example", "Terminate"), tls("p", "a.example", "Passthrough"));
    let to_young = || tls_route("a", "a.example", &["a"]).replace("name: edge", "name: young");
    for (older, younger, reason, whose) in [
        (https, &*passes, "ProtocolConflict", "s of Gateway default/edge, which is older and for HTTPS"),
        (
            &*passes,
            https,
            "ProtocolConflict",
            "p of Gateway default/edge, which is older and for TLS that passes through",
        ),
        (&*ends, &*passes, "HostnameConflict", "t of Gateway default/edge, which is older and for TLS that ends here"),
    ] {
        let other = tls("o", "b.example", "Passthrough");
        let mut world = world(&[gateway(older), named("young", &gateway(&format!("{younger}, {other}"))), to_young()]);
        let (accepted, programmed) = (format!("!Accepted: {reason}"), format!("!Programmed: {reason}"));
        let conflicted = ["ResolvedRefs", "Conflicted", &accepted, &programmed];
        assert_eq!(world.gateway_of("edge").1, [listener(0, &SERVED)], "{older}");
        assert_eq!(world.gateway_of("young").1, [listener(0, &conflicted), listener(0, &SERVED)], "{younger}");
        let told = format!("has the port and the hostname of listener {whose}: it is not served");
        let is_told = |world: &World| world.said(Severity::Error).iter().any(|said| said.contains(&told));
        assert!(is_told(&world), "{:?}", world.said(Severity::Error));

        world.delete(Kind::Gateway, "edge");
        assert_eq!(world.gateway_of("young").1[0].1, SERVED, "{younger}");
        assert!(!is_told(&world));
        world.apply(&gateway(older));
        assert_eq!(world.gateway_of("young").1[0].1, conflicted, "{younger}");
    }
}

#[test]
fn of_routes_with_one_host_the_younger_is_told() {
    let mut world = world(&[
        gateway(&tls("t", "*.example", "Passthrough")),
        tls_route("older", "'*.example', a.example", &["a"]),
        tls_route("younger", "'*.example', b.example", &["b"]),
    ]);
    for name in ["older", "younger"] {
        assert_eq!(world.parents_of(Kind::TlsRoute, name), [["Accepted", "ResolvedRefs"]], "{name}");
    }
    let [said] = &world.said(Severity::Error)[..] else { panic!("{:?}", world.said(Severity::Error)) };
    let expected = "TLSRoute default/younger: spec.hostnames: \"*.example\" is a host of an older route, which gets its \
                    connections (TLSRoute default/older): this one gets none";
    assert!(said.contains(expected), "{said}");
    world.delete(Kind::TlsRoute, "older");
    assert_eq!(world.said(Severity::Error), [""; 0]);
}

#[test]
fn connections_that_lead_nowhere_keep_their_share() {
    let world = world(&[
        gateway(&tls("t", "", "Passthrough")),
        tls_route("a", "a.example", &["a", "none"]),
        tls_route("b", "b.example", &["none"]),
    ]);
    let expected =
        ["* HTTPS passes:", "a.example HTTPS passes: default/a:80, nowhere", "b.example HTTPS passes: nowhere"];
    assert_eq!(hosts(&world), expected);
    assert_eq!(world.parents_of(Kind::TlsRoute, "b"), [["Accepted", "!ResolvedRefs: BackendNotFound"]]);
}

/// Whoever connects over TLS comes to the listener; what comes in cleartext stays the Ingress's.
#[test]
fn an_ingress_keeps_its_host_on_http() {
    let ingress = ingress("i", "", &format!("{{rules: [{}]}}", rule("a.example", &[("/", "Prefix", "b")])));
    let world = world(&[gateway(&tls("t", "a.example", "Passthrough")), tls_route("a", "a.example", &["a"]), ingress]);
    assert_eq!(hosts(&world), ["a.example HTTPS passes: default/a:80"]);
    assert_eq!(world.routes("a.example"), "^ / b\n");
}

/// Of what Ingresses have nothing is on such a port, and nobody is there to be shown to others.
#[test]
fn a_port_of_its_own_closes_connections_for_other_names() {
    let on_8443 = |text: String| text.replace("port: 443", "port: 8443");
    let listeners = [tls("t", "a.example", "Terminate"), tls("p", "*.b.example", "Passthrough")].join(", ");
    let mut world = world(&[gateway(&on_8443(listeners)), tls_route("a", "a.example, b.b.example", &["a"])]);
    let expected = [
        "* HTTPS port 8443 passes:",
        "a.example HTTPS port 8443 ends here: default/a:80",
        "b.b.example HTTPS port 8443 passes: default/a:80",
        "**.b.example HTTPS port 8443 passes:",
    ];
    assert_eq!(hosts(&world), expected);
    world.apply(&gateway(&on_8443(tls("t", "", "Passthrough"))));
    let everywhere = [
        "* HTTPS port 8443 passes:",
        "a.example HTTPS port 8443 passes: default/a:80",
        "b.b.example HTTPS port 8443 passes: default/a:80",
    ];
    assert_eq!(hosts(&world), everywhere);
    world.delete(Kind::Gateway, "edge");
    assert!(hosts(&world).is_empty());
}

/// Elsewhere it is the backend's to say who comes in.
#[test]
fn clients_are_asked_for_certificates_where_tls_ends_here() {
    let (authority, _) = crate::certificate::tests::pem(&["authority"]);
    let ca = json!({"kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": authority}}).to_string();
    let frontend =
        "tls: {frontend: {default: {validation: {caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}}}}";
    let listeners = [tls("t", "end.example", "Terminate"), tls("p", "pass.example", "Passthrough")].join(", ");
    let gateway = gateway(&listeners).replace("listeners:", &format!("{frontend}, listeners:"));
    let world = world(&[gateway, ca, tls_route("a", "'*.example'", &["a"])]);
    let asking = world.entry_hosts().into_iter().filter(|(_, host)| host.policies.client_certificates.is_some());
    assert_eq!(asking.map(|((_, name), _)| name.to_string()).collect::<Vec<_>>(), ["end.example"]);
}

/// What a BackendTLSPolicy wants secured is not sent in the clear; what passes as it comes is TLS already.
#[test]
fn what_comes_within_tls_goes_on_over_tls_to_a_backend_that_asks_for_it() {
    let policy = |authorities: &str| {
        format!(
            "{{kind: BackendTLSPolicy, metadata: {{name: p}}, spec: {{targetRefs: [{{group: '', kind: Service, name: a}}], \
             validation: {{hostname: a.example, {authorities}}}}}}}"
        )
    };
    let listeners = [tls("t", "end.example", "Terminate"), tls("p", "pass.example", "Passthrough")].join(", ");
    let mut world = world(&[gateway(&listeners), tls_route("a", "'*.example'", &["a", "b"])]);
    let missing = "caCertificateRefs: [{group: '', kind: ConfigMap, name: none}]";
    for (authorities, expected) in [("wellKnownCACertificates: System", "default/a:80 over TLS"), (missing, "nowhere")]
    {
        world.apply(&policy(authorities));
        let ends = format!("end.example HTTPS ends here: {expected}, default/b:80");
        assert_eq!(hosts(&world), [&*ends, "pass.example HTTPS passes: default/a:80, default/b:80"]);
        assert_eq!(world.parents_of(Kind::TlsRoute, "a"), [["Accepted", "ResolvedRefs"]]);
    }
}
