//! The ConfigMap and the flags.

use super::*;
use crate::configmap::Key;
use gateway::config::{AccessLog, Escape, GatewaySettings, StreamSettings, Template};
use std::time::Duration;

fn config(data: &str) -> String {
    format!("{{kind: ConfigMap, metadata: {{name: adit, namespace: adit}}, data: {{{data}}}}}")
}

fn settings(world: &World) -> &GatewaySettings {
    world.translator.settings().expect("a first translation")
}

#[test]
fn keys_become_settings() {
    let world = World::of(&config(
        "keep-alive: '15', large-client-header-buffers: 2 16k, proxy-real-ip-cidr: '10.0.0.0/8,192.0.2.1', use-forwarded-headers: \
         'true', hide-headers: 'X-A, X-B', server-tokens: 'true', client-header-timeout: 5s, worker-processes: '2', \
         log-format-upstream: '$status $host', log-format-escape-json: 'true', forwarded-for-header: X-Client",
    ));
    let settings = settings(&world);
    assert_eq!(settings.client.keep_alive, Duration::from_secs(15));
    assert_eq!((settings.client.large_header_buffers, settings.client.large_header_size), (2, 16 << 10));
    assert_eq!(settings.client.header_timeout, Duration::from_secs(5));
    let trusted: Vec<_> = settings.forwarded.trusted.iter().map(ToString::to_string).collect();
    assert_eq!(trusted, ["10.0.0.0/8", "192.0.2.1/32"]);
    assert_eq!(&*settings.forwarded.header, "x-client");
    assert_eq!(*settings.hide_headers, ["x-a".into(), "x-b".into()]);
    assert_eq!(settings.worker_processes, Some(2));
    assert!(settings.server_tokens && settings.forwarded.trust_headers);
    let format = Template::parse("$status $host").expect("a template");
    assert_eq!(settings.access_log, AccessLog { format, escape: Escape::Json, ..AccessLog::default() });
    assert_eq!(world.translator.diagnostics().count(), 0);
}

#[test]
fn replicas_share_limits_as_their_service_has_ready_endpoints() {
    let endpoints = |ready: &[bool]| {
        let endpoint = |(number, ready): (usize, &bool)| {
            let (address, condition) = (format!("10.0.0.{number}"), format!("conditions: {{ready: {ready}}}"));
            format!("{{addresses: [{address}], {condition}, targetRef: {{kind: Pod, name: adit-{number}}}}}")
        };
        let endpoints: Vec<_> = ready.iter().enumerate().map(endpoint).collect();
        ["a", "b"].map(|name| {
            format!(
                "{{kind: EndpointSlice, metadata: {{name: {name}, namespace: adit, labels: {{kubernetes.io/service-name: \
                 adit}}}}, addressType: IPv4, ports: [{{port: 80}}], endpoints: [{}]}}",
                endpoints.join(", ")
            )
        })
    };
    let shared = config("limit-replicas: share");
    let replicas = |world: &World| settings(world).limits.replicas.get();
    let flags = || ControllerSettings { published_service: "adit/adit".parse().ok(), ..ControllerSettings::default() };
    let mut world = World::with(flags(), &documents(std::slice::from_ref(&shared)));
    assert_eq!(replicas(&world), 1);
    assert!(world.said(Severity::Warning).iter().any(|said| said.contains("limit-replicas")));
    let update = world.apply(&documents(&endpoints(&[true, true, false])));
    assert_eq!((replicas(&world), update.settings.is_some(), update.hosts.len()), (2, true, 0));
    assert_eq!(world.said(Severity::Warning).len(), 0);
    world.apply(&documents(&endpoints(&[true, true, true])));
    assert_eq!(replicas(&world), 3);
    world.apply(&config("limit-replicas: each"));
    assert_eq!(replicas(&world), 1);

    let without = World::of(&documents(&[shared, endpoints(&[true])[0].clone()]));
    assert_eq!(replicas(&without), 1);
    assert!(without.said(Severity::Warning).iter().any(|said| said.contains("--publish-service")));
}

#[test]
fn keys_of_tcp_and_udp_services_become_settings() {
    let world = World::of(&config(
        "proxy-stream-timeout: 5m, proxy-stream-next-upstream: 'false', proxy-stream-next-upstream-tries: '0', \
         proxy-stream-next-upstream-timeout: '7', proxy-stream-responses: '2', log-format-stream: '$status $protocol', \
         log-format-escape-json: 'true', disable-stream-access-log: 'true'",
    ));
    let log = AccessLog {
        enabled: false,
        format: Template::parse("$status $protocol").expect("a template"),
        // As ingress-nginx, which sets no escape for streams.
        escape: Escape::Default,
        ..AccessLog::default()
    };
    let expected = StreamSettings {
        timeout: Duration::from_secs(300),
        next_upstream: false,
        next_upstream_tries: 0,
        next_upstream_timeout: Duration::from_secs(7),
        responses: 2,
        log,
    };
    assert_eq!(settings(&world).streams, expected);
    assert!(settings(&world).access_log.enabled);
    let world = World::of(&config("disable-access-log: 'true'"));
    assert!(!settings(&world).streams.log.enabled && !settings(&world).access_log.enabled);
}

#[test]
fn what_cannot_be_parsed_leaves_the_default() {
    let world = World::of(&config(
        "keep-alive: soon, log-format-upstream: '${host', proxy-body-size: much, http-redirect-code: '303', add-headers: ns/none",
    ));
    let defaults = GatewaySettings::default();
    assert_eq!(*settings(&world), defaults);
    assert_eq!(world.said(Severity::Error).len(), 5, "{:?}", world.said(Severity::Error));
}

#[test]
fn an_empty_boolean_is_false() {
    let world = World::of(&config("hsts: '', use-http2: ' ', enable-brotli: '', gzip-level: ''"));
    assert!(settings(&world).hsts.is_none() && !settings(&world).http2.enabled);
    let said = world.said(Severity::Error);
    assert!(matches!(&*said, [said] if said.contains("data.gzip-level")), "{said:?}");
}

#[test]
fn variables_that_adit_does_not_have_are_absent_from_logs() {
    let world = World::of(&config(
        "log-format-upstream: '$host $nope $mine', http-snippet: 'map $host $mine { default a; }', log-format-stream: $pid",
    ));
    let said = world.said(Severity::Warning);
    let of = |key: &str, name: &str| said.iter().filter(|said| said.contains(key) && said.contains(name)).count();
    assert_eq!(
        (of("data.log-format-upstream", "$nope"), of("data.log-format-stream", "$pid"), of("", "$mine")),
        (1, 1, 0)
    );
    assert_eq!(settings(&world).access_log.format.0.len(), 5);
}

#[test]
fn no_bound_on_connections_is_none() {
    let world = World::of(&config("max-worker-connections: '0'"));
    assert_eq!(settings(&world).connections.per_worker.get(), usize::MAX);
}

#[test]
fn an_invalid_network_is_not_everybody() {
    let world = World::of(&config("use-forwarded-headers: 'true', proxy-real-ip-cidr: 10.0.0.0/99"));
    assert!(settings(&world).forwarded.trusted.is_empty());
    assert_eq!(world.said(Severity::Error).len(), 1);
    let world = World::of(&config("use-forwarded-headers: 'true'"));
    assert_eq!(world.said(Severity::Warning).len(), 1, "everybody is trusted");
}

#[test]
fn headers_come_from_config_maps() {
    let mut world = World::of(&documents(&[
        config("add-headers: default/add, proxy-set-headers: default/set"),
        "{kind: ConfigMap, metadata: {name: add}, data: {X-First: 'Prepare for trouble!', 'bad name': x}}".into(),
        "{kind: ConfigMap, metadata: {name: set}, data: {X-A: '1', X-Host: $host, X-Bad: $nope}}".into(),
    ]));
    let first = |settings: &GatewaySettings| settings.add_headers[0].1.literal().map(str::to_owned);
    assert_eq!(first(settings(&world)).as_deref(), Some("Prepare for trouble!"), "H26");
    assert_eq!(settings(&world).add_headers.len(), 1);
    let names: Vec<_> = settings(&world).set_headers.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["x-a", "x-host"], "H25");
    assert_eq!(world.said(Severity::Error).len(), 2);
    let update = world.apply("{kind: ConfigMap, metadata: {name: add}, data: {X-First: other}}");
    assert_eq!(update.settings.and_then(|settings| first(&settings)).as_deref(), Some("other"));
}

#[test]
fn every_key_is_served_refused_or_reported() {
    for key in Key::all() {
        let world = World::of(&config(&format!("{}: \"a\\u0001unlikely\"", key.name)));
        let said = world.translator.diagnostics().filter(|diagnostic| diagnostic.field.contains(key.name)).count();
        let free = [
            "annotation-value-word-blocklist",
            "block-referers",
            "block-user-agents",
            "gzip-disable",
            "log-format-stream",
            "log-format-upstream",
            "skip-access-log-urls",
        ]
        .contains(&key.name);
        assert!(said > 0 || free, "{} takes anything without a word", key.name);
        let is_list = ["block-cidrs", "denylist-source-range", "whitelist-source-range"].contains(&key.name);
        let is_auth = key.name.starts_with("global-auth-") && key.name != "global-auth-signin";
        let is_snippet = ["http-snippet", "location-snippet", "main-snippet", "server-snippet", "stream-snippet"]
            .contains(&key.name);
        let is_waf = ["enable-modsecurity", "enable-owasp-modsecurity-crs", "modsecurity-snippet"].contains(&key.name);
        let denies = is_list || is_auth || is_snippet || is_waf;
        assert_eq!(settings(&world).denied.is_some(), denies, "{}", key.name);
    }
}

#[test]
fn defaults_of_unsupported_keys_need_nothing() {
    for key in Key::all().filter(|key| !key.support.is_applied()) {
        let world = World::of(&config(&format!("{}: '{}'", key.name, key.facets.default)));
        assert_eq!(world.translator.diagnostics().count(), 0, "{}: {}", key.name, key.facets.default);
        assert_eq!(settings(&world).denied, None, "{}", key.name);
    }
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    for key in Key::all().filter(|key| !key.facets.default.is_empty()) {
        let world = World::of(&config(&format!("{}: '{}'", key.name, key.facets.default)));
        assert_eq!(*settings(&world), GatewaySettings::default(), "{}: {}", key.name, key.facets.default);
    }
}

#[test]
fn unknown_keys_are_errors() {
    let world = World::of(&config("proxy-bodysize: 1m"));
    assert!(world.said(Severity::Error)[0].contains("\"proxy-body-size\""));
}

#[test]
fn defaults_of_routes_are_live() {
    let ingress = ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/", "Prefix", "a")])));
    let mut world = World::of(&documents(&[ingress, config("proxy-body-size: 2m")]));
    assert_eq!(world.route("h", "/").policies.body_limit, Some(2 << 20));
    world.apply(&config("proxy-body-size: '0', path-matching: strict"));
    assert_eq!(world.route("h", "/").policies.body_limit, None);
    let update = world.apply(&config("proxy-body-size: '0', path-matching: strict, keep-alive: '9'"));
    assert!(update.hosts.is_empty() && update.settings.is_some(), "settings of the gateway touch no host");
}

#[test]
fn what_is_read_at_the_start_warns_when_it_changes() {
    let mut world = World::of(&config("worker-processes: '2'"));
    assert_eq!(world.said(Severity::Warning).len(), 0);
    world.apply(&config("worker-processes: '3'"));
    assert!(world.said(Severity::Warning)[0].contains("restart"));
    world.apply(&config("worker-processes: '2'"));
    assert_eq!(world.said(Severity::Warning).len(), 0);
}

#[test]
fn the_default_backend_service_is_followed() {
    let flag = ControllerSettings {
        default_backend_service: Some("default/errors".parse().expect("a name")),
        ..ControllerSettings::default()
    };
    let mut world = World::with(flag, "{kind: ConfigMap, metadata: {name: other}}");
    assert!(world.said(Severity::Error)[0].contains("--default-backend-service"));
    let update = world.apply(&service("errors", "10.1.0.1"));
    let id = settings(&world).default_backend.clone().expect("a default backend");
    assert_eq!(update.backends.len(), 1);
    world.delete(Kind::Service, "errors");
    assert_eq!(settings(&world).default_backend, None);
    assert!(world.translator.backend(&id).is_none());
}

#[test]
fn a_blocked_word_drops_its_ingress() {
    let bad = ingress("one", "connection-proxy-header: close", &format!("{{rules: [{}]}}", rule("h", &[])));
    let world = World::of(&documents(&[config("annotation-value-word-blocklist: 'x,clo'"), bad]));
    assert!(world.host("h").is_none(), "V14");
}

#[test]
fn a_wrong_value_leaves_the_last_good_one() {
    let ingress = ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/", "Prefix", "a")])));
    let mut world = World::of(&documents(&[ingress, config("proxy-body-size: 8m, keep-alive: '9'")]));
    for wrong in ["5x", "much"] {
        world.apply(&config(&format!("proxy-body-size: {wrong}, keep-alive: '10'")));
        assert_eq!(world.route("h", "/").policies.body_limit, Some(8 << 20));
        assert_eq!(settings(&world).client.keep_alive, Duration::from_secs(10), "the others change");
        let said = world.said(Severity::Error).concat();
        assert!(said.contains(wrong) && said.contains("the last valid value, \"8m\", stays in effect"), "{said}");
    }
    world.apply(&config("proxy-body-size: 3m"));
    assert_eq!(world.route("h", "/").policies.body_limit, Some(3 << 20));
    assert!(!world.said(Severity::Error).concat().contains("proxy-body-size"));
    world.apply(&config("keep-alive: '10'"));
    world.apply(&config("proxy-body-size: 5x"));
    assert_eq!(world.route("h", "/").policies.body_limit, Some(1 << 20), "what is taken away is forgotten");
}

#[test]
fn what_a_deleted_configmap_has_said_stays() {
    let ingress = ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/", "Prefix", "a")])));
    let said = "whitelist-source-range: 10.0.0.0/8, server-snippet: 'deny 10.1.0.0/16;', proxy-body-size: 8m, \
                add-headers: adit/headers";
    let headers = |value: &str| {
        format!("{{kind: ConfigMap, metadata: {{name: headers, namespace: adit}}, data: {{X-A: {value}}}}}")
    };
    let mut world = World::of(&documents(&[ingress, config(said), headers("'1'")]));
    world.apply(&config(&format!("{said}, keep-alive: much")));
    let (before, host) = (world.translator.settings().cloned(), world.host("h").cloned());
    let update = world.delete_in("adit", Kind::ConfigMap, "adit");
    assert!(update.settings.is_none() && update.hosts.is_empty());
    assert!(world.apply(&headers("'2'")).settings.is_some(), "what it names is still read");
    assert!(world.apply(&headers("'1'")).settings.is_some());
    assert_eq!((world.translator.settings(), world.host("h")), (before.as_ref(), host.as_ref()));
    let told = world.said(Severity::Warning).concat();
    assert!(told.contains("ConfigMap adit/adit: is gone: its last values stay in effect"), "{told}");

    world.apply(&config("keep-alive: '9'"));
    assert_eq!(world.route("h", "/").policies.body_limit, Some(1 << 20), "what it does not say again is forgotten");
    world.delete_in("adit", Kind::ConfigMap, "adit");
    assert_eq!(settings(&world).client.keep_alive, Duration::from_secs(9));
    assert_eq!(
        settings(&World::of("{kind: Namespace, metadata: {name: a}}")).client.keep_alive,
        Duration::from_secs(75)
    );
}

#[test]
fn protection_stays_as_it_was_and_new_protection_fails_closed() {
    for (key, good, wrong) in [
        ("whitelist-source-range", "10.0.0.0/8", "10.0.0.0/8 192.0.2.1"),
        ("block-user-agents", "curl", "~*(bot"),
        ("global-auth-url", "http://auth.example/", "nowhere"),
        ("enable-modsecurity", "'true'", "ture"),
        ("modsecurity-snippet", "SecRuleEngine On", "SecNonsense"),
        ("server-snippet", "'deny all;'", "'nonsense;'"),
    ] {
        let mut world = World::of(&config(&format!("{key}: {good}")));
        let before = world.translator.settings().cloned();
        assert!(before.as_ref().is_some_and(|settings| settings.denied.is_none()), "{key}");
        let update = world.apply(&config(&format!("{key}: {wrong}")));
        assert_eq!(world.translator.settings().cloned(), before, "{key}");
        assert!(update.hosts.is_empty(), "{key}");
        let said = world.said(Severity::Error).concat();
        assert!(said.contains(key) && said.contains("stays in effect"), "{key}: {said}");
        world.apply(&config(&format!("{key}: {wrong}, keep-alive: '9'")));
        assert_eq!(settings(&world).denied, None, "{key}, still");

        world.apply(&config("keep-alive: '9'"));
        world.apply(&config(&format!("{key}: {wrong}")));
        assert!(settings(&world).denied.is_some(), "{key}: nothing protects");
    }
    let mut world = World::of(&config("enable-modsecurity: 'false'"));
    world.apply(&config("enable-modsecurity: ture"));
    assert!(settings(&world).denied.is_some(), "what is valid and protects nothing is no protection");
}

#[test]
fn a_snippet_falls_back_with_those_that_it_shares_with() {
    let zone = |name: &str| format!("'limit_req_zone $binary_remote_addr zone={name}:1m rate=1r/s;'");
    let with =
        |zone: &str, limit: &str| config(&format!("http-snippet: {zone}, location-snippet: 'limit_req zone={limit};'"));
    let mut world = World::of(&with(&zone("a"), "a"));
    let denies = |world: &World| settings(world).denied.is_some();
    assert!(!denies(&world));
    world.apply(&with(&zone("b"), "b"));
    world.apply(&with("'nonsense;'", "b"));
    assert!(!denies(&world), "the zone is that of the former snippet");
    world.apply(&with("'nonsense;'", "c"));
    assert!(!denies(&world), "both are the former ones");
    world.apply(&with(&zone("c"), "c"));
    assert_eq!((denies(&world), world.said(Severity::Error).len()), (false, 0));
}

#[test]
fn trust_is_not_lost_by_a_wrong_entry() {
    let trusting = |cidrs: &str| config(&format!("use-forwarded-headers: 'true', proxy-real-ip-cidr: '{cidrs}'"));
    let mut world = World::of(&trusting("10.0.0.0/8"));
    world.apply(&trusting("10.0.0.0/8,192.0.2/24"));
    let trusted = |world: &World| settings(world).forwarded.trusted.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(trusted(&world), ["10.0.0.0/8"]);
    world.apply(&trusting("192.0.2.0/99"));
    assert_eq!(trusted(&world), ["10.0.0.0/8"]);
    let world = World::of(&trusting("192.0.2.0/24,192.0.2.0/99"));
    assert_eq!(trusted(&world), ["192.0.2.0/24"]);
}

#[test]
fn a_risk_level_that_is_no_word_leaves_the_last_good_one_or_the_lowest() {
    let snippets = ", allow-snippet-annotations: 'true'";
    let level = |level: &str| config(&format!("annotations-risk-level: {level}{snippets}"));
    let ingress = ingress("one", "rewrite-target: /x", &format!("{{rules: [{}]}}", rule("h", &[("/", "Prefix", "a")])));
    let mut world = World::of(&documents(&[level("High"), ingress.clone()]));
    world.apply(&level("Hihg"));
    assert!(world.host("h").is_some());
    assert!(world.said(Severity::Error).concat().contains("\"High\", stays in effect"));
    let world = World::of(&documents(&[level("Hihg"), ingress]));
    assert!(world.host("h").is_none(), "its annotation has a higher risk");
    assert!(world.said(Severity::Error).concat().contains("Low is used instead"));
}

#[test]
fn bodies_that_no_file_can_hold_are_told() {
    let at_host = format!("{{rules: [{}]}}", rule("h", &[("/", "Prefix", "a")]));
    let of =
        |annotations: &str, data: &str| World::of(&documents(&[ingress("one", annotations, &at_host), config(data)]));
    for (annotations, data, subject, size) in [
        (
            "proxy-body-size: 5g",
            "",
            "Ingress default/one: metadata.annotations[nginx.ingress.kubernetes.io/proxy-body-size]",
            "1g",
        ),
        ("proxy-body-size: '0'", "max-temp-files-size: 1536m", "Ingress default/one", "1536m"),
        (
            "proxy-request-buffering: 'on'",
            "proxy-body-size: '0', proxy-request-buffering: 'off'",
            "proxy-request-buffering",
            "1g",
        ),
        ("", "proxy-body-size: 2g", "ConfigMap adit/adit: data.proxy-body-size: \"2g\"", "1g"),
        ("", "max-temp-files-size: 512k", "ConfigMap adit/adit: data.max-temp-files-size", "512k"),
    ] {
        let said = of(annotations, data).said(Severity::Warning);
        let [told] = said.as_slice() else { panic!("{annotations}, {data}: {said:?}") };
        assert!(told.contains(subject) && told.contains(&format!("may have {size} (max-temp-files-size)")), "{told}");
        assert!(told.contains("expected proxy-request-buffering: \"off\", or a larger max-temp-files-size"), "{told}");
    }
    for (annotations, data) in [
        ("proxy-body-size: 1g", ""),
        ("proxy-body-size: 5g", "max-temp-files-size: 5g"),
        ("proxy-body-size: 5g, proxy-request-buffering: 'off'", ""),
        ("proxy-body-size: 5g", "proxy-request-buffering: 'off'"),
        ("proxy-body-size: 5g, backend-protocol: GRPC", ""),
        ("proxy-body-size: 5g, permanent-redirect: 'http://x'", ""),
    ] {
        assert_eq!(of(annotations, data).said(Severity::Warning), [""; 0], "{annotations}, {data}");
    }
}
