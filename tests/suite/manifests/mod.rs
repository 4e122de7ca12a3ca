//! What `kubectl apply -f manifests/install/...` installs: what must hold in each of these files, seen without a cluster.
//! That they are what the kustomizations say is checked by `make manifests-check`.

mod admission;
mod alerts;
mod gateway_api;
mod installation;
mod moving;
mod permissions;
mod pods;

pub(crate) use alerts::rules;
use installation::texts;
pub(crate) use installation::{Installation, directory, list, text};
pub(crate) use permissions::rule_texts;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

#[test]
fn every_overlay_is_rendered_and_where_it_makes_sense_with_takeover() {
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(directory().join(folder)).expect("a directory of manifests");
        let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("a name in UTF-8");
        entries.map(|entry| name(entry.expect("an entry"))).collect()
    };
    let mut expected: BTreeSet<_> = names("overlays").iter().map(|overlay| format!("{overlay}.yaml")).collect();
    let for_a_cluster = ["nodeport", "loadbalancer", "local", "daemonset", "hostnetwork"];
    expected.extend(for_a_cluster.map(|overlay| format!("{overlay}-takeover.yaml")));
    expected
        .extend(["monitoring.yaml", "admission.yaml", "gateway-api.yaml", "gateway-services.yaml"].map(str::to_owned));
    assert_eq!(names("install"), expected);
}

/// Kustomize 5.5, which kubectl 1.32 has, crashes on a patch that deletes several.
#[test]
fn a_patch_deletes_one_object() {
    let mut deletions = 0;
    for entry in walkdir::WalkDir::new(directory().join("overlays")) {
        let file = entry.expect("an overlay").into_path();
        if file.is_file() {
            let text = fs::read_to_string(&file).expect("a text");
            for patch in text.split("patch: |-") {
                let deleted = patch.matches("$patch: delete").count();
                assert!(deleted <= 1, "{}: {deleted} objects", file.display());
                deletions += deleted;
            }
        }
    }
    assert!(deletions > 0, "no overlay leaves anything out");
}

#[test]
fn every_argument_means_something() {
    for install in Installation::all() {
        assert_eq!(install.flags().warnings, Vec::<String>::new(), "{}", install.name);
    }
}

#[test]
fn one_place_names_the_image() {
    let images: BTreeSet<_> = Installation::all().iter().map(|install| text(&install.container()["image"])).collect();
    let base = fs::read_to_string(directory().join("base/kustomization.yaml")).expect("the base");
    let base: Value = serde_saphyr::from_str(&base).expect("a kustomization");
    let [image] = base["images"].as_array().expect("a list of images").as_slice() else { panic!("expected one image") };
    assert_eq!(images, [format!("{}:{}", text(&image["newName"]), text(&image["newTag"]))].into());
    assert_eq!(image["newTag"], env!("CARGO_PKG_VERSION"), "`make image` names it after the version");
}

#[test]
fn every_object_is_in_a_namespace_that_is_there() {
    for install in Installation::all() {
        let expected = match install.name.as_str() {
            // The one that `kubectl apply -n` names.
            "namespaced" => Value::Null,
            // That of ingress-nginx, which must outlive us.
            "migrate" | "migrated" => json!("ingress-nginx"),
            _ => install.only("Namespace")["metadata"]["name"].clone(),
        };
        for object in &install.objects {
            let is_outside = matches!(
                object["kind"].as_str().expect("a kind"),
                "Namespace" | "ClusterRole" | "ClusterRoleBinding" | "IngressClass"
            );
            let namespace = if is_outside { &Value::Null } else { &expected };
            assert_eq!(object["metadata"]["namespace"], *namespace, "{}: {object}", install.name);
        }
    }
}

#[test]
fn a_namespace_alone_gets_nothing_outside_of_it() {
    let install = Installation::named("namespaced");
    let kinds: BTreeSet<_> = install.objects.iter().map(|object| text(&object["kind"])).collect();
    let expected =
        ["Deployment", "PodDisruptionBudget", "Role", "RoleBinding", "Service", "ServiceAccount"].map(str::to_owned);
    assert_eq!(kinds, expected.into());
    let settings = install.settings();
    assert_eq!(settings.cluster.namespaces, controller::settings::WatchedNamespaces::One("POD_NAMESPACE".into()));
    assert!(settings.controller.class_by_name, "IngressClasses are out of sight");
}

#[test]
fn no_two_classes_have_one_controller_and_all_are_served() {
    for install in Installation::all() {
        let classes: Vec<_> = install.of("IngressClass").collect();
        let controllers: BTreeSet<_> = classes.iter().map(|class| text(&class["spec"]["controller"])).collect();
        assert_eq!(controllers.len(), classes.len(), "{}: {controllers:?}", install.name);
        let names: BTreeSet<_> = classes.iter().map(|class| text(&class["metadata"]["name"])).collect();
        let settings = install.settings().controller;
        let served: (BTreeSet<_>, BTreeSet<_>) =
            (settings.controller_classes.into_iter().collect(), settings.ingress_classes.into_iter().collect());
        match install.name.as_str() {
            "namespaced" => assert_eq!(names.len(), 0),
            "migrate" | "migrated" => {
                assert_eq!(names.len(), 0, "ingress-nginx has brought the class");
                assert_eq!(served, (["k8s.io/ingress-nginx".to_owned()].into(), ["nginx".to_owned()].into()));
            }
            name => {
                assert_eq!(names.contains("nginx"), name.ends_with("-takeover"), "{name}");
                assert_eq!(served, (controllers, names), "{name}");
            }
        }
    }
}

#[test]
fn settings_are_the_users_own() {
    for install in Installation::all() {
        assert_eq!(install.of("ConfigMap").count(), 0, "{}: applying it again would reset them", install.name);
        let named = install.settings().controller.configmap.expect("a ConfigMap").to_string();
        let expected = match install.name.as_str() {
            "migrate" | "migrated" => "POD_NAMESPACE/ingress-nginx-controller",
            _ => "POD_NAMESPACE/adit",
        };
        assert_eq!(named, expected, "{}", install.name);
    }
}

#[test]
fn clients_get_in_as_the_name_says() {
    for install in Installation::all() {
        let service = &install.only("Service")["spec"];
        assert_eq!(service["ipFamilyPolicy"], "PreferDualStack", "{}", install.name);
        let node_ports: Vec<_> = texts(&service["ports"], "nodePort");
        let host_ports: Vec<_> = texts(&install.container()["ports"], "hostPort");
        let (kind, policy, nodes, hosts) = match install.name.trim_end_matches("-takeover") {
            "nodeport" => (json!("NodePort"), Value::Null, vec!["30080", "30443"], vec![]),
            "loadbalancer" | "namespaced" => (json!("LoadBalancer"), Value::Null, vec![], vec![]),
            "local" => (json!("LoadBalancer"), json!("Local"), vec![], vec![]),
            "daemonset" | "hostnetwork" => (Value::Null, Value::Null, vec![], vec!["80", "443"]),
            "migrate" | "migrated" => (Value::Null, Value::Null, vec![], vec![]),
            name => panic!("{name}: expected an entry here"),
        };
        assert_eq!((&service["type"], &service["externalTrafficPolicy"]), (&kind, &policy), "{}", install.name);
        assert_eq!((node_ports, host_ports), (owned(&nodes), owned(&hosts)), "{}", install.name);
    }
}

/// The Service of ingress-nginx can be pointed at our Pods, and until then means none of them.
#[test]
fn migrate_leaves_ingress_nginx_alone() {
    let [migrate, migrated] = ["migrate", "migrated"].map(Installation::named);
    let labels = &migrate.template()["metadata"]["labels"];
    assert_ne!(labels["app.kubernetes.io/name"], "ingress-nginx");
    for object in &migrate.objects {
        assert!(text(&object["metadata"]["name"]).starts_with("adit"), "{object}");
    }
    let mut before = migrate.args();
    assert_eq!(before.pop().as_deref(), Some("--update-status=false"));
    assert_eq!(before, migrated.args(), "they differ in nothing else");
    assert!(before.contains(&"--publish-service=$(POD_NAMESPACE)/ingress-nginx-controller".to_owned()), "{before:?}");
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
