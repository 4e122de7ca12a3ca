use super::entry::Entry;
use super::kubectl::{apply, delete, kubectl};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What is installed now. Tests that are content with Adit as most would install it share it; others wait until they
/// have it for themselves.
static INSTALLED: RwLock<Option<Manifest>> = RwLock::const_new(None);

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
        // JSON is YAML, too.
        let documents = objects.iter().map(|object| format!("---\n{object}\n")).collect();
        Ok(Self { name: format!("{} with {what}", self.name), documents })
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
            if let Some(("Deployment" | "DaemonSet", namespace, name)) = identity(&object) {
                let kind = object["kind"].as_str().unwrap_or_default();
                kubectl(&format!("--namespace={namespace} rollout status {kind}/{name} --timeout=180s")).await?;
            }
        }
        Ok(())
    }

    /// Deletes what it has and `other` has not.
    async fn make_way_for(&self, other: &Self) -> Result<()> {
        let stays = other.objects()?;
        let stays: BTreeSet<_> = stays.iter().filter_map(identity).collect();
        let objects = self.objects()?;
        let goes = objects.iter().filter(|object| identity(object).is_some_and(|object| !stays.contains(&object)));
        let goes: String = goes.map(|object| format!("---\n{object}\n")).collect();
        if goes.is_empty() { Ok(()) } else { delete(&goes).await }
    }
}

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests")
}

/// Kind, namespace and name.
fn identity(object: &Value) -> Option<(&str, &str, &str)> {
    let metadata = &object["metadata"];
    Some((object["kind"].as_str()?, metadata["namespace"].as_str().unwrap_or_default(), metadata["name"].as_str()?))
}

/// Adit in the cluster, for as long as a test has it.
#[derive(Debug)]
pub struct Installed {
    /// Where it can be reached, node by node.
    pub entries: Vec<Entry>,
    _held: Held,
}

#[derive(Debug)]
#[allow(dead_code, reason = "they are held, not read")]
enum Held {
    Shared(RwLockReadGuard<'static, Option<Manifest>>),
    Alone(Alone),
}

/// Forgets what is installed when it goes: the test may have changed it.
#[derive(Debug)]
struct Alone(RwLockWriteGuard<'static, Option<Manifest>>);

impl Drop for Alone {
    fn drop(&mut self) {
        // Its objects are known for as long as they may have to make way.
        if let Some(manifest) = self.0.as_mut() {
            manifest.name.clear();
        }
    }
}

impl Installed {
    /// Adit as `nodeport.yaml` installs it, together with other tests, none of which changes it.
    ///
    /// # Errors
    /// It cannot be installed.
    pub async fn shared() -> Result<Self> {
        let manifest = Manifest::read("nodeport")?;
        let mut installed = INSTALLED.read().await;
        if installed.as_ref() != Some(&manifest) {
            drop(installed);
            let mut alone = INSTALLED.write().await;
            put(&mut alone, manifest).await?;
            installed = alone.downgrade();
        }
        let entries = Entry::node_ports("adit/adit").await?;
        Ok(Self { entries, _held: Held::Shared(installed) })
    }

    /// Adit as this manifest installs it, while no other test uses it.
    ///
    /// # Errors
    /// It cannot be installed.
    pub async fn alone(manifest: Manifest) -> Result<Self> {
        let mut alone = INSTALLED.write().await;
        put(&mut alone, manifest).await?;
        let entries = Entry::node_ports("adit/adit").await.unwrap_or_default();
        Ok(Self { entries, _held: Held::Alone(Alone(alone)) })
    }

    /// Gives its Service of type LoadBalancer these addresses, as a provider would:
    /// `json!([{"ip": "203.0.113.10"}])`, or `hostname`.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn assign(&self, addresses: Value) -> Result<()> {
        let patch = json!({"status": {"loadBalancer": {"ingress": addresses}}});
        kubectl(&format!("--namespace=adit patch service adit --subresource=status --type=merge --patch={patch}"))
            .await
            .map(drop)
    }
}

async fn put(installed: &mut Option<Manifest>, manifest: Manifest) -> Result<()> {
    if installed.as_ref() == Some(&manifest) {
        return Ok(());
    }
    if let Some(before) = installed.as_ref() {
        before.make_way_for(&manifest).await?;
    }
    manifest.install().await?;
    *installed = Some(manifest);
    Ok(())
}
