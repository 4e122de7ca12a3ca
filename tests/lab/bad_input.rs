//! What is wrong with an object is told by an Event on it, and is no other object's loss: each test has a good route
//! under load meanwhile, which answers every request.

use crate::routes::{answers, ingress_to, leads_at};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::lab::{Echo, Entry, Installed, Load, Namespace, eventually};

/// What Adit shows where there is nothing better.
const DEFAULT_CERTIFICATE: &[u8] = b"Kubernetes Ingress Controller Fake Certificate";

/// Answers under load before and after what is wrong.
const ANSWERS: u64 = 100;

#[tokio::test]
async fn an_ingress_that_cannot_be_served() -> Result<()> {
    let scene = Scene::set("bad-ingress").await?;
    let bucket = json!({"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "assets"}});
    scene.apply(&scene.ingress("bad", "bad", &bucket)).await?;
    scene.tells("Ingress/bad", "Invalid", "Bucket").await?;
    scene.answers("bad", 404).await?;
    scene.others_are_unharmed().await
}

#[tokio::test]
async fn a_service_deleted_while_in_use() -> Result<()> {
    let scene = Scene::set("bad-service").await?;
    let victim = Echo::new("victim");
    victim.start(&scene.namespace).await?;
    scene.apply(&scene.ingress("victim", "victim", &service("victim"))).await?;
    scene.answers("victim", 200).await?;
    scene.namespace.kubectl("delete service victim").await?;
    scene.tells("Ingress/victim", "ReferenceNotFound", "victim").await?;
    scene.answers("victim", 503).await?;
    victim.start(&scene.namespace).await?;
    scene.answers("victim", 200).await?;
    scene.others_are_unharmed().await
}

#[tokio::test]
async fn a_secret_of_the_wrong_type() -> Result<()> {
    let scene = Scene::set("bad-secret").await?;
    scene
        .apply(&json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {"name": "login"},
            "stringData": {"password": "secret"},
        }))
        .await?;
    let host = scene.host("login");
    let mut ingress = scene.ingress("login", "login", &service("hello"));
    ingress["spec"]["tls"] = json!([{"hosts": [host], "secretName": "login"}]);
    scene.apply(&ingress).await?;
    scene.tells("Ingress/login", "InvalidCertificate", "login").await?;
    scene.tells("Secret/login", "InvalidCertificate", "tls.crt").await?;
    for pod in &scene.pods {
        eventually("the default certificate", async || {
            let (answer, shown) = pod.get_tls(&host, "/").await?;
            ensure!(answer.service()? == "hello", "{}", answer.text());
            let is_default = shown.windows(DEFAULT_CERTIFICATE.len()).any(|bytes| bytes == DEFAULT_CERTIFICATE);
            ensure!(is_default, "another certificate");
            Ok(())
        })
        .await?;
    }
    scene.others_are_unharmed().await
}

#[tokio::test]
async fn a_rejected_annotation() -> Result<()> {
    let scene = Scene::set("bad-annotation").await?;
    let mut ingress = scene.ingress("annotated", "annotated", &service("hello"));
    ingress["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/proxy-body-size": "plenty"});
    scene.apply(&ingress).await?;
    eventually("the Event in what describes the Ingress", async || {
        let described = scene.namespace.kubectl("describe ingress annotated").await?;
        let events = described.split("Events:").nth(1).unwrap_or_default();
        let told = events.contains("AnnotationParsingFailed") && events.contains("proxy-body-size");
        ensure!(told, "{described}");
        Ok(())
    })
    .await?;
    scene.answers("annotated", 200).await?;
    scene.others_are_unharmed().await
}

#[tokio::test]
async fn two_ingresses_for_one_path() -> Result<()> {
    let scene = Scene::set("bad-conflict").await?;
    Echo::new("second").start(&scene.namespace).await?;
    scene.apply(&scene.ingress("second", "first", &service("hello"))).await?;
    scene.answers("first", 200).await?;
    // Of two that are equally old the last by name wins, so whichever second it is made in, this one does not.
    scene.apply(&scene.ingress("first", "first", &service("second"))).await?;
    scene.tells("Ingress/first", "Conflict", "second").await?;
    scene.tells("Ingress/second", "Conflict", "first").await?;
    for pod in &scene.pods {
        let from = pod.get(&scene.host("first"), "/").await?.service()?;
        ensure!(from == "hello", "answered by {from}, which is not the oldest");
    }
    scene.others_are_unharmed().await
}

#[tokio::test]
async fn a_route_whose_protection_is_not_understood() -> Result<()> {
    let scene = Scene::set("bad-protection").await?;
    let mut ingress = scene.ingress("private", "private", &service("hello"));
    ingress["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/whitelist-source-range": "not-a-cidr"});
    scene.apply(&ingress).await?;
    scene.tells("Ingress/private", "Denied", "whitelist-source-range").await?;
    scene.answers("private", 503).await?;
    scene.others_are_unharmed().await
}

/// A namespace with the Service `hello`, whose route is under load.
struct Scene {
    namespace: Namespace,
    pods: Vec<Entry>,
    load: Load,
    adit: Installed,
}

impl Scene {
    async fn set(name: &str) -> Result<Self> {
        let adit = Installed::shared().await?;
        let (namespace, pods) = (Namespace::create(name).await?, adit.pods().await?);
        Echo::new("hello").start(&namespace).await?;
        let host = format!("good.{name}.example.com");
        namespace.apply(&ingress_to(&adit.name, &service("hello"), "good", &host).to_string()).await?;
        leads_at(&pods, &host, "hello").await?;
        let load = Load::start(&adit.entries, &host, "/", "hello");
        load.answers(ANSWERS).await?;
        Ok(Self { namespace, pods, load, adit })
    }

    /// The full name of a host of this test.
    fn host(&self, name: &str) -> String {
        format!("{name}.{}.example.com", self.namespace.name())
    }

    fn ingress(&self, name: &str, host: &str, backend: &Value) -> Value {
        ingress_to(&self.adit.name, backend, name, &self.host(host))
    }

    async fn apply(&self, object: &Value) -> Result<()> {
        self.namespace.apply(&object.to_string()).await
    }

    /// Waits for an Event on an object, such as `Ingress/bad`, for a reason and with a text.
    async fn tells(&self, object: &str, reason: &str, text: &str) -> Result<()> {
        eventually(&format!("an Event {reason} on {object} with {text:?}"), async || {
            let events = self.namespace.kubectl(&format!("events --for={object} --no-headers")).await?;
            let told =
                events.lines().any(|line| line.contains("Warning") && line.contains(reason) && line.contains(text));
            ensure!(told, "there are\n{events}");
            Ok(())
        })
        .await
    }

    /// Waits until every Pod of Adit answers a host so.
    async fn answers(&self, host: &str, status: u16) -> Result<()> {
        answers(&self.adit, &self.host(host), status).await
    }

    async fn others_are_unharmed(self) -> Result<()> {
        self.load.answers(ANSWERS).await?;
        self.load.stop().await?.is_whole()
    }
}

fn service(name: &str) -> Value {
    json!({"service": {"name": name, "port": {"name": "http"}}})
}
