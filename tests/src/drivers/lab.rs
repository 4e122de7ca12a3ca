mod api;
mod canary;
mod objects;

use super::conversation::converse;
use crate::case::{Case, Mode, Player, Request};
use crate::check::Observation;
use crate::cluster::{Cluster, Network};
use crate::lab::{Entry, kubectl, kubectl_with, own_address, rolled_out};
use crate::run::Driver;
use anyhow::{Context, Result, ensure};
use api::Api;
use canary::Canary;
use objects::{Identity, identity};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::sleep;

/// Where the Adit is that plays cases, and what a case has from the driver.
const NAMESPACE: &str = "adit-cases";

/// On every object that comes from a case.
const LABEL: &str = "test.adit.dev/case";

/// How soon an Ingress is made again that is not younger than the one before.
const PAUSE: Duration = Duration::from_millis(100);

/// The kinds of objects that cases have.
const KINDS: &str = "ingresses,services,endpointslices,secrets,configmaps";

/// An Adit in a cluster, which has a case's objects from the API server; the backends stay in this process.
///
/// It plays one case at a time, since cases share names and hosts.
pub struct Lab {
    place: &'static Place,
    mode: Mode,
    api: Api,
    applied: Vec<Value>,
    /// All that it may have made, but for namespaces.
    made: Vec<Value>,
    /// When the last Ingress was created; empty before the first.
    youngest: String,
}

/// What all cases have in common.
#[derive(Debug)]
struct Place {
    /// The Pod of an Adit that serves the Ingresses without a class.
    adit: Entry,
    /// The address by which the cluster reaches this process.
    here: IpAddr,
}

impl Driver for Lab {
    /// It plays what is played over sockets.
    const PLAYER: Player = Player::Sockets;

    /// The canary tells when objects are in force, but for ConfigMaps, each of which has a watch of its own.
    const PATIENCE: Duration = Duration::from_secs(60);

    async fn network() -> Result<Network> {
        Ok(Network::at(Place::known().await?.here))
    }

    async fn start(case: &Case, mode: Mode, _: &Cluster) -> Result<Self> {
        ensure!(case.spec.flags.is_empty(), "the Adit of the cases has no flags of their own");
        ensure!(case.spec.dns.is_empty(), "the cluster has its own DNS server");
        ensure!(!case.spec.expects_log(mode), "the access log is the Pod's");
        let (place, api) = (Place::known().await?, Api::known().await?);
        Ok(Self { place, mode, api, applied: Vec::new(), made: Vec::new(), youngest: String::new() })
    }

    async fn apply(&mut self, documents: &str) -> Result<()> {
        let objects = objects::for_a_cluster(serde_saphyr::from_multiple(documents)?, self.mode);
        let stays: BTreeSet<Identity> = objects.iter().map(identity).collect();
        for object in self.applied.iter().filter(|object| !stays.contains(&identity(object))) {
            self.api.delete(object).await?;
        }
        let changed: Vec<&Value> = objects.iter().filter(|object| !self.applied.contains(object)).collect();
        for namespace in changed.iter().map(|object| identity(object).namespace).collect::<BTreeSet<_>>() {
            self.api.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})).await?;
        }
        let (ingresses, others): (Vec<&Value>, Vec<&Value>) =
            changed.into_iter().partition(|object| object["kind"] == "Ingress");
        for object in others {
            self.make(object).await?;
        }
        for ingress in ingresses {
            self.make_in_turn(ingress).await?;
        }
        self.applied = objects;
        // What is made later is seen later.
        let canary = Canary::start(self.place.here).await?;
        for object in canary.objects() {
            self.make(&object).await?;
        }
        canary.is_served_at(&self.place.adit).await
    }

    async fn exchange(&mut self, request: &Request, cluster: &Cluster) -> Result<Vec<Observation>> {
        let gateway = if request.is_https() { self.place.adit.https } else { self.place.adit.http };
        converse(gateway, (request, self.mode), cluster, async || Ok(Vec::new())).await
    }

    async fn end(self) -> Result<()> {
        for object in &self.made {
            self.api.delete(object).await?;
        }
        Ok(())
    }
}

impl Place {
    async fn known() -> Result<&'static Self> {
        static PLACE: OnceCell<Place> = OnceCell::const_new();
        PLACE.get_or_try_init(Self::prepare).await
    }

    /// Installs the Adit, and takes away what an earlier run may have left.
    async fn prepare() -> Result<Self> {
        let kustomization = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/cases/adit");
        let kustomization = format!("--kustomize={}", kustomization.display());
        kubectl_with(&["apply", &kustomization]).await?;
        sweep().await?;
        rolled_out(NAMESPACE, "deployment/adit-cases").await?;
        let adit = Entry::pods(NAMESPACE).await?;
        let adit = *adit.first().context("the Adit of the cases has no Pod")?;
        Ok(Self { adit, here: own_address().await? })
    }
}

impl Lab {
    async fn make(&mut self, object: &Value) -> Result<Value> {
        self.made.push(object.clone());
        self.api.apply(object).await
    }

    /// Of two Ingresses the first in the case is the older, which takes a second: the API server tells ages in these.
    async fn make_in_turn(&mut self, ingress: &Value) -> Result<()> {
        let is_new = self.applied.iter().all(|object| identity(object) != identity(ingress));
        loop {
            let made = self.make(ingress).await?;
            let created = made["metadata"]["creationTimestamp"].as_str().context("an Ingress without an age")?;
            if !is_new || created > self.youngest.as_str() {
                self.youngest = created.to_owned().max(std::mem::take(&mut self.youngest));
                return Ok(());
            }
            self.api.delete(ingress).await?;
            sleep(PAUSE).await;
        }
    }
}

/// Deletes all that an earlier run may have left.
async fn sweep() -> Result<()> {
    kubectl(&format!("delete {KINDS} --all-namespaces --selector={LABEL} --wait=true")).await.map(drop)
}
