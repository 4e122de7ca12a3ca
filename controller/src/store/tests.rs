use super::*;
use crate::diagnostic::Place;
use crate::gateway_api::Gateway;
use crate::object::{Age, SERVICE_NAME_LABEL};
use gateway::config::Subject;
use k8s_openapi::api::core::v1::{EndpointAddress, EndpointSubset};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use k8s_openapi::api::networking::v1::{IngressSpec, IngressStatus};
use serde_json::json;

fn key(kind: Kind, name: &str) -> ObjectKey {
    ObjectKey::new(kind, if kind.is_namespaced() { "shop" } else { "" }, name)
}

fn apply(kind: Kind, name: &str, object: Object) -> SourceEvent {
    SourceEvent::Apply(Observed { key: key(kind, name), object, age: Age { created: Some(1), place: None } })
}

fn slice(service: &str, address: &str) -> Object {
    let mut slice = EndpointSlice { address_type: "IPv4".into(), ..EndpointSlice::default() };
    slice.metadata.labels = Some(BTreeMap::from([(SERVICE_NAME_LABEL.to_owned(), service.to_owned())]));
    slice.endpoints = vec![Endpoint { addresses: vec![address.to_owned()], ..Endpoint::default() }].into();
    Object::EndpointSlice(slice.into())
}

fn ingress(class: &str) -> Ingress {
    let spec = IngressSpec { ingress_class_name: Some(class.to_owned()), ..IngressSpec::default() };
    Ingress { spec: Some(spec), ..Ingress::default() }
}

fn service_change(service: &str) -> Change {
    Change::Endpoints { namespace: "shop".into(), service: service.into() }
}

#[test]
fn an_object_is_found_until_it_is_deleted() {
    let mut store = Store::new();
    let objects: [(Kind, Object); 5] = [
        (Kind::Ingress, Object::Ingress(Arc::default())),
        (Kind::IngressClass, Object::IngressClass(Arc::default())),
        (Kind::Service, Object::Service(Arc::default())),
        (Kind::Secret, Object::Secret(Arc::default())),
        (Kind::ConfigMap, Object::ConfigMap(Arc::default())),
    ];
    for (kind, object) in &objects {
        assert_eq!(store.apply(apply(*kind, "x", object.clone())), [Change::Object(key(*kind, "x"))]);
    }
    let found = |store: &Store| {
        [
            store.ingress(&key(Kind::Ingress, "x")).is_some(),
            store.ingress_class("x").is_some(),
            store.service("shop", "x").is_some(),
            store.secret("shop", "x").is_some(),
            store.config_map("shop", "x").is_some(),
        ]
    };
    assert_eq!(found(&store), [true; 5]);
    assert!(store.service("other", "x").is_none());
    for (kind, _) in &objects {
        assert_eq!(store.apply(SourceEvent::Delete(key(*kind, "x"))), [Change::Object(key(*kind, "x"))]);
        assert_eq!(store.apply(SourceEvent::Delete(key(*kind, "x"))), []);
    }
    assert_eq!(found(&store), [false; 5]);
}

#[test]
fn only_what_translation_reads_is_a_change() {
    let mut store = Store::new();
    let apply_ingress = |object: Ingress| apply(Kind::Ingress, "x", Object::Ingress(object.into()));
    store.apply(apply_ingress(ingress("adit")));
    let mut with_status = ingress("adit");
    with_status.status = Some(IngressStatus::default());
    with_status.metadata.resource_version = Some("7".into());
    assert_eq!(store.apply(apply_ingress(with_status.clone())), []);
    assert_eq!(*store.ingress(&key(Kind::Ingress, "x")).expect("stored").object, with_status);
    assert_eq!(store.apply(apply_ingress(ingress("other"))), [Change::Object(key(Kind::Ingress, "x"))]);
}

#[test]
fn an_ingress_that_moved_in_its_file_changed() {
    let mut store = Store::new();
    let at = |line| {
        let place = Some(Place { file: "a.yaml".into(), document: 1, line });
        let object = Object::Ingress(ingress("adit").into());
        SourceEvent::Apply(Observed { key: key(Kind::Ingress, "x"), object, age: Age { created: None, place } })
    };
    assert_eq!(store.apply(at(1)).len(), 1);
    assert_eq!(store.apply(at(1)).len(), 0);
    assert_eq!(store.apply(at(2)).len(), 1);
}

#[test]
fn objects_of_gateway_api_are_found_until_they_are_deleted() {
    let mut store = Store::new();
    let objects: [(Kind, Object); 12] = [
        (Kind::Namespace, Object::Namespace(Arc::default())),
        (Kind::GatewayClass, Object::GatewayClass(Arc::default())),
        (Kind::Gateway, Object::Gateway(Arc::default())),
        (Kind::ListenerSet, Object::ListenerSet(Arc::default())),
        (Kind::HttpRoute, Object::HttpRoute(Arc::default())),
        (Kind::GrpcRoute, Object::GrpcRoute(Arc::default())),
        (Kind::TlsRoute, Object::TlsRoute(Arc::default())),
        (Kind::TcpRoute, Object::TcpRoute(Arc::default())),
        (Kind::UdpRoute, Object::UdpRoute(Arc::default())),
        (Kind::ReferenceGrant, Object::ReferenceGrant(Arc::default())),
        (Kind::BackendTlsPolicy, Object::BackendTlsPolicy(Arc::default())),
        (Kind::AditPolicy, Object::AditPolicy(Arc::default())),
    ];
    for (kind, object) in &objects {
        assert!(!store.has(*kind));
        assert_eq!(store.apply(apply(*kind, "x", object.clone())), [Change::Object(key(*kind, "x"))]);
        assert_eq!(store.apply(apply(*kind, "x", object.clone())), []);
        assert!(store.has(*kind));
    }
    for (kind, _) in &objects {
        assert_eq!(store.apply(SourceEvent::Delete(key(*kind, "x"))), [Change::Object(key(*kind, "x"))]);
        assert_eq!(store.apply(SourceEvent::Delete(key(*kind, "x"))), []);
        assert!(!store.has(*kind));
    }
}

#[test]
fn a_new_generation_is_a_change_and_a_new_version_is_none() {
    let mut store = Store::new();
    let mut gateway = Gateway::default();
    gateway.metadata.uid = Some("7".into());
    let set = |gateway: &Gateway| apply(Kind::Gateway, "x", Object::Gateway(gateway.clone().into()));
    assert_eq!(store.apply(set(&gateway)).len(), 1);
    gateway.metadata.resource_version = Some("2".into());
    assert_eq!(store.apply(set(&gateway)), []);
    gateway.metadata.generation = Some(2);
    assert_eq!(store.apply(set(&gateway)), [Change::Object(key(Kind::Gateway, "x"))]);
    assert_eq!(store.uid(&key(Kind::Gateway, "x")), Some("7"));
}

#[test]
fn slices_are_indexed_by_their_service() {
    let mut store = Store::new();
    let set = |name, service, address| apply(Kind::EndpointSlice, name, slice(service, address));
    assert_eq!(store.apply(set("a", "web", "10.0.0.1")), [service_change("web")]);
    assert_eq!(store.apply(set("b", "web", "10.0.0.2")), [service_change("web")]);
    assert_eq!(store.apply(set("b", "web", "10.0.0.2")), []);
    assert_eq!(store.endpoint_slices("shop", "web").count(), 2);
    assert_eq!(store.apply(set("b", "api", "10.0.0.2")), [service_change("web"), service_change("api")]);
    assert_eq!(store.endpoint_slices("shop", "web").count(), 1);
    assert_eq!(store.endpoint_slices("shop", "api").count(), 1);
    assert_eq!(store.apply(SourceEvent::Delete(key(Kind::EndpointSlice, "b"))), [service_change("api")]);
    assert_eq!(store.endpoint_slices("shop", "api").count(), 0);
    let unlabelled = Object::EndpointSlice(Arc::default());
    assert_eq!(store.apply(apply(Kind::EndpointSlice, "a", unlabelled)), [service_change("web")]);
    assert_eq!(store.endpoint_slices("shop", "web").count(), 0);
}

#[test]
fn of_a_slice_stays_what_is_read_of_it() {
    let mut store = Store::new();
    let pod = |text: &str| json!({"kind": "Pod", "name": "web-1", "uid": "7", "namespace": text});
    let endpoint = |text: &str, ready: bool| {
        let hints = json!({"forZones": [{"name": "a"}]});
        json!({"addresses": ["10.0.0.1"], "conditions": {"ready": ready}, "hints": hints, "targetRef": pod(text), "nodeName": text})
    };
    let slice = |text: &str, ready: bool, port: u16| {
        let metadata = json!({"labels": {SERVICE_NAME_LABEL: "web", "other": text}});
        let (endpoints, ports) = (json!([endpoint(text, ready)]), json!([{"port": port}]));
        let slice = json!({"metadata": metadata, "addressType": "IPv4", "endpoints": endpoints, "ports": ports});
        Object::EndpointSlice(serde_json::from_value(slice).expect("an EndpointSlice"))
    };
    let mut set = |slice| store.apply(apply(Kind::EndpointSlice, "a", slice));
    assert_eq!(set(slice("x", true, 80)), [service_change("web")]);
    assert_eq!(set(slice("y", true, 80)), []);
    assert_eq!(set(slice("y", true, 81)), [service_change("web")]);
    assert_eq!(set(slice("y", false, 81)), [service_change("web")]);
    let [slice] = store.endpoint_slices("shop", "web").collect::<Vec<_>>()[..] else { panic!("one slice") };
    let [endpoint] = &slice.endpoints[..] else { panic!("one endpoint") };
    let target = endpoint.target_ref.as_ref().expect("a Pod");
    let texts = [&target.kind, &target.name, &target.uid, &target.namespace, &endpoint.node_name].map(Option::as_deref);
    assert_eq!(texts, [Some("Pod"), Some("web-1"), Some("7"), None, None]);
    assert!(endpoint.addresses == ["10.0.0.1"] && endpoint.conditions.is_some() && endpoint.hints.is_some());
    assert_eq!(slice.ports[0].port, Some(81));
}

#[test]
fn endpoints_belong_to_the_service_of_their_name() {
    let mut store = Store::new();
    let mut endpoints = Endpoints::default();
    let address = EndpointAddress { ip: "11.11.11.11".into(), ..EndpointAddress::default() };
    endpoints.subsets = Some(vec![EndpointSubset { addresses: Some(vec![address]), ..EndpointSubset::default() }]);
    let set = |object: &Endpoints| apply(Kind::Endpoints, "web", Object::Endpoints(object.clone().into()));
    assert_eq!(store.apply(set(&endpoints)), [service_change("web")]);
    // As leader election on an Endpoints object does every two seconds.
    endpoints.metadata.annotations = Some(BTreeMap::from([("leader".to_owned(), "me".to_owned())]));
    assert_eq!(store.apply(set(&endpoints)), []);
    assert_eq!(store.apply(SourceEvent::Delete(key(Kind::Endpoints, "web"))), [service_change("web")]);
    assert!(store.endpoints("shop", "web").is_none());
}

#[test]
fn problems_of_a_part_replace_one_another() {
    let mut store = Store::new();
    let problems = |diagnostics| SourceEvent::Problems { part: "a.yaml".into(), diagnostics };
    let wrong = Diagnostic::error(Subject::other("File a.yaml"), "", "is not YAML");
    assert_eq!(store.apply(problems(vec![])), []);
    assert_eq!(store.apply(problems(vec![wrong.clone()])), [Change::Problems]);
    assert_eq!(store.apply(problems(vec![wrong.clone()])), []);
    assert_eq!(store.problems().collect::<Vec<_>>(), [&wrong]);
    assert_eq!(store.apply(problems(vec![])), [Change::Problems]);
    assert_eq!(store.problems().count(), 0);
}

#[test]
fn synced_is_said_once() {
    let mut store = Store::new();
    assert!(!store.is_synced());
    assert_eq!(store.apply(SourceEvent::Synced), [Change::Synced]);
    assert_eq!(store.apply(SourceEvent::Synced), []);
    assert!(store.is_synced());
}
