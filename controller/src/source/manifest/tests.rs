use super::*;
use crate::object::Object;
use k8s_openapi::api::networking::v1::Ingress;
use proptest::prelude::*;

fn read(text: &str) -> Manifest {
    parse(&"shop.yaml".into(), text.as_bytes())
}

fn keys(manifest: &Manifest) -> Vec<String> {
    manifest.objects.iter().map(|observed| observed.key.to_string()).collect()
}

fn said(manifest: &Manifest) -> Vec<String> {
    manifest.diagnostics.iter().map(Diagnostic::to_string).collect()
}

fn ingress(manifest: &Manifest) -> &Ingress {
    match &manifest.objects[0].object {
        Object::Ingress(ingress) => ingress,
        other => panic!("an Ingress, not {other:?}"),
    }
}

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n";

#[test]
fn every_kind_is_read() {
    let manifest = read(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a, namespace: x}\nspec: {rules: [{host: a.b}]}\n\
         ---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: b, namespace: ignored}\n\
         ---\napiVersion: v1\nkind: Service\nmetadata: {name: c}\n\
         ---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: d}\naddressType: IPv4\nendpoints: []\n\
         ---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: e}\n\
         ---\napiVersion: v1\nkind: Secret\nmetadata: {name: f}\ndata: {a: eA==}\n\
         ---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: g}\n",
    );
    assert_eq!(said(&manifest), [""; 0]);
    assert_eq!(
        keys(&manifest),
        [
            "Ingress x/a",
            "IngressClass b",
            "Service default/c",
            "EndpointSlice default/d",
            "Endpoints default/e",
            "Secret default/f",
            "ConfigMap default/g"
        ]
    );
    let places: Vec<_> = manifest.objects.iter().map(|o| o.age.place.as_ref().expect("a place")).collect();
    assert_eq!((places[1].document, places[1].line), (2, 6));
    assert!(places.is_sorted());
}

#[test]
fn kinds_of_gateway_api_are_read_of_two_versions() {
    let manifest = read(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: a}\n\
         ---\napiVersion: gateway.networking.k8s.io/v1beta1\nkind: Gateway\nmetadata: {name: b}\n\
         ---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: c}\nspec: {hostname: x}\n\
         ---\napiVersion: gateway.networking.k8s.io/v1alpha2\nkind: TCPRoute\nmetadata: {name: d}\n\
         ---\napiVersion: v1\nkind: Namespace\nmetadata: {name: e}\n\
         ---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: f}\n",
    );
    assert_eq!(keys(&manifest), ["GatewayClass a", "Gateway default/b", "HTTPRoute default/c", "Namespace e"]);
    assert_eq!(
        said(&manifest),
        [
            "warning: HTTPRoute default/c: spec.hostname: is not a field of this kind; it is ignored; did you mean \
             \"hostnames\"? (shop.yaml, document 3, line 12)",
            "warning: File shop.yaml: kind: \"TCPRoute\" of apiVersion \"gateway.networking.k8s.io/v1alpha2\" is not read: \
             expected TCPRoute of gateway.networking.k8s.io/v1 (shop.yaml, document 4, line 14)",
        ]
    );
    assert_eq!(manifest.foreign, [("Gateway".to_owned(), 1)].into());
}

#[test]
fn json_and_lists_are_read() {
    let manifest = read(
        r#"{"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "ServiceList", "items": [{"metadata": {"name": "a"}}]},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b",
              "creationTimestamp": "2024-05-01T00:00:00Z"}, "data": {"x": 1}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "creationTimestamp": "1970-01-01T00:01:00Z"}}
        ]}"#,
    );
    assert_eq!(keys(&manifest), ["Service default/a", "ConfigMap default/c"]);
    assert_eq!(manifest.objects[1].age.created, Some(60));
    assert_eq!(
        said(&manifest),
        [
            "error: ConfigMap default/b: data.x: \"1\" is a number, not a string: put it in quotes (shop.yaml, document 1, line 5)"
        ]
    );
    assert_eq!(said(&read("apiVersion: v1\nkind: List\nitems:\n")), [""; 0]);
    assert_eq!(read("apiVersion: v1\nkind: List\nitems: {}\n").diagnostics.len(), 1);
}

#[test]
fn a_wrong_type_is_reported_with_field_and_line() {
    let manifest = read(&format!(
        "{SERVICE}---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: shop\nspec:\n  rules:\n  - http:\n      \
         paths:\n      - path: /\n        pathType: Prefix\n        backend:\n          service:\n            name: web\n            \
         port:\n              number: eighty\n"
    ));
    assert!(manifest.is_broken);
    assert_eq!(keys(&manifest), ["Service default/web"]);
    assert_eq!(
        said(&manifest),
        [
            "error: Ingress default/shop: spec.rules[0].http.paths[0].backend.service.port.number: \"eighty\" is not a 32-bit \
          integer (shop.yaml, document 2, line 19)"
        ]
    );
}

#[test]
fn a_broken_document_does_not_hide_the_others() {
    let manifest =
        read(&format!("a: [\n---\n{SERVICE}---\njust text\n--- # empty\n---\nkind: Service\napiVersion: v1\n"));
    assert!(manifest.is_broken);
    assert_eq!(keys(&manifest), ["Service default/web"]);
    let found: Vec<_> = manifest
        .diagnostics
        .iter()
        .map(|d| (d.object.to_string(), &*d.field, d.place.as_ref().map(|place| (place.document, place.line))))
        .collect();
    assert_eq!(
        found,
        [
            ("File shop.yaml".to_owned(), "", Some((1, 1))),
            ("File shop.yaml".to_owned(), "", Some((3, 7))),
            ("File shop.yaml".to_owned(), "metadata.name", Some((5, 10))),
        ]
    );
}

#[test]
fn other_kinds_are_passed_over_and_misspelt_ones_are_not() {
    for silent in [
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: many}\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: Node\n",
        "apiVersion: route.openshift.io/v1\nkind: Route\n",
        "apiVersion: serving.knative.dev/v1\nkind: Service\n",
        "apiVersion: config.openshift.io/v1\nkind: Ingress\n",
        "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\n",
        "apiVersion: apps/v1\nkind: DeploymentList\nitems: [{}]\n",
        "# nothing\n",
        "",
    ] {
        assert_eq!(said(&read(silent)), [""; 0], "{silent}");
    }
    for warned in [
        "kind: Service\n",
        "apiVersion: v1\n",
        "replicas: 3\n",
        "apiVersion: v1\nkind: Ingress\n",
        "apiVersion: networking/v1\nkind: Ingress\n",
        "apiVersion: networking.k8s.io/v1\nkind: Ingresses\n",
        "apiVersion: networking.k8s.io/v1\nkind: ingressclass\n",
        "apiVersion: v1\nkind: Endpoint\n",
        "apiVersion: v1\nkind: Configmap\n",
        "apiVersion: v2\nkind: Service\n",
        "apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\n",
    ] {
        let manifest = read(warned);
        assert_eq!(manifest.diagnostics.len(), 1, "{warned}");
        assert!(said(&manifest)[0].starts_with("warning: "), "{warned}");
        assert!(!manifest.is_broken, "{warned}");
    }
}

#[test]
fn the_first_of_two_objects_with_one_key_wins() {
    let manifest = read(&format!("{SERVICE}---\n{SERVICE}"));
    assert_eq!(keys(&manifest), ["Service default/web"]);
    assert_eq!(
        said(&manifest),
        [
            "error: Service default/web: is defined before, in shop.yaml, document 1, line 1: that one is served, and this one is \
          ignored (shop.yaml, document 2, line 5)"
        ]
    );
}

#[test]
fn a_file_that_is_not_text_is_reported() {
    let manifest = parse(&"shop.yaml".into(), b"kind: Service\n# \xff\n");
    assert!(manifest.is_broken);
    assert_eq!(
        said(&manifest),
        [
            "error: File shop.yaml: is not UTF-8 text: byte 16 is invalid; nothing of it is read (shop.yaml, document 1, line 2)"
        ]
    );
    assert_eq!(keys(&read(&format!("\u{feff}{SERVICE}"))), ["Service default/web"]);
    assert_eq!(keys(&read(&SERVICE.replace('\n', "\r\n"))), ["Service default/web"]);
}

/// As many guides have it: no class, no pathType, and a path without a value.
const V1BETA1: &str = "\
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata:
  name: ingress-nginx
  annotations:
    nginx.ingress.kubernetes.io/rewrite-target: /
spec:
  rules:
  - http:
      paths:
      - path:
        backend: {serviceName: hname-svc-default, servicePort: 80}
      - path: /ip
        backend: {serviceName: ip-svc, servicePort: 80}
      - path: /your-directory
        backend: {serviceName: your-svc, servicePort: 80}
";

#[test]
fn an_ingress_of_v1beta1_is_read_as_v1() {
    let manifest = read(V1BETA1);
    assert!(!manifest.is_broken);
    assert_eq!(manifest.diagnostics.len(), 1);
    let warning = &manifest.diagnostics[0];
    assert_eq!((&*warning.field, warning.value.as_deref()), ("apiVersion", Some("networking.k8s.io/v1beta1")));
    assert!(!warning.message.contains('\n'), "{warning}");
    let [upgraded] = &manifest.upgraded[..] else { panic!("{:?}", manifest.upgraded) };
    let again = read(&upgraded.object.to_string());
    assert_eq!(said(&again), [""; 0]);
    assert_eq!(ingress(&again), ingress(&manifest));

    let rules = ingress(&manifest).spec.as_ref().and_then(|spec| spec.rules.as_ref()).expect("rules");
    let paths = &rules[0].http.as_ref().expect("http").paths;
    let read: Vec<_> = paths
        .iter()
        .map(|path| {
            let service = path.backend.service.as_ref().expect("a Service");
            let port = service.port.as_ref().and_then(|port| port.number);
            (path.path.as_deref(), path.path_type.as_str(), service.name.as_str(), port)
        })
        .collect();
    let kind = "ImplementationSpecific";
    assert_eq!(
        read,
        [
            (None, kind, "hname-svc-default", Some(80)),
            (Some("/ip"), kind, "ip-svc", Some(80)),
            (Some("/your-directory"), kind, "your-svc", Some(80))
        ]
    );
}

#[test]
fn a_comment_with_slashes_is_explained_and_costs_its_path_only() {
    let manifest = read(
        &V1BETA1.replace("{serviceName: ip-svc, servicePort: 80}", "{serviceName: ip-svc // by IP, servicePort: 80}"),
    );
    let error = &manifest.diagnostics[1];
    assert_eq!(&*error.field, "spec.rules[0].http.paths[1].backend.service.name");
    assert_eq!(error.value.as_deref(), Some("ip-svc // by IP"));
    assert!(error.message.contains("not a Service name") && error.message.contains("begin with '#'"), "{error}");
    assert_eq!(error.place.as_ref().map(|place| place.line), Some(14));
    let rules = ingress(&manifest).spec.as_ref().and_then(|spec| spec.rules.as_ref()).expect("rules");
    let paths = &rules[0].http.as_ref().expect("http").paths;
    assert_eq!(paths.iter().map(is_path_left_out).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn no_diagnostic_shows_a_secret() {
    for data in
        ["data: {key: hunter2}", "stringData: {key: [hunter2]}", "data: hunter2", "data: {key: hunter2, key: hunter2}"]
    {
        let manifest = read(&format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{data}\n"));
        assert_eq!(manifest.diagnostics.len(), 1, "{data}");
        assert!(!said(&manifest)[0].contains("hunter2"), "{}", said(&manifest)[0]);
    }
}

#[test]
fn a_manifest_of_ten_megabytes_is_read() {
    let path = "      - {path: /p, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}\n";
    let paths = path.repeat(5_000);
    let padding = "x".repeat((10 << 20) - paths.len());
    let manifest = read(&format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: big}}\nspec:\n  rules:\n  - http:\n      paths:\n{paths}\
         ---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: bigger}}\ndata: {{text: {padding}}}\n"
    ));
    assert_eq!(said(&manifest), [""; 0]);
    assert_eq!(keys(&manifest), ["Ingress default/big", "ConfigMap default/bigger"]);
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "(\\PC|\n|---\n|kind: |Ingress\n|apiVersion: |- |\\{|\\[|spec:\n  ){0,60}") {
        read(&text);
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        parse(&"f".into(), &bytes);
    }
}
