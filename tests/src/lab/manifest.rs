use super::kubectl::{apply, kubectl};
use super::wait::rolled_out;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A rendered file of `manifests/install`, as a user would apply it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    name: String,
    documents: String,
}

impl Manifest {
    /// The path of `manifests/install/NAME.yaml`.
    pub fn file(name: &str) -> PathBuf {
        manifests().join(format!("install/{name}.yaml"))
    }

    /// What `manifests/examples/NAME.yaml` has.
    ///
    /// # Errors
    /// There is no such file.
    pub fn example(name: &str) -> Result<String> {
        let path = manifests().join(format!("examples/{name}.yaml"));
        std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))
    }

    /// What that file has.
    ///
    /// # Errors
    /// There is no such file.
    pub fn read(name: &str) -> Result<Self> {
        let path = Self::file(name);
        let documents = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        Ok(Self { name: name.to_owned(), documents })
    }

    /// The same with another text in place of one that it has.
    ///
    /// # Errors
    /// It does not have that text.
    pub fn with(self, text: &str, other: &str) -> Result<Self> {
        anyhow::ensure!(self.documents.contains(text), "{}.yaml does not contain {text:?}", self.name);
        let name = format!("{} with {other:?}", self.name);
        Ok(Self { name, documents: self.documents.replace(text, other) })
    }

    /// The same with the objects of another file.
    ///
    /// # Errors
    /// There is no such file.
    pub fn and(self, name: &str) -> Result<Self> {
        let other = Self::read(name)?;
        let documents = format!("{}\n---\n{}", self.documents, other.documents);
        Ok(Self { name: format!("{} and {name}", self.name), documents })
    }

    /// What a kustomization of a user's own makes of `manifests/overlays/NAME`, with this patch (YAML).
    ///
    /// # Errors
    /// kustomize refuses.
    pub async fn patched(overlay: &str, patch: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        // kustomize takes no absolute paths.
        let root = "../".repeat(folder.path().canonicalize()?.components().count());
        let base = manifests().join("overlays").join(overlay).canonicalize()?;
        let kustomization = json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [format!("{root}{}", base.display())],
            "patches": [{"patch": patch}],
        });
        std::fs::write(folder.path().join("kustomization.yaml"), kustomization.to_string())?;
        let documents = kubectl(&format!("kustomize {}", folder.path().display())).await?;
        Ok(Self { name: format!("{overlay} with {patch:?}"), documents })
    }

    /// The same with these arguments after those that Adit has.
    ///
    /// # Errors
    /// It is not YAML.
    pub fn arguments(self, arguments: &[&str]) -> Result<Self> {
        self.changed(&["Deployment", "DaemonSet"], &format!("{arguments:?}"), |workload| {
            let given = &mut workload["spec"]["template"]["spec"]["containers"][0]["args"];
            if let Some(given) = given.as_array_mut() {
                given.extend(arguments.iter().map(|argument| Value::from(*argument)));
            }
        })
    }

    /// The same with these ports after those that its Service has.
    ///
    /// # Errors
    /// It is not YAML.
    pub fn ports(self, ports: &[Value]) -> Result<Self> {
        let what = ports.iter().map(ToString::to_string).collect::<String>();
        self.changed(&["Service"], &what, |service| {
            if let Some(given) = service["spec"]["ports"].as_array_mut() {
                given.extend_from_slice(ports);
            }
        })
    }

    fn changed(self, kinds: &[&str], what: &str, change: impl Fn(&mut Value)) -> Result<Self> {
        let mut objects = self.objects()?;
        let of_kind = |object: &&mut Value| object["kind"].as_str().is_some_and(|kind| kinds.contains(&kind));
        objects.iter_mut().filter(of_kind).for_each(change);
        Ok(Self { name: format!("{} with {what}", self.name), documents: documents(&objects) })
    }

    /// Its text.
    pub fn documents(&self) -> &str {
        &self.documents
    }

    /// Its objects.
    ///
    /// # Errors
    /// It is not YAML.
    pub fn objects(&self) -> Result<Vec<Value>> {
        Ok(serde_saphyr::from_multiple(&self.documents)?)
    }

    /// Applies it, and waits for its Pods.
    ///
    /// # Errors
    /// The API server refuses it, or its Pods are not ready in time.
    pub async fn install(&self) -> Result<()> {
        apply(&self.documents).await.with_context(|| self.name.clone())?;
        for object in self.objects()? {
            if let (kind @ ("Deployment" | "DaemonSet"), namespace, name) = identity(&object) {
                rolled_out(namespace, &format!("{kind}/{name}")).await?;
            }
        }
        Ok(())
    }

    /// The same beside any other: in another namespace, with an IngressClass and a controller's name of its own, cluster
    /// roles of its own, and without the node ports that the file chooses. All that has a name of its own begins with that
    /// of the namespace.
    pub(super) fn beside(self, namespace: &str) -> Result<Self> {
        let own = |name: &Value| json!(name.as_str().unwrap_or_default().replacen(NAMESPACE, namespace, 1));
        let own_webhook = |name: &mut Value| {
            if *name == WEBHOOK {
                *name = own(name);
            }
        };
        let mut objects = self.objects()?;
        for object in &mut objects {
            for rule in object["rules"].as_array_mut().into_iter().flatten() {
                rule["resourceNames"].as_array_mut().into_iter().flatten().for_each(own_webhook);
            }
            match object["kind"].as_str().unwrap_or_default() {
                "Namespace" | "ClusterRole" => object["metadata"]["name"] = own(&object["metadata"]["name"]),
                "RoleBinding" => object["subjects"][0]["namespace"] = json!(namespace),
                "ClusterRoleBinding" => {
                    object["metadata"]["name"] = own(&object["metadata"]["name"]);
                    object["roleRef"]["name"] = own(&object["roleRef"]["name"]);
                    object["subjects"][0]["namespace"] = json!(namespace);
                }
                "IngressClass" => {
                    object["metadata"]["name"] = own(&object["metadata"]["name"]);
                    object["spec"]["controller"] = own(&object["spec"]["controller"]);
                }
                "GatewayClass" => {
                    object["metadata"]["name"] = own(&object["metadata"]["name"]);
                    object["spec"]["controllerName"] = own(&object["spec"]["controllerName"]);
                }
                "ValidatingWebhookConfiguration" => {
                    own_webhook(&mut object["metadata"]["name"]);
                    for webhook in object["webhooks"].as_array_mut().into_iter().flatten() {
                        let service = &mut webhook["clientConfig"]["service"];
                        own_webhook(&mut service["name"]);
                        service["namespace"] = json!(namespace);
                        if let Some(selector) = webhook.pointer_mut("/namespaceSelector/matchExpressions/0/values") {
                            *selector = json!([namespace]);
                        }
                    }
                }
                "Service" => {
                    own_webhook(&mut object["metadata"]["name"]);
                    for port in object["spec"]["ports"].as_array_mut().into_iter().flatten() {
                        if port["name"] == "http" || port["name"] == "https" {
                            port.as_object_mut().and_then(|port| port.remove("nodePort"));
                        }
                    }
                }
                "Deployment" | "DaemonSet" => {
                    let arguments = &mut object["spec"]["template"]["spec"]["containers"][0]["args"];
                    for argument in arguments.as_array_mut().into_iter().flatten() {
                        let name = argument.as_str().and_then(flag);
                        if let Some("--controller-class" | "--ingress-class" | "--validating-webhook-name") = name {
                            *argument = own(argument);
                        }
                    }
                }
                _ => {}
            }
            if object["metadata"]["namespace"] == NAMESPACE {
                object["metadata"]["namespace"] = json!(namespace);
            }
        }
        Ok(Self { name: format!("{} in {namespace}", self.name), documents: documents(&objects) })
    }

    /// What of it is in no namespace, nor goes with one, and has a name that begins so: as `Kind/name`, for kubectl.
    pub(super) fn cluster_wide(&self, prefix: &str) -> Result<Vec<String>> {
        let objects = self.objects()?;
        let theirs = objects.iter().map(identity);
        let theirs = theirs.filter(|(_, namespace, name)| namespace.is_empty() && name.starts_with(prefix));
        Ok(theirs.map(|(kind, _, name)| format!("{kind}/{name}")).collect())
    }
}

/// The namespace that the files name, and what names of objects in none begin with.
pub(super) const NAMESPACE: &str = "adit";

/// The name of what belongs to the admission webhook, some of which is in no namespace.
const WEBHOOK: &str = "adit-admission";

fn flag(argument: &str) -> Option<&str> {
    argument.split('=').next()
}

/// Objects as YAML documents.
fn documents(objects: &[Value]) -> String {
    // JSON is YAML, too.
    objects.iter().map(|object| format!("---\n{object}\n")).collect()
}

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests")
}

/// Kind, namespace and name.
fn identity(object: &Value) -> (&str, &str, &str) {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    (text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
}
