use super::*;
use crate::diagnostic::Severity;
use crate::translate::testing::apply;
use gateway::config::Balance;

fn resolved(documents: &str, port: &str, settings: &UpstreamSettings, controller: &ControllerSettings) -> Resolved {
    let mut store = Store::default();
    apply(&mut store, documents);
    let id = ServiceBackend::tcp("default", "s", port);
    resolve(&id, settings, controller, &store)
}

/// The addresses of a port of the Service `s`, and the problem with it.
fn found(documents: &str, port: &str) -> (Vec<String>, Option<Problem>) {
    let (backend, problem) = resolved(documents, port, &UpstreamSettings::default(), &ControllerSettings::default());
    match backend.endpoints {
        Endpoints::Addresses(addresses) => {
            (addresses.iter().map(|endpoint| endpoint.address.to_string()).collect(), problem)
        }
        Endpoints::Name { name, port } => (vec![format!("{name} {port}")], problem),
        Endpoints::Unchanged => (vec!["unchanged".to_owned()], problem),
    }
}

fn service(spec: &str) -> String {
    format!("{{kind: Service, metadata: {{name: s}}, spec: {spec}}}")
}

fn slice(name: &str, rest: &str) -> String {
    format!(
        "\n---\n{{kind: EndpointSlice, metadata: {{name: {name}, labels: {{kubernetes.io/service-name: s}}}}, {rest}}}"
    )
}

#[test]
fn ports_are_found_by_number_name_and_target() {
    let ports = "{ports: [{name: web, port: 80, targetPort: http}, {name: admin, port: 81, targetPort: 9000}]}";
    let objects = service(ports)
        + &slice(
            "a",
            "addressType: IPv4, endpoints: [{addresses: [10.0.0.1]}], ports: [{name: web, port: 8080}, {name: admin, port: 9000}]",
        );
    assert_eq!(found(&objects, "80"), (vec!["10.0.0.1:8080".into()], None));
    assert_eq!(found(&objects, "web").0, ["10.0.0.1:8080"]);
    assert_eq!(found(&objects, "http").0, ["10.0.0.1:8080"]);
    assert_eq!(found(&objects, "81").0, ["10.0.0.1:9000"]);
    assert_eq!(found(&objects, "9000").0, ["10.0.0.1:9000"]);
    let (none, problem) = found(&objects, "82");
    let problem = problem.expect("no such port");
    assert!(none.is_empty() && problem.part == "port", "{problem:?}");
    assert!(problem.message.contains("80 (web), 81 (admin)"), "{problem:?}");
}

#[test]
fn slices_are_joined_ordered_and_deduplicated() {
    let objects = service("{ports: [{port: 80}]}")
        + &slice(
            "a",
            "addressType: IPv4, endpoints: [{addresses: [10.0.0.2]}, {addresses: [10.0.0.1]}], ports: [{port: 80}]",
        )
        + &slice("b", "addressType: IPv4, endpoints: [{addresses: [10.0.0.1]}], ports: [{port: 80}]")
        + &slice("c", "addressType: IPv6, endpoints: [{addresses: ['fd00::1']}], ports: [{port: 80}]")
        + &slice("d", "addressType: FQDN, endpoints: [{addresses: [x.example.com]}], ports: [{port: 80}]");
    assert_eq!(found(&objects, "80").0, ["10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80"]);
}

#[test]
fn the_fittest_endpoints_are_used() {
    let with = |first: &str, second: &str, spec: &str| {
        let endpoints = format!(
            "addressType: IPv4, endpoints: [{{addresses: [10.0.0.1], conditions: {first}}}, {{addresses: [10.0.0.2], conditions: \
             {second}}}], ports: [{{port: 80}}]"
        );
        found(&(service(spec) + &slice("a", &endpoints)), "80").0
    };
    let spec = "{ports: [{port: 80}]}";
    let draining = "{ready: false, serving: true, terminating: true}";
    assert_eq!(with("{}", "{ready: true}", spec), ["10.0.0.1:80", "10.0.0.2:80"], "nil is ready");
    assert_eq!(with("{ready: true}", draining, spec), ["10.0.0.1:80"]);
    assert_eq!(with("{ready: false}", draining, spec), ["10.0.0.2:80"]);
    assert_eq!(with("{ready: false}", "{ready: false, serving: true}", spec), [""; 0], "L12");
    let unready_too = "{ports: [{port: 80}], publishNotReadyAddresses: true}";
    assert_eq!(with("{ready: false}", "{ready: true}", unready_too), ["10.0.0.1:80", "10.0.0.2:80"]);
}

#[test]
fn endpoints_serve_where_there_are_no_slices() {
    let legacy = "\n---\n{kind: Endpoints, metadata: {name: s}, subsets: [{addresses: [{ip: 11.11.11.11}, {ip: 22.22.22.22}], \
                  notReadyAddresses: [{ip: 33.33.33.33}], ports: [{port: 80}]}]}";
    let objects = service("{ports: [{port: 80}]}") + legacy;
    assert_eq!(found(&objects, "80").0, ["11.11.11.11:80", "22.22.22.22:80"], "S5a");
    let both = objects + &slice("a", "addressType: IPv4, endpoints: [{addresses: [10.0.0.1]}], ports: [{port: 80}]");
    assert_eq!(found(&both, "80").0, ["10.0.0.1:80"]);
}

#[test]
fn a_selector_whose_endpoints_are_yet_to_come_changes_nothing() {
    let (kept, problem) = found(&service("{selector: {app: a}, ports: [{port: 80}]}"), "80");
    assert_eq!(kept, ["unchanged"], "S5b, S5c");
    assert!(problem.is_some_and(|problem| problem.message.contains("yet")));
    let none_ready = slice("a", "addressType: IPv4, endpoints: [], ports: []");
    assert_eq!(found(&(service("{selector: {app: a}, ports: [{port: 80}]}") + &none_ready), "80").0, [""; 0]);
    for spec in ["{ports: [{port: 80}]}", "{selector: {}, ports: [{port: 80}]}"] {
        assert_eq!(found(&service(spec), "80").0, [""; 0], "nobody writes them for {spec}");
    }
}

#[test]
fn headless_services_need_no_ports() {
    let objects = service("{clusterIP: None}") + &slice("a", "addressType: IPv4, endpoints: [{addresses: [10.0.0.1]}]");
    assert_eq!(found(&objects, "8080").0, ["10.0.0.1:8080"], "L23");
}

#[test]
fn service_upstream_is_the_cluster_ip() {
    let upstream =
        UpstreamSettings { service_upstream: true, balance: Balance::LeastRequest, ..UpstreamSettings::default() };
    let endpoints = slice("a", "addressType: IPv4, endpoints: [{addresses: [10.0.0.1]}], ports: [{port: 8080}]");
    let of = |ip: &str| {
        let objects =
            service(&format!("{{clusterIP: {ip}, ports: [{{port: 80}}], sessionAffinity: ClientIP}}")) + &endpoints;
        resolved(&objects, "80", &upstream, &ControllerSettings::default())
    };
    let (backend, problem) = of("10.96.0.1");
    assert_eq!(
        backend,
        Backend {
            balance: Balance::LeastRequest,
            client_ip_affinity: true,
            ..Backend::at(["10.96.0.1:80".parse().expect("an address")])
        }
    );
    assert_eq!(problem, None);
    let (backend, problem) = of("None");
    assert_eq!(backend.endpoints, Backend::at(["10.0.0.1:8080".parse().expect("an address")]).endpoints);
    assert_eq!(problem.map(|problem| problem.severity), Some(Severity::Warning));
}

#[test]
fn external_names_are_resolved_later() {
    let of = |name: &str, ports: &str, port: &str| {
        found(&service(&format!("{{type: ExternalName, externalName: '{name}'{ports}}}")), port)
    };
    assert_eq!(of("My.Database.com.", "", "5432").0, ["my.database.com. 5432"], "L16, L17");
    assert_eq!(of("x.com", ", ports: [{name: http, port: 80, targetPort: 8080}]", "http").0, ["x.com 8080"]);
    assert_eq!(of("x.com", ", ports: [{name: http, port: 80}]", "80").0, ["x.com 80"]);
    assert_eq!(of("192.0.2.7", "", "80").0, ["192.0.2.7:80"]);
    for name in ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "::1", "::ffff:127.0.0.2", "0.0.0.0", "", "a b"]
    {
        let (none, problem) = of(name, "", "80");
        assert!(none.is_empty() && problem.is_some_and(|problem| problem.severity == Severity::Error), "L22: {name}");
    }
    assert_eq!(of("x.com", "", "http").1.map(|problem| problem.part), Some("port"));
    let disabled = ControllerSettings { disable_external_name: true, ..ControllerSettings::default() };
    let (backend, problem) =
        resolved(&service("{type: ExternalName, externalName: x.com}"), "80", &UpstreamSettings::default(), &disabled);
    assert!(problem.is_some() && backend.endpoints == Backend::at([]).endpoints, "L21");
}

#[test]
fn missing_services_are_named() {
    let (none, problem) = found("{kind: Service, metadata: {name: other}}", "80");
    assert!(none.is_empty());
    assert!(problem.is_some_and(|problem| problem.message.contains("Service default/s, which does not exist")));
    let id = ServiceBackend::tcp("default", "s // the shop", "80");
    let (_, problem) = resolve(&id, &UpstreamSettings::default(), &ControllerSettings::default(), &Store::default());
    assert!(problem.is_some_and(|problem| problem.message.contains("'#'")));
}

#[test]
fn pods_are_known_by_their_uid() {
    let objects = service("{ports: [{port: 80}]}")
        + &slice(
            "a",
            "addressType: IPv4, endpoints: [{addresses: [10.0.0.1], targetRef: {kind: Pod, uid: abc}}], ports: [{port: 80}]",
        );
    let (backend, _) = resolved(&objects, "80", &UpstreamSettings::default(), &ControllerSettings::default());
    let Endpoints::Addresses(addresses) = backend.endpoints else { panic!("no addresses") };
    assert_eq!(addresses[0].pod.as_deref(), Some("abc"));
}

/// The endpoints of these slices that are used in zone `a`. `asks` ends the metadata of their Service and begins its spec.
fn used_in_zone_a(asks: &str, slices: &[&str]) -> Vec<String> {
    let mut objects = format!("{{kind: Service, metadata: {{name: s{asks}, ports: [{{port: 80}}]}}}}");
    for (number, endpoints) in slices.iter().enumerate() {
        let rest = format!("addressType: IPv4, endpoints: [{endpoints}], ports: [{{port: 80}}]");
        objects += &slice(&format!("slice-{number}"), &rest);
    }
    let settings = ControllerSettings { topology_aware: true, zone: Some("a".into()), ..ControllerSettings::default() };
    let (backend, _) = resolved(&objects, "80", &UpstreamSettings::default(), &settings);
    let Endpoints::Addresses(addresses) = backend.endpoints else { panic!("no addresses") };
    addresses.iter().map(|endpoint| endpoint.address.ip().to_string()).collect()
}

#[test]
fn endpoints_for_our_zone_are_used_where_the_service_says_so() {
    const AUTO: &str = ", annotations: {service.kubernetes.io/topology-mode: Auto}}, spec: {clusterIP: 10.96.0.1";
    const CLOSE: &str = "}, spec: {trafficDistribution: PreferClose";
    const NOTHING: &str = "}, spec: {clusterIP: 10.96.0.1";
    let a = "{addresses: [10.0.0.1], hints: {forZones: [{name: a}]}}";
    let b = "{addresses: [10.0.0.2], hints: {forZones: [{name: b}]}}";
    let both = "{addresses: [10.0.0.3], hints: {forZones: [{name: b}, {name: a}]}}";
    let anywhere = "{addresses: [10.0.0.4]}";
    let empty_hint = "{addresses: [10.0.0.4], hints: {forZones: []}}";
    let unready = "{addresses: [10.0.0.1], conditions: {ready: false}, hints: {forZones: [{name: a}]}}";
    let unready_anywhere = "{addresses: [10.0.0.4], conditions: {ready: false}}";
    let all = |endpoints: &[&str]| endpoints.join(", ");
    for (asks, slices, expected) in [
        (NOTHING, vec![all(&[a, b])], vec!["10.0.0.1", "10.0.0.2"]),
        (AUTO, vec![all(&[a, b])], vec!["10.0.0.1"]),
        (CLOSE, vec![all(&[a, b])], vec!["10.0.0.1"]),
        (AUTO, vec![all(&[a, b, both])], vec!["10.0.0.1", "10.0.0.3"]),
        // An endpoint without a hint, even one that is not ready, makes those of its slice count for nothing.
        (AUTO, vec![all(&[a, b, anywhere])], vec!["10.0.0.1", "10.0.0.2", "10.0.0.4"]),
        (AUTO, vec![all(&[a, b, empty_hint])], vec!["10.0.0.1", "10.0.0.2", "10.0.0.4"]),
        (AUTO, vec![all(&[a, b, unready_anywhere])], vec!["10.0.0.1", "10.0.0.2"]),
        (AUTO, vec![a.to_owned(), all(&[b, anywhere])], vec!["10.0.0.1", "10.0.0.2", "10.0.0.4"]),
        // A slice with nothing for the zone.
        (AUTO, vec![a.to_owned(), b.to_owned()], vec!["10.0.0.1"]),
        (CLOSE, vec![a.to_owned(), b.to_owned()], vec!["10.0.0.1", "10.0.0.2"]),
        // Nothing at all for the zone, or nothing that is ready.
        (AUTO, vec![b.to_owned()], vec!["10.0.0.2"]),
        (AUTO, vec![all(&[unready, b])], vec!["10.0.0.2"]),
    ] {
        let slices: Vec<_> = slices.iter().map(String::as_str).collect();
        assert_eq!(used_in_zone_a(asks, &slices), expected, "{asks} {slices:?}");
    }
}
