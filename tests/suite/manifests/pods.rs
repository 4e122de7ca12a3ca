//! The Pods: what they may do, how they are asked for their health, and how they are found.

use super::installation::{Installation, list, text, texts};
use controller::settings::ServeSettings;
use gateway::config::GatewaySettings;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn pods_may_do_no_more_than_bind_their_ports() {
    for install in Installation::all() {
        let pod = json!({
            "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}
        });
        assert_eq!(install.pod()["securityContext"], pod, "{}", install.name);
        let container = json!({
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}
        });
        assert_eq!(install.container()["securityContext"], container, "{}", install.name);
        // Nothing of the node, only room for temporary files: more than Adit takes of it.
        assert_eq!(list(&install.pod()["volumes"]).len(), 1, "{}", install.name);
        let room = &install.pod()["volumes"][0]["emptyDir"]["sizeLimit"];
        assert!(room == "2Gi" && GatewaySettings::default().temp_files <= 1 << 30, "{}: {room}", install.name);

        let level = install
            .of("Namespace")
            .map(|namespace| text(&namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]));
        let expected = match install.name.trim_end_matches("-takeover") {
            "daemonset" | "hostnetwork" => "privileged",
            _ => "restricted",
        };
        assert!(level.into_iter().all(|level| level == expected), "{}: expected {expected}", install.name);
    }
}

#[test]
fn the_network_is_the_hosts_only_where_its_name_says_so() {
    for install in Installation::all() {
        let expected = match install.name.starts_with("hostnetwork") {
            true => (json!(true), json!("ClusterFirstWithHostNet")),
            false => (Value::Null, Value::Null),
        };
        let pod = install.pod();
        assert_eq!((&pod["hostNetwork"], &pod["dnsPolicy"]), (&expected.0, &expected.1), "{}", install.name);
    }
}

#[test]
fn ports_are_those_that_adit_listens_on() {
    for install in Installation::all() {
        let ServeSettings { http_port, https_port, admin_port, .. } = install.settings().serve;
        let expected = [("http", http_port), ("https", https_port), ("admin", admin_port)];
        assert_eq!(ports(&install), expected.map(|(name, port)| (name.to_owned(), port.into())).into());
        for service in install.of("Service") {
            for port in list(&service["spec"]["ports"]) {
                assert_eq!(port["targetPort"], port["name"], "{}", install.name);
                assert_eq!(port["port"].as_u64(), ports(&install).get(&text(&port["name"])).copied());
            }
        }
    }
}

#[test]
fn probes_ask_what_the_admin_port_answers() {
    for install in Installation::all() {
        let settings = install.settings().serve;
        let health = settings.health_path.as_str();
        for (probe, path) in [("startupProbe", health), ("livenessProbe", health), ("readinessProbe", "/readyz")] {
            let expected = json!({"path": path, "port": "admin"});
            assert_eq!(install.container()[probe]["httpGet"], expected, "{}: {probe}", install.name);
        }
    }
}

#[test]
fn a_rollout_takes_no_pod_away_before_another_serves() {
    for install in Installation::all() {
        let workload = &install.workload()["spec"];
        if workload["replicas"] != Value::Null {
            assert_eq!(workload["replicas"], 2, "{}", install.name);
            assert_eq!(workload["strategy"]["rollingUpdate"]["maxUnavailable"], 0, "{}", install.name);
            let [spread] = spread(&install) else { panic!("{}: expected one preference", install.name) };
            assert_eq!(spread["podAffinityTerm"]["topologyKey"], "kubernetes.io/hostname", "{}", install.name);
        } else {
            assert_eq!(workload["updateStrategy"]["rollingUpdate"]["maxUnavailable"], 1, "{}", install.name);
        }
    }
}

/// The grace period of the Pod covers that in which connections are accepted and that in which requests may finish.
#[test]
fn a_pod_has_the_time_that_its_end_takes() {
    const DRAIN: u64 = 240;
    for install in Installation::all() {
        let given = install.pod()["terminationGracePeriodSeconds"].as_u64().expect("a grace period");
        let accepting = install.settings().serve.shutdown_grace.as_secs();
        assert!(given > accepting + DRAIN, "{}: {given} s", install.name);
    }
}

#[test]
fn cpu_is_asked_for_and_not_limited() {
    for install in Installation::all() {
        let resources = &install.container()["resources"];
        assert!(resources["requests"]["cpu"].is_string() && resources["requests"]["memory"].is_string());
        assert_eq!(resources["limits"]["cpu"], Value::Null, "{}", install.name);
    }
}

#[test]
fn selectors_select_the_pods() {
    for install in Installation::all() {
        let mut selectors = vec![install.workload()["spec"]["selector"]["matchLabels"].clone()];
        selectors.extend(install.of("Service").map(|service| service["spec"]["selector"].clone()));
        selectors.extend(install.of("PodDisruptionBudget").map(|pdb| pdb["spec"]["selector"]["matchLabels"].clone()));
        let terms = spread(&install).iter();
        selectors.extend(terms.map(|term| term["podAffinityTerm"]["labelSelector"]["matchLabels"].clone()));
        for selector in selectors {
            assert_eq!(selector, selected(&install), "{}", install.name);
        }
    }
}

/// The labels of the Pods by which they are selected: these do not change from one version to the next.
pub(super) fn selected(install: &Installation) -> Value {
    let mut labels = install.template()["metadata"]["labels"].clone();
    let labels_that_change = ["instance", "version", "part-of"].map(|name| format!("app.kubernetes.io/{name}"));
    labels.as_object_mut().expect("labels").retain(|name, _| !labels_that_change.contains(name));
    labels
}

#[test]
fn fault_n12_pods_go_where_they_can_run() {
    for install in Installation::all() {
        assert_eq!(install.pod()["nodeSelector"], json!({"kubernetes.io/os": "linux"}), "{}", install.name);
        let tolerated = texts(&install.pod()["tolerations"], "key");
        let expected: &[&str] = match &install.workload()["kind"] {
            kind if kind == "DaemonSet" => &["node-role.kubernetes.io/control-plane"],
            _ => &[],
        };
        assert_eq!(tolerated, expected, "{}", install.name);
    }
}

#[test]
fn fault_n12_objects_and_pods_say_what_they_are_part_of() {
    for install in Installation::all() {
        let ours = |object: &&Value| object["metadata"]["labels"]["app.kubernetes.io/name"] == "adit";
        for labelled in install.objects.iter().filter(ours).chain([install.template()]) {
            let labels = &labelled["metadata"]["labels"];
            for (name, value) in [("instance", "adit"), ("version", env!("CARGO_PKG_VERSION")), ("part-of", "adit")] {
                assert_eq!(labels[format!("app.kubernetes.io/{name}")], value, "{}: {labelled}", install.name);
            }
        }
    }
}

/// What keeps the Pods apart.
fn spread(install: &Installation) -> &[Value] {
    list(&install.pod()["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"])
}

fn ports(install: &Installation) -> BTreeMap<String, u64> {
    let ports = list(&install.container()["ports"]);
    ports.iter().map(|port| (text(&port["name"]), port["containerPort"].as_u64().expect("a port"))).collect()
}
