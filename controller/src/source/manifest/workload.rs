//! Workloads that run ingress-nginx: their arguments say how its objects are read.

use serde_json::Value;

/// The kinds that run it.
const KINDS: [&str; 3] = ["Deployment", "DaemonSet", "StatefulSet"];

/// What the names of its images contain. That of F5's controller, `nginx/nginx-ingress`, does not.
const IMAGES: [&str; 2] = ["ingress-nginx/controller", "nginx-ingress-controller"];

/// What its charts and manifests have as `app.kubernetes.io/name`.
const NAME: &str = "ingress-nginx";

/// Flags that nothing else with its label has.
const FLAGS: [&str; 3] = ["controller-class", "configmap", "ingress-class"];

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
}

/// Whether objects of this kind may be workloads.
pub(super) fn is_workload(api_version: &str, kind: &str) -> bool {
    api_version == "apps/v1" && KINDS.contains(&kind)
}

/// The workload, if it runs ingress-nginx.
pub(crate) fn read(object: &Value) -> Option<Workload> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let namespace = text("/metadata/namespace").unwrap_or("default");
    let containers = object.pointer("/spec/template/spec/containers")?.as_array()?;
    let is_labelled = text("/spec/template/metadata/labels/app.kubernetes.io~1name") == Some(NAME);
    let container = containers.iter().find(|container| runs_ingress_nginx(container, is_labelled))?;
    let args = arguments(container).into_iter().map(|arg| expand(arg, container, namespace));
    let name = format!("{} {namespace}/{}", text("/kind")?, text("/metadata/name")?);
    Some(Workload { name, args: args.collect() })
}

/// By its program or its image; where the Pods have its label, also by its flags: the image may have another name.
fn runs_ingress_nginx(container: &Value, is_labelled: bool) -> bool {
    let image = container["image"].as_str().unwrap_or_default();
    let is_flag = |word: &str| FLAGS.iter().any(|flag| word.trim_start_matches('-').starts_with(flag));
    words(container).any(|word| word == PROGRAM || is_labelled && is_flag(word))
        || IMAGES.iter().any(|name| image.contains(name))
}

/// What stands behind the program: a script may start it.
fn arguments(container: &Value) -> Vec<&str> {
    let words: Vec<_> = words(container).collect();
    let program = words.iter().position(|word| *word == PROGRAM);
    words[program.map_or(0, |program| program + 1)..].to_vec()
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
        read(&object)
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
    fn an_image_of_another_name_is_known_by_its_label_and_its_flags() {
        let labelled = |name: &str, container: &Value| {
            let metadata = json!({"labels": {"app.kubernetes.io/name": name}});
            let spec = json!({"template": {"metadata": metadata, "spec": {"containers": [container]}}});
            read(&json!({"kind": "DaemonSet", "metadata": {"name": "own"}, "spec": spec}))
        };
        let own = json!({"image": "mirror/own:1", "args": ["--controller-class=k8s.io/internal"]});
        let found = labelled("ingress-nginx", &own).expect("it runs ingress-nginx");
        assert_eq!(
            (&*found.name, &found.args[..]),
            ("DaemonSet default/own", &["--controller-class=k8s.io/internal".into()][..])
        );
        assert_eq!(labelled("adit", &own), None);
        assert_eq!(labelled("ingress-nginx", &json!({"image": "mirror/errors", "args": ["--port=1"]})), None);
    }

    #[test]
    fn what_starts_the_program_is_no_argument() {
        let script = json!({"image": "own", "command": ["/bin/sh", "/start"], "args": [PROGRAM, "--configmap=a/b"]});
        assert_eq!(workload(&script).expect("it runs ingress-nginx").args, ["--configmap=a/b"]);
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
