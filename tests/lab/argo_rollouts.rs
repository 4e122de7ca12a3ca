//! Argo Rollouts' own controller moves the share of a canary, as it does with ingress-nginx: by an Ingress of its own.

use crate::routes::{ingress, leads};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::lab::{Echo, Installed, Load, Namespace, eventually, kubectl, rolled_out};

/// Put there by `make test-images`, with the image of the controller, from the Go module of `tests/tools/argo-rollouts`.
const CRDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/argo-rollouts/crds");
const HOST: &str = "rollout.example.com";
/// The Ingress that the controller makes for the canary of the Rollout `shop` behind the Ingress `shop`.
const CANARY: &str = "shop-shop-canary";
/// Answers of each replica of Adit by which its shares are judged: that half of them have one value by chance, one run in 2^39
/// would see.
const ANSWERS: usize = 40;
/// Answers that must come after the last change before it counts as survived.
const AFTERWARDS: u64 = 400;

#[tokio::test]
async fn argo_rollouts_moves_all_requests_to_a_new_version() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("argo-rollouts").await?;
    kubectl(&format!("apply --server-side --filename={CRDS}")).await?;
    namespace.apply(&controller(&adit)).await?;
    rolled_out(namespace.name(), "deployment/argo-rollouts").await?;
    for name in ["stable", "canary"] {
        namespace.apply(&service(name).to_string()).await?;
    }
    namespace.apply(&ingress(&adit.name, "shop", HOST, "stable", 80).to_string()).await?;
    namespace.apply(&rollout("old").to_string()).await?;
    leads(&adit, HOST, "old").await?;

    let load = Load::start_among(&adit.entries, HOST, "/", &["old", "new"]);
    namespace.apply(&rollout("new").to_string()).await?;
    answered_by(&adit, &["new", "old"]).await?;
    ensure!(weight(&namespace).await? == "50", "the step is over");

    // As `kubectl argo rollouts promote` does.
    let resumed = r#"{"status":{"pauseConditions":null}}"#;
    namespace.kubectl(&format!("patch rollout shop --subresource=status --type=merge --patch={resumed}")).await?;
    answered_by(&adit, &["new"]).await?;
    eventually("a weight of 0 once the canary is the stable version", async || {
        let weight = weight(&namespace).await?;
        ensure!(weight == "0", "{weight}");
        Ok(())
    })
    .await?;
    load.answers(AFTERWARDS).await?;
    load.stop().await?.is_whole()
}

/// Waits until each replica of Adit leads the host to these versions, and to no other.
async fn answered_by(adit: &Installed, versions: &[&str]) -> Result<()> {
    for pod in adit.pods().await? {
        eventually(&format!("answers of {versions:?}"), async || {
            let mut found = BTreeSet::new();
            for _ in 0..ANSWERS {
                found.insert(pod.get(HOST, "/").await?.service()?);
            }
            ensure!(found.iter().eq(versions), "{found:?}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// The weight of the canary that the controller has written.
async fn weight(namespace: &Namespace) -> Result<String> {
    let ingress: Value =
        serde_json::from_str(&namespace.kubectl(&format!("get ingress {CANARY} --output=json")).await?)?;
    let weight = &ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-weight"];
    Ok(weight.as_str().context("the canary has no weight")?.to_owned())
}

/// A Service, whose Pods the controller chooses.
fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": "shop"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    })
}

/// Echo servers that call themselves by their version. A new one gets half of the requests, and waits.
fn rollout(version: &str) -> Value {
    let mut rollout = Echo::new("shop").deployment();
    rollout["apiVersion"] = json!("argoproj.io/v1alpha1");
    rollout["kind"] = json!("Rollout");
    rollout["spec"]["strategy"] = json!({"canary": {
        "stableService": "stable",
        "canaryService": "canary",
        "trafficRouting": {"nginx": {"stableIngress": "shop"}},
        "steps": [{"setWeight": 50}, {"pause": {}}],
    }});
    if let Some(Value::Array(environment)) = rollout.pointer_mut("/spec/template/spec/containers/0/env") {
        environment.retain(|variable| variable["name"] != "SERVICE_NAME");
        environment.push(json!({"name": "SERVICE_NAME", "value": version}));
    }
    rollout
}

/// The controller, which may do all in its own namespace and nothing elsewhere.
fn controller(adit: &Installed) -> String {
    let (name, labels) = ("argo-rollouts", json!({"app": "argo-rollouts"}));
    let metadata = json!({"name": name});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata});
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": metadata,
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name}],
    });
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": name,
                    "containers": [{
                        "name": "controller",
                        "image": "localhost/argo-rollouts:1",
                        "args": [
                            "--namespaced",
                            "--leader-elect=false",
                            "--loglevel=warn",
                            format!("--nginx-ingress-classes={}", adit.name),
                        ],
                        "readinessProbe": {
                            "httpGet": {"path": "/healthz", "port": 8080},
                            "periodSeconds": 1,
                            "timeoutSeconds": 30,
                        },
                    }],
                },
            },
        },
    });
    [account, role, binding, deployment].iter().map(|object| format!("---\n{object}\n")).collect()
}
