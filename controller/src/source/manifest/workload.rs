//! Workloads that run ingress-nginx: their arguments say how its objects are read.

use crate::diagnostic::Place;
use serde_json::Value;

/// The kinds that run it.
const KINDS: [&str; 3] = ["Deployment", "DaemonSet", "StatefulSet"];

/// What the names of its images contain. That of F5's controller, `nginx/nginx-ingress`, does not.
const IMAGES: [&str; 2] = ["ingress-nginx/controller", "nginx-ingress-controller"];

/// The program in its image.
const PROGRAM: &str = "/nginx-ingress-controller";

/// A workload that runs ingress-nginx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Such as `Deployment ingress-nginx/ingress-nginx-controller`.
    pub name: String,
    /// The arguments of its container, without the program. Environment variables in them have their values where the
    /// manifest has these.
    pub args: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

/// Whether objects of this kind may be workloads.
pub(super) fn is_workload(api_version: &str, kind: &str) -> bool {
    api_version == "apps/v1" && KINDS.contains(&kind)
}

/// The workload, if it runs ingress-nginx.
pub(super) fn read(object: &Value, place: Place) -> Option<Workload> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let namespace = text("/metadata/namespace").unwrap_or("default");
    let containers = object.pointer("/spec/template/spec/containers")?.as_array()?;
    let container = containers.iter().find(|container| runs_ingress_nginx(container))?;
    let args = words(container).filter(|arg| *arg != PROGRAM).map(|arg| expand(arg, container, namespace));
    let name = format!("{} {namespace}/{}", text("/kind")?, text("/metadata/name")?);
    Some(Workload { name, args: args.collect(), place })
}

fn runs_ingress_nginx(container: &Value) -> bool {
    let image = container["image"].as_str().unwrap_or_default();
    words(container).any(|word| word == PROGRAM) || IMAGES.iter().any(|name| image.contains(name))
}

/// Command and arguments, without the init process that the image starts with.
fn words(container: &Value) -> impl Iterator<Item = &str> {
    let list = |key: &str| container[key].as_array().into_iter().flatten().filter_map(Value::as_str);
    list("command").chain(list("args")).filter(|word| !matches!(*word, "/usr/bin/dumb-init" | "--"))
}

/// Replaces each `$(NAME)` whose value the manifest has, as the kubelet does.
fn expand(arg: &str, container: &Value, namespace: &str) -> String {
    let variables = container["env"].as_array().into_iter().flatten();
    variables.fold(arg.to_owned(), |arg, variable| {
        let Some(name) = variable["name"].as_str() else { return arg };
        let is_namespace =
            variable.pointer("/valueFrom/fieldRef/fieldPath").is_some_and(|path| path == "metadata.namespace");
        match variable["value"].as_str().or(is_namespace.then_some(namespace)) {
            Some(value) => arg.replace(&format!("$({name})"), value),
            None => arg,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workload(container: &Value) -> Option<Workload> {
        let metadata = json!({"name": "controller", "namespace": "ingress"});
        let spec = json!({"template": {"spec": {"containers": [{"name": "log", "image": "busybox"}, container]}}});
        let object = json!({"kind": "Deployment", "metadata": metadata, "spec": spec});
        read(&object, Place { file: "a.yaml".into(), document: 1, line: 1 })
    }

    #[test]
    fn arguments_have_the_values_of_variables() {
        let found = workload(&json!({
            "image": "registry.k8s.io/ingress-nginx/controller:v1.15.1@sha256:00",
            "args": ["/nginx-ingress-controller", "--configmap=$(POD_NAMESPACE)/$(MAP)", "--election-id=$(OTHER)"],
            "env": [
                {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                {"name": "MAP", "value": "settings"},
            ],
        }));
        let found = found.expect("it runs ingress-nginx");
        assert_eq!(found.name, "Deployment ingress/controller");
        assert_eq!(found.args, ["--configmap=ingress/settings", "--election-id=$(OTHER)"]);
    }

    #[test]
    fn others_are_not_taken_for_it() {
        for image in ["nginx/nginx-ingress:5", "registry.k8s.io/ingress-nginx/kube-webhook-certgen:v1", "nginx"] {
            assert_eq!(workload(&json!({"image": image, "args": ["--x"]})), None, "{image}");
        }
        assert!(workload(&json!({"image": "mirror/own", "command": ["/usr/bin/dumb-init", "--", PROGRAM]})).is_some());
        assert_eq!(workload(&json!({"image": 7, "args": "x"})), None);
    }
}
