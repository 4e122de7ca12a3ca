//! Pods come and go, Adit's own and those behind it, and no request is lost: 200 a second, on connections that are kept and
//! on fresh ones, with every answer checked.

use anyhow::{Context as _, Result, ensure};
use tests::lab::{Echo, Entry, Installed, Load, Manifest, Namespace, Tally, eventually, get, kubectl};

const HOST: &str = "rollouts.example.com";

/// Answers that must come after the last change before it counts as survived.
const AFTERWARDS: u64 = 400;

#[tokio::test]
async fn a_restart_of_adit_loses_no_request() -> Result<()> {
    let scene = Scene::set("restart-adit").await?;
    let load = scene.load();
    load.answers(AFTERWARDS).await?;
    let before = pods("adit", "app.kubernetes.io/name=adit").await?;
    kubectl("--namespace=adit rollout restart deployment/adit").await?;
    kubectl("--namespace=adit rollout status deployment/adit --timeout=180s").await?;
    gone("adit", &before).await?;
    scene.survived("kubectl rollout restart of Adit", load).await
}

#[tokio::test]
async fn a_deleted_pod_of_adit_loses_no_request() -> Result<()> {
    let scene = Scene::set("delete-adit").await?;
    let load = scene.load();
    load.answers(AFTERWARDS).await?;
    for pod in pods("adit", "app.kubernetes.io/name=adit").await? {
        kubectl(&format!("--namespace=adit delete pod {pod} --wait=true")).await?;
        kubectl("--namespace=adit rollout status deployment/adit --timeout=180s").await?;
    }
    scene.survived("deletion of each of Adit's Pods", load).await
}

#[tokio::test]
async fn a_restart_of_a_backend_loses_no_request() -> Result<()> {
    let scene = Scene::set("restart-backend").await?;
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
    let scene = Scene::set("delete-backend").await?;
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
    let slow = tokio::spawn(async move { entry.get(HOST, "/sleep/25").await });
    for pod in pods("adit", "app.kubernetes.io/name=adit").await? {
        kubectl(&format!("--namespace=adit delete pod {pod} --wait=false")).await?;
    }
    let answer = slow.await??;
    ensure!(answer.service()? == "hello", "{}", answer.text());
    kubectl("--namespace=adit rollout status deployment/adit --timeout=180s").await.map(drop)
}

/// A backend of two Pods behind an Ingress, and Adit for this test alone.
struct Scene {
    adit: Installed,
    namespace: Namespace,
    echo: Echo,
}

impl Scene {
    async fn set(name: &str) -> Result<Self> {
        let adit = Installed::alone(Manifest::read("nodeport")?).await?;
        let namespace = Namespace::create(name).await?;
        let echo = Echo::new("hello").replicas(2);
        echo.start(&namespace).await?;
        namespace
            .apply(&format!(
                "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: hello}},
                   spec: {{ingressClassName: adit, rules: [{{host: {HOST}, http: {{paths: [{{path: /, pathType: Prefix,
                     backend: {{service: {{name: hello, port: {{name: http}}}}}}}}]}}}}]}}}}"
            ))
            .await?;
        for entry in &adit.entries {
            everywhere(entry).await?;
        }
        Ok(Self { adit, namespace, echo })
    }

    fn load(&self) -> Load {
        Load::start(&self.adit.entries, HOST, "/", "hello")
    }

    /// Waits for more answers, and says and judges what came of all.
    async fn survived(&self, what: &str, load: Load) -> Result<()> {
        load.answers(AFTERWARDS).await?;
        let tally: Tally = load.stop().await?;
        println!("{what}: {tally}");
        tally.is_whole()
    }
}

/// Every replica behind this entry has the route: so many answers in a row are from none that has not.
async fn everywhere(entry: &Entry) -> Result<()> {
    const IN_A_ROW: usize = 20;
    eventually("the route in every replica", async || {
        for _ in 0..IN_A_ROW {
            entry.get(HOST, "/").await?.service()?;
        }
        Ok(())
    })
    .await
}

/// The names of Pods that are not ending.
async fn pods(namespace: &str, selector: &str) -> Result<Vec<String>> {
    let pods = get(&format!("pods --namespace={namespace} --selector={selector}")).await?;
    let pods = pods["items"].as_array().context("no list of Pods")?;
    let live = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    Ok(live.filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned)).collect())
}

/// Waits until Pods have ended.
async fn gone(namespace: &str, pods: &[String]) -> Result<()> {
    for pod in pods {
        kubectl(&format!("--namespace={namespace} wait --for=delete pod/{pod} --timeout=300s")).await?;
    }
    Ok(())
}
