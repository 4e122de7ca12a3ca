use super::entry::Entry;
use super::kubectl::kubectl;
use super::manifest::{Manifest, NAMESPACE};
use super::namespace::{delete_in_background, make_namespace};
use super::turn::Turn;
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use tokio::sync::{Mutex, OnceCell};

/// Those that tests share, by their namespaces: whoever comes first installs one.
static SHARED: LazyLock<Mutex<BTreeMap<String, Arc<OnceCell<()>>>>> = LazyLock::new(Mutex::default);

/// Adit in the cluster, for as long as a test has it, and the test's time to work.
///
/// There may be many at once, each in a namespace of its own and with an IngressClass of that name, so that none serves
/// what is another's.
#[derive(Debug)]
pub struct Installed {
    /// Where it can be reached, node by node.
    pub entries: Vec<Entry>,
    /// The namespace that it is in, and the IngressClass that it serves.
    pub name: String,
    /// What it was installed from.
    pub manifest: Manifest,
    is_own: bool,
    _turn: Turn,
}

impl Installed {
    /// Adit as `nodeport.yaml` installs it, together with other tests, none of which changes it.
    ///
    /// # Errors
    /// It cannot be installed.
    pub async fn shared() -> Result<Self> {
        Self::share(Turn::together().await, NAMESPACE, Manifest::read("nodeport")?).await
    }

    /// Adit as this manifest installs it, together with other tests that name the same one, none of which changes it.
    ///
    /// # Errors
    /// It cannot be installed.
    pub async fn shared_as(name: &str, manifest: Manifest) -> Result<Self> {
        let turn = Turn::together().await;
        let name = format!("{NAMESPACE}-{name}");
        Self::share(turn, &name, manifest.beside(&name)?).await
    }

    /// The one of [`Self::shared`] while no other test is at work. The test leaves it as it was.
    ///
    /// # Errors
    /// It cannot be installed.
    pub async fn alone() -> Result<Self> {
        Self::share(Turn::alone().await, NAMESPACE, Manifest::read("nodeport")?).await
    }

    /// Adit as this manifest installs it, for this test, which may do with it what it likes.
    ///
    /// # Errors
    /// It cannot be installed.
    pub async fn own(name: &str, manifest: Manifest) -> Result<Self> {
        Self::make(Turn::together().await, name, manifest).await
    }

    /// The same, while no other test is at work.
    ///
    /// # Errors
    /// It cannot be installed.
    pub async fn own_alone(name: &str, manifest: Manifest) -> Result<Self> {
        Self::make(Turn::alone().await, name, manifest).await
    }

    async fn share(turn: Turn, name: &str, manifest: Manifest) -> Result<Self> {
        let installed = SHARED.lock().await.entry(name.to_owned()).or_default().clone();
        installed.get_or_try_init(|| manifest.install()).await?;
        Self::reach(turn, name, manifest, false).await
    }

    async fn make(turn: Turn, name: &str, manifest: Manifest) -> Result<Self> {
        let name = format!("{NAMESPACE}-{name}");
        let manifest = manifest.beside(&name)?;
        make_namespace(&name).await?;
        manifest.install().await?;
        Self::reach(turn, &name, manifest, true).await
    }

    async fn reach(turn: Turn, name: &str, manifest: Manifest, is_own: bool) -> Result<Self> {
        let entries = Entry::node_ports(&format!("{name}/adit")).await?;
        Ok(Self { entries, name: name.to_owned(), manifest, is_own, _turn: turn })
    }

    /// Each of its Pods that is not on its way out, past all Services.
    ///
    /// # Errors
    /// A Pod has no address yet.
    pub async fn pods(&self) -> Result<Vec<Entry>> {
        Entry::pods(&self.name).await
    }

    /// Runs kubectl for its namespace.
    ///
    /// # Errors
    /// It fails.
    pub async fn kubectl(&self, command_line: &str) -> Result<String> {
        kubectl(&format!("--namespace={} {command_line}", self.name)).await
    }

    /// Gives its Service of type LoadBalancer these addresses, as a provider would:
    /// `json!([{"ip": "203.0.113.10"}])`, or `hostname`.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn assign(&self, addresses: Value) -> Result<()> {
        let patch = json!({"status": {"loadBalancer": {"ingress": addresses}}});
        self.kubectl(&format!("patch service adit --subresource=status --type=merge --patch={patch}")).await.map(drop)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        if self.is_own {
            delete_in_background(&self.manifest.cluster_wide(&self.name).unwrap_or_default());
        }
    }
}
