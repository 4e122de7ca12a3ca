//! Ports of listeners: which are opened, and which Gateway has one that several want.

use super::*;
use crate::gateway_api::StatusParts;
use crate::object::NamespacedName;
use std::fmt::Display;

const CLASS: &str = "{kind: GatewayClass, metadata: {name: adit}, spec: {controllerName: adit.dev/gateway-controller}}";

/// A Gateway with listeners for HTTP on these ports.
fn gateway(name: &str, ports: impl IntoIterator<Item = impl Display>) -> String {
    let listener = |port| format!("{{name: p{port}, port: {port}, protocol: HTTP}}");
    let listeners: Vec<_> = ports.into_iter().map(listener).collect();
    of_listeners(name, &listeners.join(", "))
}

fn of_listeners(name: &str, listeners: &str) -> String {
    format!("{{kind: Gateway, metadata: {{name: {name}}}, spec: {{gatewayClassName: adit, listeners: [{listeners}]}}}}")
}

/// A listener for HTTPS with the certificate of [`secret`].
fn https(port: u16) -> String {
    format!("{{name: s{port}, port: {port}, protocol: HTTPS, tls: {{certificateRefs: [{{name: tls}}]}}}}")
}

fn secret() -> String {
    let (certificate, key) = crate::certificate::tests::pem(&["a.example"]);
    let indented = |pem: &str| pem.trim_end().replace('\n', "\n    ");
    let (certificate, key) = (indented(&certificate), indented(&key));
    format!(
        "kind: Secret\nmetadata: {{name: tls}}\nstringData:\n  tls.crt: |\n    {certificate}\n  tls.key: |\n    {key}\n"
    )
}

fn world(parts: &[String]) -> World {
    World::of(&documents(&[&[CLASS.to_owned(), secret()], parts].concat()))
}

/// The ports that an update declares: each with its protocol and what asks for it.
fn declared(update: &Update) -> Option<Vec<String>> {
    let shown = update.ports.as_ref()?.iter().map(|port| {
        let advertised = if port.port == port.advertised { "" } else { " by another number" };
        format!("{}{advertised}: {}", port.entry_point(), port.origin)
    });
    Some(shown.collect())
}

impl World {
    /// Why listeners of a Gateway are not accepted, by their names.
    fn refused(&self, gateway: &str) -> Vec<String> {
        let key = ObjectKey::new(Kind::Gateway, "default", gateway);
        let status = self.translator.statuses().find(|(of, _)| **of == key).map(|(_, status)| &status.parts);
        let Some(StatusParts::Gateway { listeners, .. }) = status else { panic!("no status: {status:?}") };
        let refused = listeners.iter().filter_map(|listener| {
            let accepted = listener.conditions.iter().find(|condition| condition.kind == "Accepted")?;
            (!accepted.holds).then(|| format!("{} {}: {}", listener.name, accepted.reason, accepted.message))
        });
        refused.collect()
    }
}

#[test]
fn ports_beside_the_usual_ones_are_declared_and_only_what_changed_is_published() {
    let mut world = World::of(&documents(&[CLASS.to_owned(), secret()]));
    let update = world.apply(&of_listeners(
        "a",
        &format!(
            "{{name: h, port: 80, protocol: HTTP}}, {{name: g, port: 8080, protocol: HTTP}}, {}, {}",
            https(443),
            https(8443)
        ),
    ));
    let expected = [
        "HTTP port 8080: Gateway default/a: spec.listeners[1].port",
        "HTTPS port 8443: Gateway default/a: spec.listeners[3].port",
    ];
    assert_eq!(declared(&update).expect("ports"), expected);
    assert_eq!(declared(&world.apply(&gateway("b", [8080]))), None, "the port is open already");
    let update = world.delete(Kind::Gateway, "a");
    assert_eq!(declared(&update).expect("ports"), ["HTTP port 8080: Gateway default/b: spec.listeners[0].port"]);
    assert_eq!(declared(&world.delete(Kind::Gateway, "b")).expect("ports"), [""; 0]);
}

#[test]
fn ports_of_the_process_are_those_of_flags_and_no_others() {
    let mut settings = ControllerSettings::default();
    (settings.own_ports.http, settings.own_ports.https) = (8080, 8443);
    let listeners = [
        "{name: a, port: 8080, protocol: HTTP, hostname: a.example}",
        "{name: b, port: 8443, protocol: HTTP}",
        "{name: c, port: 10254, protocol: HTTP}",
        "{name: d, port: 0, protocol: HTTP}",
        "{name: e, port: 70000, protocol: HTTP}",
        "{name: f, port: 443, protocol: HTTP}",
    ];
    let documents = documents(&[CLASS.to_owned(), of_listeners("a", &listeners.join(", "))]);
    let world = World::with(settings, &documents);
    let entries: Vec<_> =
        world.translator.entry_hosts().map(|(entry, host)| format!("{} {entry}", host.name)).collect();
    assert_eq!(entries, ["a.example HTTP", "* HTTP port 443"]);
    let expected = [
        "b PortUnavailable: spec.listeners[1].port: is a port of Adit itself (--https-port): expected another port",
        "c PortUnavailable: spec.listeners[2].port: is a port of Adit itself (--healthz-port): expected another port",
        "d PortUnavailable: spec.listeners[3].port: is not a port: expected 1 to 65535",
        "e PortUnavailable: spec.listeners[4].port: is not a port: expected 1 to 65535",
    ];
    assert_eq!(world.refused("a"), expected);
}

#[test]
fn the_older_gateway_has_a_port() {
    let mut world =
        world(&[gateway("old", [8080]), of_listeners("young", &format!("{}, {}", https(8080), https(8081)))]);
    assert_eq!(world.refused("old"), [""; 0]);
    let message = "is a port for HTTP in Gateway default/old, which is older: expected another port";
    assert_eq!(world.refused("young"), [format!("s8080 PortUnavailable: spec.listeners[0].port: {message}")]);
    let told = format!("Gateway default/young: spec.listeners[0].port: \"8080\" {message}; the listener is not served");
    let said = world.said(Severity::Error);
    assert!(said.len() == 1 && said[0].contains(&told), "{said:?}");

    let update = world.delete(Kind::Gateway, "old");
    let expected = [
        "HTTPS port 8080: Gateway default/young: spec.listeners[0].port",
        "HTTPS port 8081: Gateway default/young: spec.listeners[1].port",
    ];
    assert_eq!(declared(&update).expect("ports"), expected);
    assert_eq!((world.refused("young"), world.said(Severity::Error)), (Vec::new(), Vec::new()));
}

#[test]
fn a_tcp_service_keeps_its_port() {
    let tcp = NamespacedName { namespace: "default".into(), name: "tcp".into() };
    let settings = ControllerSettings { tcp_services: Some(tcp), ..ControllerSettings::default() };
    let services = |data: &str| format!("{{kind: ConfigMap, metadata: {{name: tcp}}, data: {{{data}}}}}");
    let mut world = World::with(settings, &documents(&[CLASS.to_owned(), services(""), gateway("a", [8080, 8081])]));
    assert_eq!(world.refused("a"), [""; 0]);
    let update = world.apply(&services("'8080': default/echo:80"));
    assert_eq!(declared(&update).expect("ports"), ["HTTP port 8081: Gateway default/a: spec.listeners[1].port"]);
    let message = "is the port of a TCP service (ConfigMap default/tcp: data.8080): expected another port";
    assert_eq!(world.refused("a"), [format!("p8080 PortUnavailable: spec.listeners[0].port: {message}")]);
    assert_eq!(declared(&world.apply(&services(""))).expect("ports").len(), 2);
}

#[test]
fn so_many_ports_are_opened_and_no_more() {
    let mut world = world(&[gateway("old", 1001..1129), gateway("young", [80, 1000, 1001])]);
    assert_eq!(world.refused("old"), [""; 0]);
    let message = "is one port too many: at most 128 are opened, those of the oldest Gateways";
    assert_eq!(world.refused("young"), [format!("p1000 PortUnavailable: spec.listeners[1].port: {message}")]);
    let update = world.apply(&gateway("old", 1002..1129));
    assert_eq!(declared(&update).map(|ports| ports.len()), Some(128));
    let refused = world.refused("young");
    assert!(refused.len() == 1 && refused[0].starts_with("p1001 "), "its first port takes the place: {refused:?}");
    world.delete(Kind::Gateway, "old");
    assert_eq!(world.refused("young"), [""; 0]);
}
