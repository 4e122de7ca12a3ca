//! What is told of TLS to backends and of certificates of clients, and what a change of these touches.

use super::*;
use crate::certificate::tests::pem;
use gateway::config::ClientCertificates;
use serde_json::json;

/// A policy for a Service, or for one port of it, with this validation.
fn policy(name: &str, service: &str, port: Option<&str>, validation: &str) -> String {
    let section = port.map(|port| format!(", sectionName: {port}")).unwrap_or_default();
    format!(
        "{{kind: BackendTLSPolicy, metadata: {{name: {name}}}, spec: {{targetRefs: [{{group: '', kind: Service, name: \
         {service}{section}}}], validation: {{hostname: shop.example, {validation}}}}}}}"
    )
}

const SYSTEM: &str = "wellKnownCACertificates: System";

/// References to ConfigMaps.
fn authorities(names: &[&str]) -> String {
    let references: Vec<_> = names.iter().map(|name| format!("{{group: '', kind: ConfigMap, name: {name}}}")).collect();
    format!("caCertificateRefs: [{}]", references.join(", "))
}

fn config_map(name: &str, text: &str) -> String {
    json!({"kind": "ConfigMap", "metadata": {"name": name}, "data": {"ca.crt": text}}).to_string()
}

impl World {
    fn ancestors(&self, name: &str) -> Vec<(String, Vec<String>)> {
        self.ancestors_of(Kind::BackendTlsPolicy, name)
    }
}

/// As in the API's own example; of other ports and protocols nothing is told.
#[test]
fn listeners_for_https_with_hosts_in_common_are_told() {
    let with_tls = |name: &str, port: u16, protocol: &str, host: &str| {
        format!(
            "{{name: {name}, port: {port}, protocol: {protocol}, hostname: '{host}', tls: {{certificateRefs: [{{name: tls}}]}}}}"
        )
    };
    let mut listeners = vec![
        with_tls("a", 443, "HTTPS", "foo.example.com"),
        with_tls("b", 443, "HTTPS", "foo.example.org"),
        with_tls("c", 443, "HTTPS", "*.example.com"),
        with_tls("d", 8443, "HTTPS", "foo.example.com"),
        with_tls("e", 443, "TLS", "bar.example.org"),
        "{name: f, port: 80, protocol: HTTP, hostname: foo.example.com}".to_owned(),
    ];
    let mut world = world(&[secret("default"), gateway(&listeners.join(", "))]);
    let told = |world: &World| match world.parts(Kind::Gateway, "edge") {
        Some(StatusParts::Gateway { listeners, .. }) => listeners
            .iter()
            .flat_map(|listener| listener.conditions.iter().map(|condition| (listener.name.clone(), condition)))
            .filter(|(_, condition)| condition.kind == "OverlappingTLSConfig" && condition.holds)
            .map(|(name, condition)| format!("{name} {}: {}", condition.reason, condition.message))
            .collect::<Vec<_>>(),
        other => panic!("no status: {other:?}"),
    };
    let of = |name: &str, other: &str| {
        format!(
            "{name} OverlappingHostnames: its hostname overlaps with that of listener {other}: requests for one that come on a \
             connection for the other are answered with 421"
        )
    };
    assert_eq!(told(&world), [of("a", "c"), of("c", "a")]);
    listeners[1] = with_tls("b", 443, "HTTPS", "");
    world.apply(&gateway(&listeners.join(", ")));
    assert_eq!(told(&world), [of("a", "b"), of("b", "a"), of("c", "a")]);
    listeners[1] = with_tls("b", 443, "HTTPS", "foo.example.org");
    listeners.remove(2);
    world.apply(&gateway(&listeners.join(", ")));
    assert_eq!(told(&world), [""; 0]);
}

#[test]
fn a_policy_tells_each_gateway_that_sends_requests_to_its_service() {
    let (certificate, _) = pem(&["authority"]);
    let rules = [to("/a", "echo"), to("/b", "other")].join(", ");
    let mut world = world(&[
        gateway(HTTP),
        http_route("a", "", &rules),
        service("other", "10.1.0.2"),
        config_map("good", &certificate),
        config_map("bad", "none"),
        policy("used", "echo", None, &authorities(&["bad", "good"])),
        policy("second", "echo", None, SYSTEM),
        policy("broken", "other", None, &authorities(&["bad", "missing"])),
        policy("unused", "gone", None, SYSTEM),
    ]);
    assert_eq!(world.ancestors("used"), at_edge(&["Accepted", "!ResolvedRefs: InvalidCACertificateRef"]));
    assert_eq!(world.ancestors("second"), at_edge(&["!Accepted: Conflicted", "ResolvedRefs"]));
    let broken = at_edge(&["!Accepted: NoValidCACertificate", "!ResolvedRefs: InvalidCACertificateRef"]);
    assert_eq!(world.ancestors("broken"), broken);
    assert_eq!(world.ancestors("unused"), []);
    assert_eq!(world.parents("a"), [["Accepted", "ResolvedRefs"]], "its references lead somewhere");

    world.delete(Kind::BackendTlsPolicy, "used");
    assert_eq!(world.ancestors("second"), at_edge(&["Accepted", "ResolvedRefs"]));
    world.apply(&http_route("a", "", &to("/a", "echo")));
    assert_eq!(world.ancestors("broken"), []);
    world.delete(Kind::HttpRoute, "a");
    assert_eq!(world.ancestors("second"), []);
}

#[test]
fn what_cannot_be_had_is_named() {
    let world = world(&[
        gateway(HTTP),
        http_route("a", "", &to("/", "echo")),
        policy("kind", "echo", None, "caCertificateRefs: [{group: example.com, kind: Bundle, name: b}]"),
        policy("port", "echo", Some("none"), SYSTEM),
    ]);
    assert_eq!(world.ancestors("kind"), at_edge(&["!Accepted: NoValidCACertificate", "!ResolvedRefs: InvalidKind"]));
    assert_eq!(world.ancestors("port"), at_edge(&["!Accepted: TargetNotFound", "ResolvedRefs"]));
    let said = world.said(Severity::Error);
    for expected in [
        "spec.validation.caCertificateRefs[0].name: \"b\" names a Bundle, which is not supported",
        "spec.targetRefs[0].sectionName: \"none\" is not the name of a port of Service default/echo",
        "HTTPRoute default/a",
    ] {
        assert!(said.iter().any(|said| said.contains(expected)), "{expected} in {said:#?}");
    }
}

#[test]
fn a_change_of_a_policy_touches_the_hosts_of_its_service() {
    let (first, second) = (pem(&["first"]).0, pem(&["second"]).0);
    let mut world = world(&[
        gateway(HTTP),
        service("other", "10.1.0.2"),
        http_route("a", "a.example", &to("/", "echo")),
        http_route("b", "b.example", &to("/", "other")),
        config_map("authority", &first),
    ]);
    let policy = policy("p", "echo", None, &authorities(&["authority"]));
    assert_eq!(touched(&world.apply(&policy)), ["a.example HTTP"]);
    assert_eq!(touched(&world.apply(&config_map("authority", &second))), ["a.example HTTP"]);
    assert_eq!(touched(&world.apply(&config_map("authority", &second))), [""; 0]);
    assert_eq!(touched(&world.delete(Kind::ConfigMap, "authority")), ["a.example HTTP"]);
    assert_eq!(touched(&world.delete(Kind::BackendTlsPolicy, "p")), ["a.example HTTP"]);
}

#[test]
fn where_a_policy_cannot_be_had_nothing_is_sent() {
    let mut world = world(&[gateway(HTTP), http_route("a", "", &to("/", "echo"))]);
    let actions = |world: &World| -> Vec<Action> {
        let hosts = world.entry_hosts().into_values();
        hosts.flat_map(|host| host.routes).map(|route| route.action).collect()
    };
    assert!(matches!(actions(&world)[..], [Action::Forward(_)]));
    world.apply(&policy("p", "echo", None, &authorities(&["missing"])));
    assert_eq!(actions(&world), [Action::Reply(500)]);
    assert_eq!(world.parents("a"), [["Accepted", "ResolvedRefs"]], "of itself it is sound");
    world.delete(Kind::BackendTlsPolicy, "p");
    assert!(matches!(actions(&world)[..], [Action::Forward(_)]));
}

/// A Gateway with a listener of HTTPS and one of HTTP, and this TLS.
fn with_tls(tls: &str) -> String {
    format!(
        "{{kind: Gateway, metadata: {{name: edge}}, spec: {{gatewayClassName: adit, tls: {tls}, listeners: [{{name: https, \
         port: 443, protocol: HTTPS, tls: {{certificateRefs: [{{name: pair}}]}}}}, {HTTP}]}}}}"
    )
}

fn pair() -> String {
    let (certificate, key) = pem(&["pair"]);
    let data = json!({"tls.crt": certificate, "tls.key": key});
    json!({"kind": "Secret", "metadata": {"name": "pair"}, "stringData": data}).to_string()
}

#[test]
fn listeners_tell_of_the_authorities_of_clients() {
    let (certificate, _) = pem(&["authority"]);
    let of = |validation: &str| {
        let tls = format!("{{frontend: {{default: {{validation: {{{validation}}}}}}}}}");
        world(&[with_tls(&tls), pair(), config_map("good", &certificate), config_map("bad", "none")]).gateway()
    };
    let refused = |reason: &str| {
        let unresolved = format!("!ResolvedRefs: {reason}");
        listener(
            0,
            &[&unresolved, "!Accepted: NoValidCACertificate", "!Programmed: Invalid", "!Conflicted: NoConflicts"],
        )
    };
    let whole = listener(0, &["ResolvedRefs", "Accepted", "Programmed", "!Conflicted: NoConflicts"]);
    let (conditions, listeners) = of(&authorities(&["good"]));
    assert_eq!((conditions, &listeners[0]), (vec!["Accepted".to_owned(), "Programmed".to_owned()], &whole));
    let partly =
        listener(0, &["!ResolvedRefs: InvalidCACertificateRef", "Accepted", "Programmed", "!Conflicted: NoConflicts"]);
    assert_eq!(of(&authorities(&["bad", "good"])).1[0], partly);
    for (validation, reason) in [
        (authorities(&["missing"]), "InvalidCACertificateRef"),
        (authorities(&["bad"]), "InvalidCACertificateRef"),
        ("caCertificateRefs: [{group: '', kind: Service, name: echo}]".to_owned(), "InvalidCACertificateKind"),
        ("caCertificateRefs: [{group: '', kind: ConfigMap, name: a, namespace: b}]".to_owned(), "RefNotPermitted"),
    ] {
        let (_, listeners) = of(&validation);
        assert_eq!(listeners, [refused(reason), whole.clone()], "{validation}");
    }
    let (conditions, listeners) = of(&format!("mode: AllowInsecureFallback, {}", authorities(&["good"])));
    assert_eq!(conditions, ["Accepted", "Programmed", "InsecureFrontendValidationMode"]);
    assert_eq!(listeners[0], whole);
}

#[test]
fn a_gateway_tells_of_the_certificate_for_backends() {
    let of = |reference: &str| {
        let tls = format!("{{backend: {{clientCertificateRef: {{{reference}}}}}}}");
        let data = "{kind: Secret, metadata: {name: empty}, data: {}}".to_owned();
        world(&[with_tls(&tls), pair(), data]).gateway().0.pop()
    };
    for (reference, expected) in [
        ("group: '', kind: Secret, name: pair", "ResolvedRefs"),
        ("name: missing", "!ResolvedRefs: InvalidClientCertificateRef"),
        ("name: empty", "!ResolvedRefs: InvalidClientCertificateRef"),
        ("group: example.com, kind: Secret, name: pair", "!ResolvedRefs: InvalidClientCertificateRef"),
        ("kind: Other, name: pair", "!ResolvedRefs: InvalidClientCertificateRef"),
        ("name: pair, namespace: other", "!ResolvedRefs: RefNotPermitted"),
    ] {
        assert_eq!(of(reference).as_deref(), Some(expected), "{reference}");
    }
}

#[test]
fn of_an_ingress_and_a_gateway_the_stricter_one_decides_about_clients() {
    let (certificate, _) = pem(&["authority"]);
    let ca = json!({"kind": "Secret", "metadata": {"name": "ca"}, "stringData": {"ca.crt": certificate}}).to_string();
    let decides = |of_ingress: &str, mode: &str| {
        let validation = format!("mode: {mode}, {}", authorities(&["good"]));
        let gateway = with_tls(&format!("{{frontend: {{default: {{validation: {{{validation}}}}}}}}}"));
        let annotations = format!("auth-tls-secret: default/ca, auth-tls-verify-client: '{of_ingress}'");
        let ingress = ingress("i", &annotations, &format!("{{rules: [{}]}}", rule("h", &[("/i", "Prefix", "echo")])));
        let route = http_route("a", "h", &to("/", "echo"));
        let good = config_map("good", &certificate);
        let world = world(&[gateway, pair(), good, ca.clone(), ingress, route]);
        let hosts = world.entry_hosts();
        let of = |entry: EntryPoint| match &hosts[&(entry, HostName::Exact("h".into()))].policies.client_certificates {
            Some(ClientCertificates::Verified(verification)) => verification.origin.object.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(of(EntryPoint::Http), "Ingress default/i", "a Gateway asks over HTTPS alone");
        of(EntryPoint::Https)
    };
    assert_eq!(decides("on", "AllowValidOnly"), "Ingress default/i");
    assert_eq!(decides("on", "AllowInsecureFallback"), "Ingress default/i");
    assert_eq!(decides("optional", "AllowValidOnly"), "Gateway default/edge");
    assert_eq!(decides("optional", "AllowInsecureFallback"), "Ingress default/i");
}
