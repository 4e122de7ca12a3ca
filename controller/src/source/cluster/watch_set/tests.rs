use super::*;
use crate::object::Kind;
use crate::source::cluster::arrival::Arrival;
use serde_json::{Value, json};

struct Cluster {
    watch_set: WatchSet,
    watches: Vec<(WatchId, Watch)>,
}

impl Cluster {
    fn open(cluster: &ClusterSettings) -> Self {
        let (mut watch_set, watches) = WatchSet::open(&ControllerSettings::default(), cluster);
        assert_eq!(watch_set.discovered(Served::new()), Actions::default());
        Self { watch_set, watches }
    }

    fn id(&self, kind: &str) -> WatchId {
        let found = self.watches.iter().rev().find(|(_, watch)| watch.resource.kind() == kind);
        found.unwrap_or_else(|| panic!("no watch of {kind}")).0
    }

    fn report(&mut self, kind: &str, report: Report) -> Vec<SourceEvent> {
        let Actions { events, start, stop } = self.watch_set.handle(self.id(kind), report);
        self.watches.retain(|(id, _)| !stop.contains(id));
        self.watches.extend(start);
        events
    }

    fn apply(&mut self, kind: &str, object: Value) -> Vec<String> {
        shown(self.report(kind, Report::Event(WatchEvent::Apply(Arrival(object)))))
    }

    fn list(&mut self, kind: &str, objects: impl IntoIterator<Item = Value>) -> Vec<String> {
        let mut events = self.report(kind, Report::Event(WatchEvent::Listing));
        for object in objects {
            events.extend(self.report(kind, Report::Event(WatchEvent::Apply(Arrival(object)))));
        }
        events.extend(self.report(kind, Report::Event(WatchEvent::Listed)));
        shown(events)
    }

    fn fail(&mut self, kind: &str, cause: Cause) -> Vec<String> {
        shown(self.report(kind, Report::Failing(ApiFailure { cause, message: "no (4xx)".into() })))
    }

    fn config_maps(&self) -> Vec<String> {
        let maps = self.watches.iter().filter(|(_, watch)| watch.resource == Resource::Objects(Kind::ConfigMap));
        maps.map(|(_, watch)| watch.to_string()).collect()
    }
}

fn shown(events: Vec<SourceEvent>) -> Vec<String> {
    let show = |event| match event {
        SourceEvent::Apply(observed) => format!("+{}", observed.key),
        SourceEvent::Delete(key) => format!("-{key}"),
        SourceEvent::Problems { part, diagnostics } => format!("{} wrong: {part}", diagnostics.len()),
        SourceEvent::Zone(zone) => format!("zone {zone}"),
        SourceEvent::Synced => "synced".to_owned(),
    };
    events.into_iter().map(show).collect()
}

fn object(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop"}})
}

fn ingress(name: &str, headers: &str) -> Value {
    let annotations = json!({"nginx.ingress.kubernetes.io/custom-headers": headers});
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    json!({
        "metadata": {"name": name, "namespace": "shop", "annotations": annotations},
        "spec": {"defaultBackend": backend},
    })
}

#[test]
fn it_is_synced_when_every_kind_has_answered() {
    let mut cluster = Cluster::open(&ClusterSettings::default());
    for kind in ["Ingress", "Service", "EndpointSlice", "ConfigMap"] {
        assert_eq!(cluster.list(kind, []), [""; 0], "{kind}");
    }
    assert_eq!(cluster.fail("Secret", Cause::Other), [""; 0]);
    assert_eq!(cluster.fail("IngressClass", Cause::Forbidden), ["1 wrong: watch of IngressClass"]);
    assert_eq!(cluster.list("Secret", [object("tls")]), ["+Secret shop/tls", "synced"]);
    assert_eq!(cluster.list("Secret", [object("tls")]), ["+Secret shop/tls"]);
}

#[test]
fn what_is_refused_is_reported_once_and_until_it_is_allowed() {
    let mut cluster = Cluster::open(&ClusterSettings::default());
    cluster.list("Secret", [object("tls")]);
    assert_eq!(cluster.fail("Secret", Cause::Forbidden), ["1 wrong: watch of Secret of every namespace"]);
    assert_eq!(cluster.fail("Secret", Cause::Other), [""; 0]);
    assert_eq!(cluster.fail("Secret", Cause::Forbidden), [""; 0]);
    assert_eq!(cluster.watch_set.health(), WatchHealth::from([("Secret", false)]));
    assert_eq!(shown(cluster.report("Secret", Report::Healthy)), ["0 wrong: watch of Secret of every namespace"]);
    assert_eq!(cluster.watch_set.health(), WatchHealth::from([("Secret", true)]));
}

#[test]
fn config_maps_are_watched_while_something_names_them() {
    let mut cluster = Cluster::open(&ClusterSettings::default());
    assert_eq!(cluster.config_maps(), ["ConfigMap in adit (metadata.name=adit)"]);
    cluster.apply("Ingress", ingress("a", "headers"));
    cluster.apply("Ingress", ingress("b", "headers"));
    assert_eq!(cluster.config_maps()[1..], ["ConfigMap in shop (metadata.name=headers)"]);
    assert_eq!(cluster.list("ConfigMap", [object("headers")]), ["+ConfigMap shop/headers"]);
    cluster.apply("Ingress", ingress("a", ""));
    assert_eq!(cluster.config_maps().len(), 2);
    let events = cluster.list("Ingress", [ingress("a", "")]);
    assert_eq!(events, ["+Ingress shop/a", "-Ingress shop/b", "-ConfigMap shop/headers"]);
    assert_eq!(cluster.config_maps().len(), 1);
}

#[test]
fn it_is_not_synced_before_the_config_maps_that_are_named() {
    let mut cluster = Cluster::open(&ClusterSettings::default());
    for kind in ["IngressClass", "Service", "EndpointSlice", "Secret", "ConfigMap"] {
        cluster.list(kind, []);
    }
    assert_eq!(cluster.list("Ingress", [ingress("a", "headers")]), ["+Ingress shop/a"]);
    assert_eq!(cluster.list("ConfigMap", []), ["synced"]);
}

#[test]
fn a_stopped_watch_is_not_heard() {
    let mut cluster = Cluster::open(&ClusterSettings::default());
    cluster.apply("Ingress", ingress("a", "headers"));
    let id = cluster.id("ConfigMap");
    cluster.apply("Ingress", ingress("a", ""));
    let late = Report::Event(WatchEvent::Apply(Arrival(object("headers"))));
    assert_eq!(cluster.watch_set.handle(id, late), Actions::default());
}

#[test]
fn a_malformed_object_is_reported_and_keeps_what_it_was() {
    let mut cluster = Cluster::open(&ClusterSettings::default());
    assert_eq!(cluster.apply("Service", object("web")), ["+Service shop/web"]);
    let malformed = json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {"ports": 80}});
    assert_eq!(cluster.apply("Service", malformed), ["1 wrong: Service shop/web"]);
    assert_eq!(cluster.apply("Service", object("web")), ["0 wrong: Service shop/web", "+Service shop/web"]);
}

#[test]
fn only_objects_of_selected_namespaces_are_reported() {
    let namespaces = WatchedNamespaces::Labelled("team=a".into());
    let mut cluster = Cluster::open(&ClusterSettings { namespaces, ..ClusterSettings::default() });
    assert_eq!(cluster.apply("Ingress", ingress("a", "headers")), [""; 0]);
    assert_eq!(cluster.config_maps().len(), 1);
    let shop = json!({"metadata": {"name": "shop"}});
    assert_eq!(cluster.list("Namespace", [shop]), ["+Ingress shop/a"]);
    assert_eq!(cluster.config_maps().len(), 2);
    assert_eq!(cluster.list("Namespace", []), ["-Ingress shop/a"]);
    assert_eq!(cluster.config_maps().len(), 1);
}

/// Gateway API in these versions.
fn served(kinds: &[(Kind, &'static str)]) -> Served {
    kinds.iter().copied().collect()
}

const GATEWAY_API: [(Kind, &str); 4] =
    [(Kind::GatewayClass, "v1"), (Kind::Gateway, "v1"), (Kind::HttpRoute, "v1"), (Kind::ReferenceGrant, "v1beta1")];

impl Cluster {
    fn discovered(&mut self, kinds: &[(Kind, &'static str)]) -> Vec<String> {
        let Actions { events, start, stop } = self.watch_set.discovered(served(kinds));
        self.watches.retain(|(id, _)| !stop.contains(id));
        self.watches.extend(start);
        shown(events)
    }

    fn gateway_api(&self) -> Vec<String> {
        let paths = self.watches.iter().map(|(_, watch)| watch.path());
        let ours = |path: &String| path.contains("gateway") || path.ends_with("namespaces");
        paths.filter(ours).map(|path| path.trim_start_matches("/apis/gateway.networking.k8s.io/").to_owned()).collect()
    }
}

fn class(controller: &str) -> Value {
    json!({"metadata": {"name": "adit"}, "spec": {"controllerName": controller}})
}

/// Without Gateway API nobody can name them.
#[test]
fn policies_are_watched_beside_gateway_api() {
    let mut cluster = Cluster::open(&ClusterSettings::default());
    let watches_policies = |cluster: &Cluster| {
        cluster.watches.iter().any(|(_, watch)| watch.path() == "/apis/adit.dev/v1alpha1/aditpolicies")
    };
    let policies = (Kind::AditPolicy, "v1alpha1");
    cluster.discovered(&[policies]);
    assert!(!watches_policies(&cluster));
    cluster.discovered(&[&GATEWAY_API[..], &[policies]].concat());
    assert!(!watches_policies(&cluster), "no class is ours");
    cluster.list("GatewayClass", [class("adit.dev/gateway-controller")]);
    assert!(watches_policies(&cluster));
    cluster.discovered(&GATEWAY_API);
    assert!(!watches_policies(&cluster));
}

#[test]
fn gateway_api_is_watched_when_a_class_is_ours() {
    let mut cluster = Cluster::open(&ClusterSettings::default());
    assert_eq!((cluster.discovered(&GATEWAY_API), cluster.gateway_api()), (vec![], vec!["v1/gatewayclasses".into()]));
    cluster.list("GatewayClass", [class("example.com/other")]);
    assert_eq!(cluster.gateway_api().len(), 1);
    cluster.list("GatewayClass", [class("adit.dev/gateway-controller")]);
    let all = ["v1/gatewayclasses", "v1/gateways", "v1/httproutes", "v1beta1/referencegrants", "/api/v1/namespaces"];
    let sorted = |mut paths: Vec<String>| {
        paths.sort();
        paths
    };
    assert_eq!(sorted(cluster.gateway_api()), sorted(all.map(str::to_owned).into()));
    assert_eq!(cluster.list("GatewayClass", []), ["-GatewayClass adit"]);
    assert_eq!(cluster.gateway_api().len(), all.len(), "a class may be replaced");
}

#[test]
fn what_services_of_gateways_need_is_watched_when_a_class_is_ours() {
    let settings = ControllerSettings { published_service: "adit/adit".parse().ok(), ..ControllerSettings::default() };
    for (namespaces, slices) in [(WatchedNamespaces::All, 1), (WatchedNamespaces::One("shop".into()), 2)] {
        let (watch_set, watches) =
            WatchSet::open(&settings, &ClusterSettings { namespaces, ..ClusterSettings::default() });
        let mut cluster = Cluster { watch_set, watches };
        cluster.discovered(&GATEWAY_API);
        let list = "ConfigMap in adit (metadata.name=adit-gateway-ports)".to_owned();
        assert!(!cluster.config_maps().contains(&list));
        cluster.list("GatewayClass", [class("adit.dev/gateway-controller")]);
        assert!(cluster.config_maps().contains(&list));
        let of_slices =
            cluster.watches.iter().filter(|(_, watch)| watch.resource == Resource::Objects(Kind::EndpointSlice));
        assert_eq!(of_slices.count(), slices);
    }
}

#[test]
fn the_objects_of_a_kind_go_with_it_and_stay_with_another_version() {
    let mut cluster = Cluster::open(&ClusterSettings::default());
    cluster.discovered(&GATEWAY_API);
    cluster.list("GatewayClass", [class("adit.dev/gateway-controller")]);
    cluster.list("HTTPRoute", [object("web")]);
    cluster.list("ReferenceGrant", [object("grant"), object("other")]);
    let mut kinds = GATEWAY_API;
    kinds[3].1 = "v1";
    assert_eq!(cluster.discovered(&kinds), [""; 0]);
    assert!(cluster.gateway_api().contains(&"v1/referencegrants".to_owned()));
    assert_eq!(
        cluster.list("ReferenceGrant", [object("grant")]),
        ["+ReferenceGrant shop/grant", "-ReferenceGrant shop/other"]
    );
    assert_eq!(cluster.discovered(&[kinds[0], kinds[1], kinds[3]]), ["-HTTPRoute shop/web"]);
    assert_eq!(cluster.discovered(&[]), ["-GatewayClass adit", "-ReferenceGrant shop/grant"]);
    assert_eq!(cluster.gateway_api(), [""; 0]);
}

#[test]
fn it_is_not_synced_before_gateway_api_is() {
    let (watch_set, watches) = WatchSet::open(&ControllerSettings::default(), &ClusterSettings::default());
    let mut cluster = Cluster { watch_set, watches };
    for kind in ["Ingress", "IngressClass", "Service", "EndpointSlice", "Secret", "ConfigMap"] {
        assert_eq!(cluster.list(kind, []), [""; 0], "{kind}");
    }
    assert_eq!(cluster.discovered(&GATEWAY_API), [""; 0]);
    assert_eq!(cluster.list("GatewayClass", [class("adit.dev/gateway-controller")]), ["+GatewayClass adit"]);
    for kind in ["Gateway", "HTTPRoute", "ReferenceGrant"] {
        assert_eq!(cluster.list(kind, []), [""; 0], "{kind}");
    }
    assert_eq!(cluster.list("Namespace", []), ["synced"]);
}

#[test]
fn no_right_to_gateway_api_is_nothing_wrong() {
    let mut cluster = Cluster::open(&ClusterSettings::default());
    cluster.discovered(&GATEWAY_API);
    assert_eq!(cluster.fail("GatewayClass", Cause::Forbidden), [""; 0]);
    assert_eq!(cluster.watch_set.health(), WatchHealth::new());
    for kind in ["Ingress", "IngressClass", "Service", "EndpointSlice", "Secret"] {
        cluster.list(kind, []);
    }
    assert_eq!(cluster.list("ConfigMap", []), ["synced"]);
    assert_eq!(cluster.fail("GatewayClass", Cause::Other), [""; 0]);
    assert_eq!(cluster.watch_set.health(), WatchHealth::from([("GatewayClass", false)]));
}
