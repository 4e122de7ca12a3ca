//! The admission webhook, which the API server asks over TLS with the certificate that Adit has made.

use crate::routes::ingress;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tests::lab::{Installed, Manifest, Namespace, eventually, get_path, kubectl, rolled_out};

/// An Adit with a webhook, and a namespace with the Ingress `first` for the host `HOST`.
struct Scene {
    adit: Installed,
    namespace: Namespace,
    /// `ValidatingWebhookConfiguration/NAME`, for kubectl.
    configuration: String,
}

const HOST: &str = "webhook.example.com";

impl Scene {
    /// Ready once the API server has had an Ingress refused.
    async fn set(name: &str) -> Result<Self> {
        let arguments = ["--validating-webhook=:8443", "--validating-webhook-name=adit-admission"];
        let manifest = Manifest::read("nodeport")?.and("admission")?.arguments(&arguments)?;
        let adit = Installed::own(name, manifest).await?;
        let configuration = format!("validatingwebhookconfiguration/{}-admission", adit.name);
        let namespace = Namespace::create(name).await?;
        let scene = Self { adit, namespace, configuration };
        scene.apply(&scene.ingress("first", HOST)).await?;
        scene.reviews().await?;
        Ok(scene)
    }

    fn ingress(&self, name: &str, host: &str) -> Value {
        ingress(&self.adit.name, name, host, "hello", 80)
    }

    async fn apply(&self, ingress: &Value) -> Result<()> {
        self.namespace.apply(&ingress.to_string()).await
    }

    /// Waits until Ingresses are refused. Each that is not gets a name of its own, so that it is written anew.
    async fn reviews(&self) -> Result<()> {
        eventually("a caBundle", async || {
            let bundle = get_path(&self.configuration, ".webhooks[0].clientConfig.caBundle").await?;
            ensure!(!bundle.is_empty(), "there is none");
            Ok(())
        })
        .await?;
        let mut attempts = 0;
        eventually("a refusal", async || {
            attempts += 1;
            let mut bad = self.ingress(&format!("bad-{attempts}"), &format!("bad-{attempts}.example.com"));
            bad["metadata"]["annotations"]["nginx.ingress.kubernetes.io/limit-rps"] = "abc".into();
            let refusal = self.apply(&bad).await.err().context("it was accepted")?.to_string();
            ensure!(refusal.contains("limit-rps]: \"abc\" is not valid"), "{refusal}");
            Ok(())
        })
        .await
    }
}

#[tokio::test]
async fn v01_who_applies_a_path_of_another_ingress_is_told() -> Result<()> {
    let scene = Scene::set("webhook").await?;
    let refusal = scene.apply(&scene.ingress("second", HOST)).await.err().context("it was accepted")?.to_string();
    let namespace = scene.namespace.name();
    for part in [
        "admission webhook \"validate.adit.dev\" denied the request".to_owned(),
        format!("host \"{HOST}\" and path \"/\" is already defined in ingress {namespace}/first"),
    ] {
        ensure!(refusal.contains(&part), "{part} is not in {refusal}");
    }
    scene.apply(&scene.ingress("second", "second.example.com")).await
}

/// With either failurePolicy, what is needed to bring Adit back is accepted; with Ignore, Ingresses are, too.
#[tokio::test]
async fn without_a_replica_adit_can_be_repaired() -> Result<()> {
    let scene = Scene::set("webhook-repair").await?;
    let Scene { adit, configuration, .. } = &scene;
    adit.kubectl("scale deployment/adit --replicas=0").await?;
    eventually("no replica", async || {
        let pods = adit.kubectl("get pods --output=name").await?;
        ensure!(pods.is_empty(), "{pods}");
        Ok(())
    })
    .await?;
    scene.apply(&scene.ingress("second", HOST)).await.context("failurePolicy Ignore")?;

    // For its own namespace: other tests make Ingresses meanwhile.
    let selector = format!(r#"{{"matchLabels":{{"kubernetes.io/metadata.name":"{}"}}}}"#, scene.namespace.name());
    let patch = format!(
        r#"[{{"op":"add","path":"/webhooks/0/namespaceSelector","value":{selector}}},{{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Fail"}}]"#
    );
    kubectl(&format!("patch {configuration} --type=json --patch={patch}")).await?;
    let mut attempts = 0;
    eventually("Ingresses are refused", async || {
        attempts += 1;
        let annotate = format!("annotate ingress second attempt={attempts} --overwrite");
        let refused = scene.namespace.kubectl(&annotate).await.err();
        let refused = refused.context("failurePolicy Fail")?.to_string();
        ensure!(refused.contains("failed calling webhook"), "{refused}");
        Ok(())
    })
    .await?;
    adit.kubectl("scale deployment/adit --replicas=2").await?;
    rolled_out(&adit.name, "deployment/adit").await?;
    eventually("Ingresses are accepted", async || scene.apply(&scene.ingress("third", "third.example.com")).await)
        .await?;
    scene.reviews().await
}
