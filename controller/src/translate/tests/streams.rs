//! TCP and UDP services.

use super::*;
use crate::object::NamespacedName;
use gateway::config::{StreamBackend, StreamListener, StreamProtocol};

fn flags() -> ControllerSettings {
    let name = |name: &str| Some(NamespacedName { namespace: "default".into(), name: name.into() });
    ControllerSettings { tcp_services: name("tcp"), udp_services: name("udp"), ..ControllerSettings::default() }
}

fn config_map(name: &str, data: &str) -> String {
    format!("{{kind: ConfigMap, metadata: {{name: {name}}}, data: {{{data}}}}}")
}

/// Services, one a line: protocol, port, backends, and the PROXY headers.
pub(super) fn listeners(update: &Update) -> Vec<String> {
    let shown = |listener: &StreamListener| {
        let StreamListener { protocol, port, backends, accept_proxy, send_proxy, .. } = listener;
        let proxy = [(*accept_proxy, " accepts"), (*send_proxy, " sends")];
        let proxy: String = proxy.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
        format!("{protocol} {port} {}{proxy}", shares(backends))
    };
    update.streams.iter().flat_map(|streams| streams.iter()).map(shown).collect()
}

/// Backends, each with its weight if that is not 1, and whether TLS is spoken to it.
pub(super) fn shares(backends: &[StreamBackend]) -> String {
    let shown = backends.iter().map(|StreamBackend { backend, weight, tls }| {
        let share = if *weight == 1 { String::new() } else { format!(" x{weight}") };
        let tls = if tls.is_some() { " over TLS" } else { "" };
        format!("{backend}{share}{tls}")
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// A DNS server: one number for both protocols.
const DNS: &str = "{kind: Service, metadata: {name: dns}, spec: {ports: [{name: dns-tcp, port: 53, targetPort: 1053}, \
    {name: dns, port: 53, protocol: UDP, targetPort: 1053}]}}\n---\n\
    {kind: EndpointSlice, metadata: {name: dns-1, labels: {kubernetes.io/service-name: dns}}, addressType: IPv4, \
    endpoints: [{addresses: [10.1.0.1]}], ports: [{name: dns-tcp, port: 1153}, {name: dns, port: 1053, protocol: UDP}]}";

#[test]
fn entries_become_listeners_and_backends() {
    let mut world = World::with(flags(), DNS);
    let tcp = config_map(
        "tcp",
        "'9000': 'default/dns:53', '53': 'default/dns:dns-tcp:proxy', '9001': 'default/dns:53::PROXY'",
    );
    let update = world.apply(&documents(&[tcp, config_map("udp", "'53': default/dns:53")]));
    let expected = [
        "TCP 53 default/dns:dns-tcp accepts",
        "TCP 9000 default/dns:53",
        "TCP 9001 default/dns:53 sends",
        "UDP 53 default/dns:53/UDP",
    ];
    assert_eq!(listeners(&update), expected);
    let streams = update.streams.expect("streams");
    assert_eq!(streams[0].origin.to_string(), "ConfigMap default/tcp: data.53");
    let endpoint = |number: usize| world.translator.backend(&streams[number].backends[0].backend).cloned();
    let at = |address: &str| Some(Backend::at([address.parse().expect("an address")]));
    assert_eq!((endpoint(1), endpoint(3)), (at("10.1.0.1:1153"), at("10.1.0.1:1053")));
    assert_eq!(world.translator.diagnostics().count(), 0, "{:?}", world.said(Severity::Error));
}

#[test]
fn a_bad_entry_is_named_and_costs_no_other() {
    let tcp = "'http': default/dns:53, '0': default/dns:53, '080': default/dns:53, '65536': default/dns:53, \
        '443': default/dns:53, '1': dns:53, '2': default/dns, '3': 'default/dns:53:TLS', '4': 'default/dns:53:PROXY:PROXY:PROXY', \
        '5': 'default/dns:', '6': '', '7': default/dns:53, '8': default/none:53, '9': default/dns:54";
    let world = World::with(
        flags(),
        &documents(&[
            DNS.into(),
            config_map("tcp", tcp),
            config_map("udp", "'7': 'default/dns:53:PROXY', '8': 'default/dns:dns-tcp'"),
        ]),
    );
    let ports: Vec<_> =
        world.translator.streams.listeners.iter().map(|listener| (listener.protocol, listener.port)).collect();
    let (t, u) = (StreamProtocol::Tcp, StreamProtocol::Udp);
    assert_eq!(ports, [(t, 7), (t, 8), (t, 9), (u, 7), (u, 8)]);
    let said = world.said(Severity::Error).join("\n");
    for expected in [
        "ConfigMap default/tcp: data.http: \"http\" is not a port: expected 1 to 65535",
        "data.0: \"0\" is not a port",
        "data.080: \"080\" is not a port",
        "data.65536: \"65536\" is not a port",
        "data.443: \"443\" is a port of Adit itself (--https-port)",
        "data.1: \"dns:53\" is not a port of a Service: expected namespace/service:port",
        "data.2: \"default/dns\" is not",
        "data.3: \"default/dns:53:TLS\" is not",
        "data.4: \"default/dns:53:PROXY:PROXY:PROXY\" is not",
        "data.5: \"default/dns:\" is not",
        "data.6: \"\" is not",
        "data.8: \"none\" names Service default/none, which does not exist: connections are closed at once",
        "data.9: \"54\" is not a port of Service default/dns, which has 53 (dns-tcp), 53/UDP (dns): connections are",
        "ConfigMap default/udp: data.8: \"dns-tcp\" is not a UDP port of Service default/dns",
    ] {
        assert!(said.contains(expected), "{expected} is not in:\n{said}");
    }
    assert_eq!(said.lines().count(), 14, "{said}");
    let [warning] = &world.said(Severity::Warning)[..] else { panic!("{:?}", world.said(Severity::Warning)) };
    assert!(
        warning.contains("data.7: \"default/dns:53:PROXY\" contains PROXY, which only TCP services can have"),
        "{warning}"
    );
}

#[test]
fn they_follow_what_they_read_and_nothing_else() {
    let mut world = World::with(flags(), DNS);
    assert_eq!(world.said(Severity::Warning).len(), 2, "neither ConfigMap is there");
    let update = world.apply(&config_map("tcp", "'9000': default/late:80"));
    assert_eq!(listeners(&update), ["TCP 9000 default/late:80"]);
    assert_eq!(world.said(Severity::Error).len(), 1, "the Service is not there");

    let update = world.apply(&service("late", "10.1.0.2"));
    assert!(update.streams.is_none() && update.backends.len() == 1, "{update:?}");
    assert_eq!(world.said(Severity::Error), [""; 0]);
    assert!(world.apply(&service("other", "10.1.0.3")).is_empty());

    let update = world.apply(&config_map("tcp", "'9000': default/dns:53"));
    let changed: Vec<_> = update.backends.iter().map(|(id, backend)| (id.to_string(), backend.is_some())).collect();
    assert_eq!(changed, [("default/dns:53".into(), true), ("default/late:80".into(), false)]);
    let update = world.delete(Kind::ConfigMap, "tcp");
    assert_eq!(update.streams.map(|streams| streams.len()), Some(0));
}

#[test]
fn an_external_name_serves_as_for_http() {
    let external = "{kind: Service, metadata: {name: far}, spec: {type: ExternalName, externalName: far.example.com, \
        ports: [{name: sql, port: 5432, targetPort: 15432}]}}";
    let world = World::with(flags(), &documents(&[external.into(), config_map("tcp", "'5432': default/far:sql")]));
    let backend =
        world.translator.backend(&world.translator.streams.listeners[0].backends[0].backend).expect("a backend");
    let expected = gateway::config::Endpoints::Name { name: "far.example.com".into(), port: 15432 };
    assert_eq!(backend.endpoints, expected);
}

#[test]
fn a_wrong_entry_leaves_the_service_that_its_port_had() {
    let mut world = World::with(flags(), &documents(&[DNS.to_owned(), config_map("tcp", "'9000': default/dns:53")]));
    let update = world.apply(&config_map("tcp", "'9000': default/dns, '9001': default/dns"));
    assert!(update.streams.is_none(), "{:?}", listeners(&update));
    let said = world.said(Severity::Error);
    assert!(said[0].contains("the last valid value stays in effect"), "{said:?}");
    assert!(said[1].contains("the port is not opened"), "{said:?}");
    let update = world.apply(&config_map("tcp", "'9001': default/dns"));
    assert!(listeners(&update).is_empty() && update.streams.is_some(), "what is taken away is gone");
}
