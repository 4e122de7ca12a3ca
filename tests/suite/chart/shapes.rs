//! Values files as clouds, operators and guides have them (`tests/data/chart/shapes`).

use super::rendered::{Rendered, chart, data, helm, identity_of};
use super::typed;
use crate::manifests::{list, rule_texts, text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

/// What a file asks for, and where that is: file, object, place, JSON.
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    ("aws-nlb", "Deployment/adit-controller", "/spec/replicas", "3"),
    ("aws-nlb", "Service/adit-controller", "/spec/loadBalancerClass", r#""service.k8s.aws/nlb""#),
    ("aws-nlb", "Service/adit-controller", "/spec/externalTrafficPolicy", r#""Local""#),
    ("aws-nlb", "Service/adit-controller", "/spec/ports/1/targetPort", r#""http""#),
    (
        "aws-nlb",
        "Service/adit-controller",
        "/metadata/annotations/service.beta.kubernetes.io~1aws-load-balancer-cross-zone-load-balancing-enabled",
        r#""true""#,
    ),
    ("aws-nlb", "ConfigMap/adit-controller", "/data/use-forwarded-headers", r#""true""#),
    (
        "aws-nlb",
        "Deployment/adit-controller",
        "/spec/template/spec/topologySpreadConstraints/0/labelSelector/matchLabels/app.kubernetes.io~1name",
        r#""adit""#,
    ),
    ("aws-nlb-proxy-protocol", "Service/adit-controller", "/spec/ports/0/targetPort", r#""http""#),
    ("aws-nlb-proxy-protocol", "Service/adit-controller", "/spec/ports/1/targetPort", r#""http""#),
    ("aws-nlb-proxy-protocol", "ConfigMap/adit-controller", "/data/use-proxy-protocol", r#""true""#),
    ("gke", "Service/adit-controller", "/spec/loadBalancerIP", r#""203.0.113.10""#),
    ("gke", "Service/adit-controller", "/spec/loadBalancerSourceRanges/1", r#""192.0.2.0/24""#),
    ("gke", "Service/adit-controller-internal", "/spec/loadBalancerIP", r#""10.0.0.10""#),
    ("gke", "Service/adit-controller-internal", "/spec/type", r#""LoadBalancer""#),
    ("gke", "Service/adit-controller-internal", "/spec/ports/0/port", "8080"),
    ("gke", "Service/adit-controller-internal", "/spec/ports/1/port", "443"),
    ("azure-internal", "Deployment/adit-controller", "/spec/template/spec/nodeSelector/agentpool", r#""ingress""#),
    ("daemonset-hostnetwork", "DaemonSet/adit-controller", "/spec/template/spec/hostNetwork", "true"),
    ("daemonset-hostnetwork", "DaemonSet/adit-controller", "/spec/updateStrategy/rollingUpdate/maxUnavailable", "1"),
    (
        "daemonset-hostnetwork",
        "DaemonSet/adit-controller",
        "/spec/template/spec/priorityClassName",
        r#""system-cluster-critical""#,
    ),
    ("kind-hostport", "Deployment/adit-controller", "/spec/template/spec/containers/0/ports/0/hostPort", "80"),
    ("kind-hostport", "Deployment/adit-controller", "/spec/strategy/rollingUpdate/maxSurge", "0"),
    ("kind-hostport", "Service/adit-controller", "/spec/ports/1/nodePort", "30443"),
    ("autoscaling", "Deployment/adit-controller", "/spec/replicas", "null"),
    ("autoscaling", "HorizontalPodAutoscaler/adit-controller", "/spec/minReplicas", "3"),
    (
        "autoscaling",
        "HorizontalPodAutoscaler/adit-controller",
        "/spec/metrics/0/resource/target/averageUtilization",
        "70",
    ),
    ("autoscaling", "HorizontalPodAutoscaler/adit-controller", "/spec/metrics/1/type", r#""Pods""#),
    ("autoscaling", "HorizontalPodAutoscaler/adit-controller", "/spec/metrics/2", "null"),
    ("autoscaling", "PodDisruptionBudget/adit-controller", "/spec/minAvailable", "2"),
    ("autoscaling", "PodDisruptionBudget/adit-controller", "/spec/maxUnavailable", "null"),
    ("keda", "ScaledObject/adit-controller", "/spec/scaleTargetRef/name", r#""adit-controller""#),
    ("keda", "ScaledObject/adit-controller", "/spec/triggers/0/type", r#""prometheus""#),
    ("keda", "ScaledObject/adit-controller", "/spec/fallback/replicas", "8"),
    ("keda", "Deployment/adit-controller", "/spec/replicas", "null"),
    ("metrics", "ServiceMonitor/adit-controller", "/metadata/namespace", r#""monitoring""#),
    ("metrics", "ServiceMonitor/adit-controller", "/metadata/labels/release", r#""prometheus""#),
    ("metrics", "ServiceMonitor/adit-controller", "/spec/namespaceSelector/any", "true"),
    ("metrics", "ServiceMonitor/adit-controller", "/spec/sampleLimit", "100000"),
    ("metrics", "PrometheusRule/adit-controller", "/spec/groups/0/rules/0/alert", r#""ConfigFailed""#),
    ("metrics", "Service/adit-controller-metrics", "/spec/clusterIP", r#""None""#),
    ("tcp-udp", "ConfigMap/adit-tcp", "/data/6379", r#""databases/redis:6379:PROXY""#),
    ("tcp-udp", "ConfigMap/adit-udp", "/data/53", r#""kube-system/kube-dns:53""#),
    ("tcp-udp", "Service/adit-controller", "/spec/ports/2/name", r#""tls-5432-tcp""#),
    ("tcp-udp", "Service/adit-controller", "/spec/ports/2/nodePort", "30432"),
    ("tcp-udp", "Service/adit-controller", "/spec/ports/4/protocol", r#""UDP""#),
    (
        "second-release",
        "IngressClass/internal",
        "/metadata/annotations/ingressclass.kubernetes.io~1is-default-class",
        r#""true""#,
    ),
    ("second-release", "IngressClass/private", "/metadata/annotations", "null"),
    ("second-release", "ConfigMap/adit-controller", "/data/keep-alive-requests", r#""1000000""#),
    ("second-release", "ConfigMap/adit-controller", "/data/log-format-upstream", r#""{\"release\": \"adit\"}""#),
    ("network-policy", "NetworkPolicy/adit-controller", "/spec/ingress/0/ports/4/port", "8883"),
    ("network-policy", "NetworkPolicy/adit-defaultbackend", "/spec/ingress/0/ports/0/port", "8080"),
    ("network-policy", "Deployment/adit-defaultbackend", "/spec/replicas", "2"),
    ("admission-fail", "ValidatingWebhookConfiguration/adit-admission", "/webhooks/0/failurePolicy", r#""Fail""#),
    ("admission-fail", "ValidatingWebhookConfiguration/adit-admission", "/webhooks/0/timeoutSeconds", "20"),
    (
        "admission-fail",
        "ValidatingWebhookConfiguration/adit-admission",
        "/webhooks/0/namespaceSelector/matchExpressions/0/operator",
        r#""NotIn""#,
    ),
    ("admission-fail", "ValidatingWebhookConfiguration/adit-admission", "/webhooks/1/failurePolicy", r#""Fail""#),
    ("admission-fail", "ValidatingWebhookConfiguration/adit-admission", "/webhooks/1/timeoutSeconds", "20"),
    (
        "admission-fail",
        "ValidatingWebhookConfiguration/adit-admission",
        "/webhooks/1/matchConditions/0/expression",
        r#""object.metadata.name in [\"adit-controller\",\"adit-custom-add-headers\",\"adit-custom-proxy-headers\",\"adit-tcp\",\"adit-udp\",\"ports\",\"pages\"]""#,
    ),
    (
        "admission-fail",
        "ValidatingWebhookConfiguration/adit-admission",
        "/webhooks/1/namespaceSelector/matchExpressions/0/values",
        r#"["adit","shop"]"#,
    ),
    ("one-namespace", "Role/adit-watch", "/metadata/namespace", r#""shop""#),
    ("snippets-and-headers", "ConfigMap/adit-controller", "/data/allow-snippet-annotations", r#""true""#),
    (
        "snippets-and-headers",
        "Deployment/adit-controller",
        "/spec/template/spec/volumes/0/emptyDir/sizeLimit",
        r#""10Gi""#,
    ),
    ("snippets-and-headers", "ConfigMap/adit-controller", "/data/add-headers", r#""adit/adit-custom-add-headers""#),
    ("snippets-and-headers", "ConfigMap/adit-custom-add-headers", "/data/X-Shard", r#""1""#),
    ("snippets-and-headers", "ConfigMap/adit-custom-proxy-headers", "/data/X-Request-Start", r#""t=${msec}""#),
    (
        "private-registry",
        "Deployment/adit-controller",
        "/spec/template/spec/initContainers/0/image",
        r#""registry.example.com/wait:adit""#,
    ),
    (
        "private-registry",
        "Deployment/adit-defaultbackend",
        "/spec/template/spec/containers/0/image",
        r#""registry.example.com/mirror/custom-error-pages:2""#,
    ),
    ("private-registry", "ConfigMap/pages", "/data/404.html", r#""not found""#),
    ("private-registry", "HorizontalPodAutoscaler/adit-defaultbackend", "/spec/maxReplicas", "4"),
    ("old-chart", "DaemonSet/adit-controller", "/spec/template/spec/containers/0/resources", "null"),
    ("old-chart", "Deployment/adit-controller", "/spec/template/spec/containers/0/lifecycle", "null"),
];

/// Arguments that a file causes, after those that there are always.
const ARGUMENTS: &[(&str, &[&str])] = &[
    ("azure-internal", &["--publish-service=$(POD_NAMESPACE)/adit-controller-internal"]),
    ("daemonset-hostnetwork", &["--report-node-internal-ip-address"]),
    ("kind-hostport", &["--watch-ingress-without-class", "--publish-status-address=localhost"]),
    (
        "tcp-udp",
        &["--tcp-services-configmap=$(POD_NAMESPACE)/adit-tcp", "--udp-services-configmap=$(POD_NAMESPACE)/adit-udp"],
    ),
    (
        "second-release",
        &[
            "--controller-class=k8s.io/internal-ingress-nginx",
            "--ingress-class-by-name",
            "--election-id=internal-leader",
        ],
    ),
    ("network-policy", &["--default-backend-service=$(POD_NAMESPACE)/adit-defaultbackend"]),
    ("one-namespace", &["--watch-namespace=shop", "--ingress-class-by-name"]),
    ("selected-namespaces", &["--watch-namespace-selector=team=shop", "--enable-topology-aware-routing"]),
    (
        "snippets-and-headers",
        &[
            "--default-ssl-certificate=cert-manager/wildcard",
            "--enable-ssl-passthrough",
            "--v=2",
            "--update-status=false",
        ],
    ),
    ("private-registry", &["--http-port=8080", "--https-port=8443", "--validating-webhook=:9443"]),
];

fn names() -> Vec<String> {
    let entries = fs::read_dir(data().join("shapes")).expect("values files");
    let name = |entry: fs::DirEntry| entry.path().file_stem().expect("a name").to_string_lossy().into_owned();
    let mut names: Vec<_> = entries.map(|entry| name(entry.expect("a file"))).collect();
    names.sort();
    names
}

fn file(name: &str) -> String {
    data().join(format!("shapes/{name}.yaml")).to_str().expect("a path in UTF-8").to_owned()
}

/// The chart with its defaults, and with each file.
static ALL: LazyLock<BTreeMap<String, Rendered>> = LazyLock::new(|| {
    let with = |name: String| {
        let rendered = Rendered::make(&["-f", &file(&name)]).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, rendered)
    };
    let default = ("default".to_owned(), Rendered::make(&[]).expect("the chart with its defaults"));
    names().into_iter().map(with).chain([default]).collect()
});

fn render(name: &str) -> &'static Rendered {
    ALL.get(name).unwrap_or_else(|| panic!("there is no {name}.yaml"))
}

#[test]
fn helm_finds_nothing_wrong() {
    for name in names() {
        let chart = chart();
        let output = helm(&["lint", "--strict", chart.to_str().expect("a path in UTF-8"), "-f", &file(&name)]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn objects_are_what_kubernetes_reads() {
    for (name, rendered) in &*ALL {
        let mut identities = BTreeSet::new();
        for object in &rendered.objects {
            typed::check(object).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(identities.insert(identity_of(object)), "{name}: two of {}", identity_of(object));
        }
    }
}

/// The values that docs/migrating.md gives for a load balancer that ends TLS.
#[test]
fn the_documented_values_are_those_of_their_file() {
    let document = fs::read_to_string(chart().join("../../../docs/migrating.md")).expect("docs/migrating.md");
    let mut blocks = document.split("```yaml\n").filter_map(|rest| rest.split_once("```")).map(|(block, _)| block);
    let documented = blocks.find(|block| block.contains("use-proxy-protocol")).expect("values for a load balancer");
    let read = |text: &str| -> Value { serde_saphyr::from_str(text).expect("YAML") };
    let tested = fs::read_to_string(file("aws-nlb-proxy-protocol")).expect("a values file");
    assert_eq!(read(documented), read(&tested));
}

#[test]
fn files_get_what_they_ask_for() {
    for (name, object, place, expected) in EXPECTED {
        let rendered = render(name);
        let found = rendered.object(object).pointer(place).unwrap_or(&Value::Null);
        assert_eq!(found.to_string(), *expected, "{name}: {object}{place}");
    }
    for (name, expected) in ARGUMENTS {
        let arguments = render(name).arguments();
        for argument in *expected {
            assert!(arguments.iter().any(|given| given == argument), "{name}: {argument}: {arguments:?}");
        }
    }
}

#[test]
fn every_file_is_looked_at() {
    let looked_at: BTreeSet<_> =
        EXPECTED.iter().map(|(name, ..)| *name).chain(ARGUMENTS.iter().map(|(name, _)| *name)).collect();
    assert_eq!(names().iter().map(String::as_str).collect::<BTreeSet<_>>(), looked_at);
}

#[test]
fn every_argument_means_something_and_is_there_once() {
    for (name, rendered) in &*ALL {
        assert_eq!(rendered.flags().warnings, [""; 0], "{name}");
        let arguments = rendered.arguments();
        let flags: BTreeSet<_> = arguments.iter().map(|argument| argument.split('=').next()).collect();
        assert_eq!(flags.len(), arguments.len(), "{name}: {arguments:?}");
    }
}

/// Services, budgets and so on find the Pods, and ports that these have.
#[test]
fn selectors_and_ports_are_those_of_the_pods() {
    for (name, rendered) in &*ALL {
        let labels = &rendered.template()["metadata"]["labels"];
        let selects_us = |selector: &Value| selector["app.kubernetes.io/component"] == "controller";
        let selectors = rendered.objects.iter().flat_map(|object| {
            ["/spec/selector", "/spec/selector/matchLabels", "/spec/podSelector/matchLabels"]
                .map(|at| object.pointer(at))
        });
        for selector in selectors.flatten().filter(|selector| selects_us(selector)) {
            for (label, value) in selector.as_object().expect("labels") {
                assert_eq!(labels[label], *value, "{name}: {label}");
            }
        }
        let ports = list(&rendered.container()["ports"]);
        for service in rendered.of("Service").filter(|service| selects_us(&service["spec"]["selector"])) {
            for port in list(&service["spec"]["ports"]) {
                let target = &port["targetPort"];
                let is_there = |port: &Value| port["name"] == *target || port["containerPort"] == *target;
                assert!(ports.iter().any(is_there), "{name}: {service}");
            }
        }
    }
}

#[test]
fn every_role_is_bound_to_the_account_of_the_pods() {
    for (name, rendered) in &*ALL {
        let account = &rendered.template()["spec"]["serviceAccountName"];
        for kind in ["Role", "ClusterRole"] {
            let roles: BTreeSet<_> = rendered.of(kind).map(|role| text(&role["metadata"]["name"])).collect();
            let binding = format!("{kind}Binding");
            let bound: BTreeSet<_> = rendered.of(&binding).map(|binding| text(&binding["roleRef"]["name"])).collect();
            assert_eq!(roles, bound, "{name}");
            assert!(rendered.of(&binding).all(|binding| binding["subjects"][0]["name"] == *account), "{name}");
        }
    }
}

#[test]
fn rights_are_those_that_the_settings_need() {
    let allowed = |name: &str, kind: &str| -> BTreeSet<String> {
        let rendered = render(name);
        rendered.of(kind).flat_map(|role| list(&role["rules"])).flat_map(rule_texts).collect()
    };
    let nodes = "/nodes get";
    for name in ["kind-hostport", "daemonset-hostnetwork", "selected-namespaces"] {
        assert!(allowed(name, "ClusterRole").contains(nodes), "{name}");
    }
    assert!(!allowed("aws-nlb", "ClusterRole").contains(nodes));
    assert!(allowed("selected-namespaces", "ClusterRole").contains("/namespaces list watch"));
    assert!(!allowed("snippets-and-headers", "ClusterRole").contains("networking.k8s.io/ingresses/status patch"));
    assert!(allowed("one-namespace", "ClusterRole").is_empty(), "rights for one namespace only");
    let scoped = render("one-namespace");
    let of =
        |role: &str| -> BTreeSet<String> { list(&scoped.object(role)["rules"]).iter().flat_map(rule_texts).collect() };
    assert!(of("Role/adit-watch").contains("networking.k8s.io/ingresses list watch"));
    // Of the settings and of the Service for clients, which are not in the namespace that is watched.
    let (named, ingresses) = (of("Role/adit"), "networking.k8s.io/ingresses list watch");
    assert!(named.contains("/configmaps list watch") && named.contains("/services list watch"), "{named:?}");
    assert!(!named.contains(ingresses), "{named:?}");
}

/// A Service has no field that Kubernetes refuses for its type, whatever a file sets.
#[test]
fn fields_of_load_balancers_are_those_of_load_balancers_only() {
    let values = "controller.service.allocateLoadBalancerNodePorts=false,controller.service.loadBalancerClass=any,\
        controller.service.healthCheckNodePort=30000,controller.service.externalTrafficPolicy=Local";
    for (kind, expected) in [
        (
            "LoadBalancer",
            vec!["allocateLoadBalancerNodePorts", "externalTrafficPolicy", "healthCheckNodePort", "loadBalancerClass"],
        ),
        ("NodePort", vec!["externalTrafficPolicy"]),
        ("ClusterIP", vec![]),
    ] {
        let values = format!("controller.service.type={kind},{values}");
        let rendered = Rendered::make(&["--set", &values]).expect("a release");
        let spec = rendered.object("Service/adit-controller")["spec"].as_object().expect("a spec");
        let of_type = ["ipFamilyPolicy", "ports", "selector", "type"];
        let found: Vec<_> = spec.keys().map(String::as_str).filter(|name| !of_type.contains(name)).collect();
        assert_eq!(found, expected, "{kind}");
    }
}

/// A Pod that a file has on every node, or that has ports of its node, is nothing that a budget is for.
#[test]
fn budgets_are_for_several_pods_of_a_deployment() {
    for (name, rendered) in &*ALL {
        let budget = rendered.of("PodDisruptionBudget").any(|budget| budget["metadata"]["name"] == "adit-controller");
        let kinds: BTreeSet<_> = rendered.workloads().iter().map(|workload| text(&workload["kind"])).collect();
        assert_eq!(budget, kinds == ["Deployment".to_owned()].into(), "{name}: {kinds:?}");
    }
    let single = Rendered::make(&["--set", "controller.replicaCount=1"]).expect("a release");
    assert_eq!(single.of("PodDisruptionBudget").count(), 0, "its node could not be drained");
}

#[test]
fn two_releases_share_nothing() {
    let first = render("default");
    let second = Rendered::release("internal", &["-f", &file("second-release")]).expect("another release");
    let outside = |rendered: &Rendered| -> BTreeSet<String> {
        let outside = rendered.objects.iter().filter(|object| object["metadata"]["namespace"].is_null());
        outside.map(identity_of).collect()
    };
    assert!(outside(first).is_disjoint(&outside(&second)), "{:?}", outside(&second));
    let classes = |rendered: &Rendered| {
        let settings = rendered.flags().settings.controller;
        (settings.controller_classes, settings.ingress_classes)
    };
    let (first, second) = (classes(first), classes(&second));
    assert_eq!(second, (vec!["k8s.io/internal-ingress-nginx".to_owned()], vec!["internal".to_owned()]));
    assert_ne!((&first.0, &first.1), (&second.0, &second.1));
}

#[test]
fn every_object_is_in_the_namespace_of_the_release_or_that_of_its_value() {
    for values in ["", "namespaceOverride=edge"] {
        let rendered = Rendered::make(&["--set", values]).expect("a release");
        let expected = if values.is_empty() { "adit" } else { "edge" };
        for object in &rendered.objects {
            let is_outside = matches!(
                object["kind"].as_str().expect("a kind"),
                "ClusterRole" | "ClusterRoleBinding" | "IngressClass" | "ValidatingWebhookConfiguration"
            );
            let namespace = if is_outside { Value::Null } else { json!(expected) };
            assert_eq!(object["metadata"]["namespace"], namespace, "{values}: {object}");
        }
        for binding in rendered.of("RoleBinding").chain(rendered.of("ClusterRoleBinding")) {
            assert_eq!(binding["subjects"][0]["namespace"], expected, "{values}");
        }
    }
}

#[test]
fn names_are_those_that_the_values_say() {
    let named = |values: &str| Rendered::make(&["--set", values]).expect("a release");
    named("fullnameOverride=ingress-nginx").object("Service/ingress-nginx-controller");
    named("nameOverride=edge").object("Service/adit-edge-controller");
    let labelled = named("commonLabels.team=edge,controller.labels.tier=front");
    let labels = &labelled.object("Deployment/adit-controller")["metadata"]["labels"];
    assert_eq!((&labels["team"], &labels["tier"]), (&json!("edge"), &json!("front")));
}
