use super::*;
use crate::gateway_api::ServicePort;
use serde_json::from_value;

const HTTP: ServicePort = ServicePort { port: 80, is_udp: false };
const HTTPS: ServicePort = ServicePort { port: 443, is_udp: false };

fn edge() -> ObjectKey {
    ObjectKey::new(Kind::Gateway, "shop", "edge")
}

fn list_key() -> ObjectKey {
    ObjectKey::new(Kind::ConfigMap, "adit", "adit-gateway-ports")
}

fn wanted(ports: &[(ServicePort, Option<u16>)]) -> GatewayService {
    GatewayService {
        name: "edge-adit".into(),
        class: "adit".into(),
        owner: "u1".into(),
        service_type: ServiceType::LoadBalancer,
        labels: BTreeMap::from([("team".into(), "a".into())]),
        ports: ports.iter().copied().collect(),
        ..GatewayService::default()
    }
}

/// A cluster that does what it is told.
struct Cluster {
    plan: Plan,
    objects: BTreeMap<ObjectKey, Value>,
    version: u32,
}

impl Cluster {
    fn new() -> Self {
        let settings =
            ControllerSettings { published_service: "adit/adit".parse().ok(), ..ControllerSettings::default() };
        let mut cluster = Self { plan: Plan::new(&settings), objects: BTreeMap::new(), version: 0 };
        cluster.source("10.244.0.7");
        cluster
    }

    fn source(&mut self, address: &str) {
        let slice = json!({
            "metadata": {"name": "adit-x1", "namespace": "adit", "labels": {"kubernetes.io/service-name": "adit"}},
            "addressType": "IPv4",
            "endpoints": [{
                "addresses": [address], "conditions": {"ready": true}, "nodeName": "node1", "zone": "a",
                "targetRef": {"kind": "Pod", "name": "adit-0"},
            }],
            "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
        });
        self.put(&ObjectKey::new(Kind::EndpointSlice, "adit", "adit-x1"), slice);
    }

    /// An object is this now, in the cluster and in what the plan knows.
    fn put(&mut self, key: &ObjectKey, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = json!(format!("uid of {key}"));
        }
        let typed = match key.kind {
            Kind::Service => Object::Service(from_value(object.clone()).expect("a Service")),
            Kind::EndpointSlice => Object::EndpointSlice(from_value(object.clone()).expect("an EndpointSlice")),
            _ => Object::ConfigMap(from_value(object.clone()).expect("a ConfigMap")),
        };
        self.objects.insert(key.clone(), object);
        self.plan.observe(key, typed);
    }

    fn remove(&mut self, key: &ObjectKey) {
        self.objects.remove(key);
        self.plan.forget(key);
    }

    fn require(&mut self, service: OwnService) {
        let parts = StatusParts::Gateway {
            conditions: vec![],
            listeners: vec![],
            attached_sets: 0,
            addresses: vec![],
            service,
        };
        self.plan.require(&[(edge(), Some(Arc::new(ObjectStatus { generation: Some(1), parts })))]);
    }

    /// Writes all that is to be written, and says what that was.
    fn settle(&mut self) -> Vec<String> {
        let mut written = Vec::new();
        while let Some(change) = self.plan.next() {
            let (verb, key) = (change.verb.clone(), change.key.clone());
            let name = format!("{} {}", key.kind, key.name);
            match verb {
                Verb::Create(body) | Verb::Apply(body) => {
                    written.push(format!("+{name}"));
                    self.put(&key, body);
                }
                Verb::Merge(body) => {
                    written.push(format!("~{name}"));
                    let mut object = self.objects[&key].clone();
                    let data = object["data"].as_object_mut().expect("data");
                    data.extend(body["data"].as_object().expect("data").clone());
                    data.retain(|_, value| !value.is_null());
                    self.put(&key, object);
                }
                Verb::Delete(uid) => {
                    assert_eq!(self.objects[&key]["metadata"]["uid"], uid);
                    written.push(format!("-{name}"));
                    self.remove(&key);
                }
            }
            self.plan.written(&change);
        }
        written
    }

    /// The target ports in the list, by owner.
    fn targets(&self) -> BTreeMap<String, u16> {
        let data = self.objects.get(&list_key()).map(|list| list["data"].clone()).unwrap_or_default();
        let entries = data.as_object().into_iter().flatten();
        entries
            .map(|(port, owner)| (owner.as_str().unwrap_or_default().to_owned(), port.parse().expect("a port")))
            .collect()
    }

    fn target(&self, port: ServicePort) -> u16 {
        self.targets()[&port.of_gateway("shop", "edge")]
    }

    fn service(&self) -> &Value {
        &self.objects[&ObjectKey::new(Kind::Service, "shop", "edge-adit")]
    }

    fn slice(&self) -> &Value {
        &self.objects[&ObjectKey::new(Kind::EndpointSlice, "shop", "edge-adit-adit-x1")]
    }

    fn place(&mut self) -> Place {
        // By its type, which says whether the addresses are its own.
        let addresses = |service: &Service| {
            let kind = service.spec.as_ref().and_then(|spec| spec.type_.clone());
            kind.map(Address::Hostname).into_iter().collect()
        };
        let places = self.plan.take_places(addresses);
        places.into_iter().rev().find_map(|(gateway, place)| place.filter(|_| gateway == edge())).expect("a place")
    }
}

/// A Gateway with a Service at port 80.
fn with_service() -> Cluster {
    let mut cluster = Cluster::new();
    cluster.require(OwnService::Wanted(Box::new(wanted(&[(HTTP, None)]))));
    assert_eq!(cluster.settle(), ["+ConfigMap adit-gateway-ports"], "before it is known where the port is served");
    let target = cluster.target(HTTP);
    cluster.require(OwnService::Wanted(Box::new(wanted(&[(HTTP, Some(target))]))));
    assert_eq!(cluster.settle(), ["+Service edge-adit", "+EndpointSlice edge-adit-adit-x1"]);
    cluster
}

#[test]
fn a_gateway_has_a_service_with_the_endpoints_of_adit() {
    let cluster = with_service();
    let target = cluster.target(HTTP);
    let service = cluster.service();
    let ports = json!([{"name": "tcp-80", "port": 80, "protocol": "TCP", "targetPort": target}]);
    assert_eq!(service["spec"], json!({"type": "LoadBalancer", "ports": ports}));
    let labels = &service["metadata"]["labels"];
    assert_eq!((&labels["gateway.networking.k8s.io/gateway-name"], &labels["team"]), (&json!("edge"), &json!("a")));
    assert_eq!(service["metadata"]["ownerReferences"][0]["uid"], "u1");
    let slice = cluster.slice();
    assert_eq!(slice["ports"], json!([{"name": "tcp-80", "port": target, "protocol": "TCP"}]));
    let endpoint =
        json!({"addresses": ["10.244.0.7"], "conditions": {"ready": true}, "nodeName": "node1", "zone": "a"});
    assert_eq!(slice["endpoints"], json!([endpoint]));
    assert_eq!(slice["metadata"]["labels"]["kubernetes.io/service-name"], "edge-adit");
}

#[test]
fn what_is_there_is_not_written_again_and_what_changes_is() {
    let mut cluster = with_service();
    cluster.plan.review();
    assert_eq!(cluster.settle(), [""; 0]);
    cluster.source("10.244.1.9");
    assert_eq!(cluster.settle(), ["+EndpointSlice edge-adit-adit-x1"]);
    assert_eq!(cluster.slice()["endpoints"][0]["addresses"][0], "10.244.1.9");
    let mut changed = cluster.service().clone();
    changed["spec"]["ports"][0]["targetPort"] = json!(1);
    cluster.put(&ObjectKey::new(Kind::Service, "shop", "edge-adit"), changed);
    assert_eq!(cluster.settle(), ["+Service edge-adit"], "somebody else changed it");
    let mut unlabelled = wanted(&[(HTTP, Some(cluster.target(HTTP)))]);
    unlabelled.labels.clear();
    cluster.require(OwnService::Wanted(Box::new(unlabelled)));
    assert_eq!(cluster.settle()[0], "+Service edge-adit", "a label is to go");
}

#[test]
fn a_port_leaves_the_service_before_its_target_port_is_free() {
    let mut cluster = with_service();
    let http = cluster.target(HTTP);
    cluster.require(OwnService::Wanted(Box::new(wanted(&[(HTTP, Some(http)), (HTTPS, None)]))));
    assert_eq!(cluster.settle(), ["~ConfigMap adit-gateway-ports"]);
    let https = cluster.target(HTTPS);
    assert_eq!(cluster.target(HTTP), http, "nothing moves");
    cluster.require(OwnService::Wanted(Box::new(wanted(&[(HTTP, Some(http)), (HTTPS, Some(https))]))));
    assert_eq!(cluster.settle(), ["+Service edge-adit", "+EndpointSlice edge-adit-adit-x1"]);
    cluster.require(OwnService::Wanted(Box::new(wanted(&[(HTTPS, Some(https))]))));
    let written = ["+Service edge-adit", "+EndpointSlice edge-adit-adit-x1", "~ConfigMap adit-gateway-ports"];
    assert_eq!(cluster.settle(), written);
    assert_eq!(cluster.targets().into_values().collect::<Vec<_>>(), [https]);
}

#[test]
fn a_gateway_that_asks_for_none_any_more_loses_its_service() {
    let mut cluster = with_service();
    cluster.require(OwnService::Undecided);
    cluster.plan.review();
    assert_eq!(cluster.settle(), [""; 0], "something is wrong, and may be right again soon");
    cluster.require(OwnService::None);
    let written = ["-Service edge-adit", "-EndpointSlice edge-adit-adit-x1", "~ConfigMap adit-gateway-ports"];
    assert_eq!(cluster.settle(), written);
}

#[test]
fn the_target_port_of_a_gateway_that_is_gone_is_free_when_its_service_is() {
    let mut cluster = with_service();
    cluster.plan.forget(&edge());
    assert_eq!(cluster.settle(), [""; 0], "Kubernetes deletes what the Gateway owns");
    cluster.remove(&ObjectKey::new(Kind::Service, "shop", "edge-adit"));
    assert_eq!(cluster.settle(), [""; 0], "the EndpointSlice leads there still");
    cluster.remove(&ObjectKey::new(Kind::EndpointSlice, "shop", "edge-adit-adit-x1"));
    assert_eq!(cluster.settle(), ["~ConfigMap adit-gateway-ports"]);
    assert_eq!(cluster.targets(), BTreeMap::new());
}

#[test]
fn the_service_of_somebody_else_is_left_alone() {
    let mut cluster = Cluster::new();
    let foreign = json!({"metadata": {"name": "edge-adit", "namespace": "shop"}, "spec": {"selector": {"app": "x"}}});
    cluster.put(&ObjectKey::new(Kind::Service, "shop", "edge-adit"), foreign);
    cluster.require(OwnService::Wanted(Box::new(wanted(&[(HTTP, Some(20_001))]))));
    cluster.settle();
    assert_eq!(cluster.service()["spec"], json!({"selector": {"app": "x"}}));
    let Place { addresses, problem } = cluster.place();
    assert_eq!((addresses, problem.expect("a problem").0), (Vec::new(), "Invalid"));
}

#[test]
fn without_the_endpoints_of_adit_nothing_is_made() {
    let mut cluster = with_service();
    cluster.remove(&ObjectKey::new(Kind::EndpointSlice, "adit", "adit-x1"));
    assert_eq!(cluster.settle(), [""; 0], "those that are known stay");
}

#[test]
fn a_gateway_is_where_its_service_is() {
    let mut cluster = with_service();
    assert_eq!(cluster.place().addresses, [Address::Hostname("LoadBalancer".into())]);
    let mut service = cluster.service().clone();
    service["spec"]["type"] = json!("NodePort");
    cluster.put(&ObjectKey::new(Kind::Service, "shop", "edge-adit"), service);
    assert_eq!(cluster.place().addresses, [Address::Hostname("NodePort".into())]);
}

#[test]
fn what_is_refused_is_told_and_tried_again_later() {
    let mut cluster = Cluster::new();
    let service = GatewayService { address: Some("10.96.0.9".into()), ..wanted(&[(HTTP, Some(20_001))]) };
    let list = json!({"metadata": {"name": "adit-gateway-ports"}, "data": {"20001": "shop/edge:80/TCP"}});
    cluster.put(&list_key(), list);
    cluster.require(OwnService::Wanted(Box::new(service)));
    let change = cluster.plan.next().expect("a Service");
    cluster.plan.refused(&change, "provided IP is already allocated");
    let problem = cluster.place().problem.expect("a problem");
    assert_eq!(problem.0, "AddressNotUsable");
    assert!(problem.1.contains("already allocated"), "{}", problem.1);
    assert_eq!(cluster.settle(), ["+EndpointSlice edge-adit-adit-x1"]);
    cluster.plan.review();
    assert_eq!(cluster.settle(), ["+Service edge-adit"]);
    assert_eq!(cluster.place().problem, None);
}

#[test]
fn what_failed_is_tried_again_and_what_was_written_is_waited_for() {
    let mut cluster = Cluster::new();
    cluster.require(OwnService::Wanted(Box::new(wanted(&[(HTTP, None)]))));
    let change = cluster.plan.next().expect("the list");
    assert_eq!((cluster.plan.next(), cluster.plan.writing()), (None, 1));
    cluster.plan.failed(&change);
    assert_eq!(cluster.plan.next(), Some(change.clone()));
    cluster.plan.written(&change);
    assert_eq!((cluster.plan.next(), cluster.plan.writing()), (None, 0), "it is not seen yet");
}
