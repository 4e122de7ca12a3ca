//! Pods come and go, Adit's own and those behind it, and no request is lost: 200 a second, on connections that are kept and
//! on fresh ones, with every answer checked.

use crate::routes::{leads, route};
use anyhow::{Context as _, Result, ensure};
use tests::lab::{Echo, Entry, Installed, Load, Manifest, Namespace, Tally, eventually, get, kubectl, rolled_out};

/// Answers that must come after the last change before it counts as survived.
pub(crate) const AFTERWARDS: u64 = 400;

#[tokio::test]
async fn a_restart_of_adit_loses_no_request() -> Result<()> {
    let scene = Scene::set("restart-adit").await?;
    let load = scene.load();
    load.answers(AFTERWARDS).await?;
    let before = scene.pods_of_adit().await?;
    scene.adit.kubectl("rollout restart deployment/adit").await?;
    rolled_out(&scene.adit.name, "deployment/adit").await?;
    gone(&scene.adit.name, &before).await?;
    scene.survived("kubectl rollout restart of Adit", load).await
}

#[tokio::test]
async fn a_deleted_pod_of_adit_loses_no_request() -> Result<()> {
    let scene = Scene::set("delete-adit").await?;
    let load = scene.load();
    load.answers(AFTERWARDS).await?;
    for pod in scene.pods_of_adit().await? {
        scene.adit.kubectl(&format!("delete pod {pod} --wait=true")).await?;
        rolled_out(&scene.adit.name, "deployment/adit").await?;
    }
    scene.survived("deletion of each of Adit's Pods", load).await
}

#[tokio::test]
async fn a_restart_of_a_backend_loses_no_request() -> Result<()> {
    let scene = Scene::with("restart-backend", Installed::shared().await?).await?;
    let load = scene.load();
    load.answers(AFTERWARDS).await?;
    let before = pods(scene.namespace.name(), "app=hello").await?;
    scene.namespace.kubectl("rollout restart deployment/hello").await?;
    scene.echo.rolled_out(&scene.namespace).await?;
    gone(scene.namespace.name(), &before).await?;
    scene.survived("kubectl rollout restart of a backend", load).await
}

#[tokio::test]
async fn a_deleted_pod_of_a_backend_loses_no_request() -> Result<()> {
    let scene = Scene::with("delete-backend", Installed::shared().await?).await?;
    let load = scene.load();
    load.answers(AFTERWARDS).await?;
    for pod in pods(scene.namespace.name(), "app=hello").await? {
        scene.namespace.kubectl(&format!("delete pod {pod} --wait=true")).await?;
        scene.echo.rolled_out(&scene.namespace).await?;
    }
    scene.survived("deletion of each Pod of a backend", load).await
}

/// Both Pods of Adit end while a slow backend has the request; whichever has it waits for the answer.
#[tokio::test]
async fn b23_a_slow_answer_outlives_the_pod_that_waits_for_it() -> Result<()> {
    let scene = Scene::set("b23").await?;
    let entry = scene.adit.entries.first().copied().context("no entry")?;
    let host = scene.host();
    let slow = tokio::spawn(async move { entry.get(&host, "/sleep/25").await });
    for pod in scene.pods_of_adit().await? {
        scene.adit.kubectl(&format!("delete pod {pod} --wait=false")).await?;
    }
    let answer = slow.await??;
    ensure!(answer.service()? == "hello", "{}", answer.text());
    rolled_out(&scene.adit.name, "deployment/adit").await
}

/// A Pod that ends says so where its health is asked for, and still counts as ready while it takes connections.
#[tokio::test]
async fn j24_health_fails_while_a_pod_ends_and_readiness_does_not() -> Result<()> {
    let scene = Scene::set("j24").await?;
    let pod = scene.pods_of_adit().await?.into_iter().next().context("no Pod")?;
    let address = scene.adit.kubectl(&format!("get pod {pod} --output=jsonpath={{.status.podIP}}")).await?;
    let (http, https) = (format!("{address}:10254").parse()?, format!("{address}:443").parse()?);
    let admin = Entry { http, https };
    let statuses = async || {
        let (health, readiness) = (admin.get("admin", "/healthz").await?, admin.get("admin", "/readyz").await?);
        Ok::<_, anyhow::Error>((health.status, readiness.status))
    };
    ensure!(statuses().await? == (200, 200), "before its end: {:?}", statuses().await?);
    scene.adit.kubectl(&format!("delete pod {pod} --wait=false")).await?;
    eventually("a Pod that says that it ends", async || {
        let statuses = statuses().await?;
        ensure!(statuses == (500, 200), "{statuses:?}");
        Ok(())
    })
    .await
}

/// A backend of two Pods behind an Ingress, and an Adit.
struct Scene {
    adit: Installed,
    namespace: Namespace,
    echo: Echo,
}

impl Scene {
    /// With an Adit of the test's own.
    async fn set(name: &str) -> Result<Self> {
        Self::with(name, Installed::own(name, Manifest::read("nodeport")?).await?).await
    }

    async fn with(name: &str, adit: Installed) -> Result<Self> {
        let namespace = Namespace::create(name).await?;
        let echo = Echo::new("hello").replicas(2);
        echo.start(&namespace).await?;
        let scene = Self { adit, namespace, echo };
        scene.namespace.apply(&route(&scene.adit, &scene.host(), "hello", 80)).await?;
        leads(&scene.adit, &scene.host(), "hello").await?;
        Ok(scene)
    }

    fn host(&self) -> String {
        format!("{}.example.com", self.namespace.name())
    }

    async fn pods_of_adit(&self) -> Result<Vec<String>> {
        pods(&self.adit.name, "app.kubernetes.io/name=adit").await
    }

    fn load(&self) -> Load {
        Load::start(&self.adit.entries, &self.host(), "/", "hello")
    }

    /// Waits for more answers, and says and judges what came of all.
    async fn survived(&self, what: &str, load: Load) -> Result<()> {
        load.answers(AFTERWARDS).await?;
        let tally: Tally = load.stop().await?;
        println!("{what}: {tally}");
        tally.is_whole()
    }
}

/// The names of Pods that are not ending.
pub(crate) async fn pods(namespace: &str, selector: &str) -> Result<Vec<String>> {
    let pods = get(&format!("pods --namespace={namespace} --selector={selector}")).await?;
    let pods = pods["items"].as_array().context("no list of Pods")?;
    let live = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    Ok(live.filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned)).collect())
}

/// Waits until Pods have ended.
pub(crate) async fn gone(namespace: &str, pods: &[String]) -> Result<()> {
    for pod in pods {
        kubectl(&format!("--namespace={namespace} wait --for=delete pod/{pod} --timeout=10m")).await?;
    }
    Ok(())
}
