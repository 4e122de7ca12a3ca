use super::*;
use gateway::config::{Origin, StreamProtocol, Subject, UnopenedPort};
use std::sync::LazyLock;

const TIME: &str = "2026-01-02T03:04:05Z";
const BEFORE: &str = "2025-01-01T00:00:00Z";

fn condition(kind: &'static str, status: bool, reason: &'static str) -> Condition {
    Condition { kind, holds: status, reason, message: String::new() }
}

/// As it is in a status.
fn written(kind: &str, status: &str, reason: &str, generation: i64, since: &str) -> Value {
    json!({
        "type": kind,
        "status": status,
        "observedGeneration": generation,
        "lastTransitionTime": since,
        "reason": reason,
        "message": "",
    })
}

fn facts(addresses: &[Address]) -> Facts<'_> {
    static OPEN: LazyLock<Unopened> = LazyLock::new(Unopened::default);
    Facts { controller: "adit.dev/gateway-controller", addresses, place: None, unopened: &OPEN, time: TIME.to_owned() }
}

fn class(status: bool) -> ObjectStatus {
    ObjectStatus {
        generation: Some(2),
        parts: StatusParts::GatewayClass(vec![condition("Accepted", status, "Accepted")]),
    }
}

fn parent(name: &str, section_name: Option<&str>) -> ParentReference {
    ParentReference { name: name.into(), section_name: section_name.map(Into::into), ..ParentReference::default() }
}

fn route(parents: &[ParentReference]) -> ObjectStatus {
    let conditions = vec![condition("Accepted", true, "Accepted")];
    let status = |parent: &ParentReference| ParentStatus { parent: parent.clone(), conditions: conditions.clone() };
    ObjectStatus { generation: Some(3), parts: StatusParts::Route(parents.iter().map(status).collect()) }
}

fn entry(controller: &str, reference: &Value) -> Value {
    let conditions = json!([written("Accepted", "True", "Accepted", 3, BEFORE)]);
    json!({"parentRef": reference, "controllerName": controller, "conditions": conditions})
}

#[test]
fn what_is_written_is_not_written_again() {
    let status = merged(&Value::Null, &class(true), &facts(&[])).expect("a change");
    assert_eq!(status["conditions"], json!([written("Accepted", "True", "Accepted", 2, TIME)]));
    assert!(status["supportedFeatures"].to_string().contains(r#"{"name":"HTTPRoute"}"#));
    let later = Facts { time: "2026-01-02T04:00:00Z".to_owned(), ..facts(&[]) };
    assert_eq!(merged(&status, &class(true), &later), None);
    assert_eq!(merged(&Value::Null, &route(&[]), &facts(&[])), None);
}

#[test]
fn a_condition_tells_since_when_it_has_its_status() {
    let foreign = json!({"type": "example.com/Checked", "status": "Unknown"});
    let now = json!({"conditions": [written("Accepted", "True", "Accepted", 1, BEFORE), foreign]});
    let kept = merged(&now, &class(true), &facts(&[])).expect("another generation");
    assert_eq!(kept["conditions"], json!([written("Accepted", "True", "Accepted", 2, BEFORE), foreign]));
    let changed = merged(&now, &class(false), &facts(&[])).expect("another status");
    assert_eq!(changed["conditions"], json!([written("Accepted", "False", "Accepted", 2, TIME), foreign]));
}

#[test]
fn a_message_is_no_longer_than_the_api_takes() {
    let said = |letters: usize| {
        let condition = Condition::fails("Accepted", "Invalid", "ä".repeat(letters));
        let status = ObjectStatus { generation: Some(1), parts: StatusParts::GatewayClass(vec![condition]) };
        let written = merged(&Value::Null, &status, &facts(&[])).expect("a change");
        written["conditions"][0]["message"].as_str().expect("a text").chars().count()
    };
    assert_eq!([said(32_768), said(32_769)], [32_768; 2]);
}

#[test]
fn a_condition_that_we_have_no_longer_is_gone() {
    let accepted = written("Accepted", "True", "Accepted", 2, BEFORE);
    let now = json!({"conditions": [written("PartiallyInvalid", "True", "UnsupportedValue", 2, BEFORE), accepted]});
    let status = merged(&now, &class(true), &facts(&[])).expect("a change");
    assert_eq!(status["conditions"], json!([accepted]));
}

#[test]
fn a_gateway_has_an_entry_for_each_listener_and_is_programmed_with_an_address() {
    let listener = |name: &str| ListenerStatus {
        name: name.into(),
        supported_kinds: vec![RouteGroupKind { group: None, kind: "HTTPRoute".into() }],
        port: None,
        attached_routes: 1,
        conditions: vec![condition("Accepted", true, "Accepted")],
    };
    let conditions = vec![condition("Accepted", true, "Accepted"), condition("Programmed", true, "Programmed")];
    let gateway = ObjectStatus {
        generation: Some(1),
        parts: StatusParts::Gateway {
            conditions,
            listeners: vec![listener("a"), listener("b")],
            attached_sets: 1,
            addresses: Vec::new(),
            service: OwnService::None,
        },
    };
    let foreign = json!({"type": "example.com/Checked", "status": "True"});
    let now = json!({"listeners": [{"name": "gone"}, {"name": "b", "conditions": [foreign]}]});
    let addresses = [Address::Ip("1.2.3.4".into()), Address::Hostname("lb.example.com".into())];
    let status = merged(&now, &gateway, &facts(&addresses)).expect("a change");
    let expected = json!([
        {"type": "IPAddress", "value": "1.2.3.4"},
        {"type": "Hostname", "value": "lb.example.com"},
    ]);
    assert_eq!(status["addresses"], expected);
    assert_eq!(status["conditions"][1], written("Programmed", "True", "Programmed", 1, TIME));
    let names: Vec<_> = items(&status["listeners"]).iter().map(|listener| &listener["name"]).collect();
    assert_eq!(names, ["a", "b"]);
    let second = &status["listeners"][1];
    assert_eq!(second["conditions"], json!([foreign, written("Accepted", "True", "Accepted", 1, TIME)]));
    assert_eq!(second["supportedKinds"], json!([{"group": GROUP, "kind": "HTTPRoute"}]));

    let unreached = merged(&status, &gateway, &facts(&[])).expect("no address any more");
    assert_eq!(unreached["addresses"], json!([]));
    assert_eq!(unreached["conditions"][1]["reason"], "AddressNotAssigned");
    assert_eq!(unreached["conditions"][1]["status"], "False");
}

/// The reasons of the condition `Programmed`: of the whole and of each listener.
fn programmed(status: &Value) -> Vec<String> {
    let of = |part: &Value| {
        let condition = items(&part["conditions"]).iter().find(|condition| condition["type"] == "Programmed").cloned();
        condition.unwrap_or_default()["reason"].as_str().unwrap_or_default().to_owned()
    };
    std::iter::once(status).chain(items(&status["listeners"])).map(of).collect()
}

#[test]
fn a_listener_whose_port_is_not_open_is_not_programmed() {
    let listener = |name: &str, port| ListenerStatus {
        name: name.into(),
        supported_kinds: Vec::new(),
        port,
        attached_routes: 0,
        conditions: vec![condition("Accepted", true, "Accepted"), condition("Programmed", true, "Programmed")],
    };
    let (tcp, udp) = ((StreamProtocol::Tcp, 8080), (StreamProtocol::Udp, 8080));
    let conditions = || vec![condition("Programmed", true, "Programmed")];
    let unopened = |(protocol, port): (StreamProtocol, u16)| UnopenedPort {
        protocol,
        port,
        origin: Origin::new(Subject::other("a Gateway"), "spec.listeners[0].port"),
        message: "cannot be opened".to_owned(),
    };
    let gateway = |ports: &[Option<(StreamProtocol, u16)>]| StatusParts::Gateway {
        conditions: conditions(),
        listeners: ports.iter().map(|port| listener("a", *port)).collect(),
        attached_sets: 0,
        addresses: Vec::new(),
        service: OwnService::None,
    };
    let set = StatusParts::ListenerSet { conditions: conditions(), listeners: vec![listener("a", Some(tcp))] };
    let addresses = [Address::Ip("1.2.3.4".into())];
    for (parts, closed, expected) in [
        (gateway(&[Some(tcp), None]), vec![tcp], vec!["Programmed", "Pending", "Programmed"]),
        (gateway(&[Some(tcp), Some(udp)]), vec![udp], vec!["Programmed", "Programmed", "Pending"]),
        (gateway(&[Some(tcp), Some(udp)]), vec![tcp, udp], vec!["Pending", "Pending", "Pending"]),
        (gateway(&[Some(tcp)]), vec![], vec!["Programmed", "Programmed"]),
        (set, vec![tcp], vec!["Pending", "Pending"]),
    ] {
        let closed = Unopened::new(&closed.into_iter().map(unopened).collect::<Vec<_>>());
        let facts = Facts { unopened: &closed, ..facts(&addresses) };
        let status = merged(&Value::Null, &ObjectStatus { generation: Some(1), parts }, &facts).expect("a change");
        assert_eq!(programmed(&status), expected, "{closed:?}");
        for listener in items(&status["listeners"]).iter().filter(|listener| programmed(listener) == ["Pending"]) {
            assert_eq!(listener["conditions"][1]["message"], "port 8080 cannot be opened");
        }
    }
}

#[test]
fn entries_of_a_route_that_are_others_stay() {
    let ours = "adit.dev/gateway-controller";
    let edge = json!({"group": GROUP, "kind": "Gateway", "name": "edge"});
    let section = json!({"group": GROUP, "kind": "Gateway", "name": "edge", "sectionName": "web"});
    let foreign = entry("example.com/other", &edge);
    let gone = entry(ours, &json!({"name": "gone"}));
    let now = json!({"parents": [gone, entry(ours, &section), foreign]});
    let both = [parent("edge", None), parent("edge", Some("web"))];
    let status = merged(&now, &route(&both), &facts(&[])).expect("a change");
    let mut new = entry(ours, &edge);
    new["conditions"][0]["lastTransitionTime"] = json!(TIME);
    assert_eq!(status["parents"], json!([entry(ours, &section), foreign, new]));
    assert_eq!(merged(&status, &route(&both), &facts(&[])), None);
    assert_eq!(merged(&status, &route(&[]), &facts(&[])), Some(json!({"parents": [foreign]})));
}

#[test]
fn entries_of_a_policy_that_are_others_stay_and_leave_room_for_no_more_than_the_api_takes() {
    let entry = |controller: &str, name: &str| {
        let conditions = json!([written("Accepted", "True", "Accepted", 3, TIME)]);
        let reference = json!({"group": GROUP, "kind": "Gateway", "name": name, "namespace": "shop"});
        json!({"ancestorRef": reference, "controllerName": controller, "conditions": conditions})
    };
    let gateway = |name: String| ParentStatus {
        parent: ParentReference { namespace: Some("shop".into()), ..parent(&name, None) },
        conditions: vec![condition("Accepted", true, "Accepted")],
    };
    let policy = |count: usize| {
        let ancestors = (0..count).map(|number| gateway(format!("g{number}"))).collect();
        ObjectStatus { generation: Some(3), parts: StatusParts::Policy(ancestors) }
    };
    let foreign = entry("example.com/other", "g0");
    let now = json!({"ancestors": [foreign]});
    let status = merged(&now, &policy(1), &facts(&[])).expect("a change");
    assert_eq!(status["ancestors"], json!([foreign, entry("adit.dev/gateway-controller", "g0")]));
    assert_eq!(merged(&status, &policy(1), &facts(&[])), None);
    let status = merged(&status, &policy(20), &facts(&[])).expect("a change");
    assert_eq!((items(&status["ancestors"]).len(), &status["ancestors"][0]), (16, &foreign));
    assert_eq!(merged(&status, &policy(0), &facts(&[])), Some(now));
}

#[test]
fn a_gateway_is_where_its_service_is() {
    let status = |reason: &'static str| ObjectStatus {
        generation: Some(1),
        parts: StatusParts::Gateway {
            conditions: vec![condition("Programmed", reason == "Programmed", reason)],
            listeners: Vec::new(),
            attached_sets: 0,
            addresses: vec![GatewayAddress { kind: None, value: Some("10.96.0.9".into()) }],
            service: OwnService::Wanted(Box::default()),
        },
    };
    let told = |status: &ObjectStatus, place: Option<&Place>| {
        let shared = [Address::Ip("203.0.113.1".into())];
        let fields = merged(&Value::Null, status, &Facts { place, ..facts(&shared) }).expect("a change");
        (fields["addresses"].clone(), fields["conditions"][0]["reason"].clone())
    };
    let at = |address: &str| Place { addresses: vec![Address::Ip(address.into())], problem: None };
    let programmed = status("Programmed");
    assert_eq!(told(&programmed, None), (json!([]), json!("AddressNotAssigned")));
    let own = json!([{"type": "IPAddress", "value": "10.96.0.9"}]);
    assert_eq!(told(&programmed, Some(&at("10.96.0.9"))), (own, json!("Programmed")));
    assert_eq!(told(&programmed, Some(&at("10.96.0.8"))), (json!([]), json!("AddressNotUsable")));
    let refused = Place { problem: Some(("NoResources", "no".into())), ..Place::default() };
    assert_eq!(told(&status("Pending"), Some(&refused)), (json!([]), json!("NoResources")));
    assert_eq!(told(&status("Pending"), None), (json!([]), json!("Pending")));
}
