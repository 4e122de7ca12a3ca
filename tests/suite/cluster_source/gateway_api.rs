//! Gateway API may be there or not, for us or for others, and come while Adit runs.

use super::*;
use std::time::Duration;

const KINDS: [&str; 4] = ["gatewayclasses", "gateways", "httproutes", "referencegrants"];

fn class(controller: &str) -> String {
    format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {{name: adit}}, \
         spec: {{controllerName: {controller}}}}}"
    )
}

async fn watch(server: &ApiServer) -> Result<Adit> {
    Adit::watch(&ClusterSettings { discovery_interval: Duration::from_millis(20), ..cluster(server) }).await
}

fn asked(server: &ApiServer) -> Vec<&'static str> {
    KINDS.into_iter().filter(|kind| server.requests(kind, false) > 0).collect()
}

#[tokio::test]
async fn what_a_cluster_does_not_have_is_not_asked_for() -> Result<()> {
    let server = ApiServer::start(&app("a")).await?;
    let adit = watch(&server).await?;
    server.asked("/apis/gateway.networking.k8s.io", false, 3).await?;
    settles(&adit, &server).await?;
    assert_eq!(asked(&server), [""; 0]);
    let targets = server.targets();
    assert!(!targets.iter().any(|target| target.contains("adit.dev")), "AditPolicies are for Gateway API: {targets:?}");
    adit.reaches(|state| state.diagnostics.is_empty()).await
}

#[tokio::test]
async fn it_is_watched_when_it_comes_and_a_class_is_ours() -> Result<()> {
    let server = ApiServer::start(&app("a")).await?;
    let adit = watch(&server).await?;
    server.offer("v1", &KINDS[..3]);
    server.offer("v1beta1", &KINDS);
    server.apply(&class("example.com/other"))?;
    server.asked("gatewayclasses", true, 1).await?;
    assert_eq!(asked(&server), ["gatewayclasses"]);
    server.apply(&class("adit.dev/gateway-controller"))?;
    for kind in KINDS {
        server.asked(kind, true, 1).await?;
    }
    server.asked("/v1beta1/referencegrants", true, 1).await?;
    settles(&adit, &server).await
}

#[tokio::test]
async fn nothing_is_served_before_it_is_known_whether_there_is_any() -> Result<()> {
    let server = ApiServer::start(&(app("a") + &class("adit.dev/gateway-controller"))).await?;
    server.offer("v1", &KINDS);
    server.fail("httproutes", [Fault::Held]);
    let settings = cluster(&server);
    let starting = tokio::spawn(async move { Adit::watch(&settings).await });
    server.failed().await?;
    server.asked("gateways", true, 1).await?;
    assert!(!starting.is_finished());
    server.release();
    settles(&starting.await??, &server).await
}

#[tokio::test]
async fn without_a_right_to_it_all_else_is_served() -> Result<()> {
    let server = ApiServer::start(&app("a")).await?;
    server.offer("v1", &KINDS);
    server.refuse("gatewayclasses", true);
    let adit = watch(&server).await?;
    settles(&adit, &server).await?;
    adit.reaches(|state| state.diagnostics.is_empty()).await?;
    server.apply(&class("adit.dev/gateway-controller"))?;
    server.refuse("gatewayclasses", false);
    server.asked("httproutes", true, 1).await
}

/// A rule with a policy, and what that names.
const POLICED: &str = r#"
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec: {gatewayClassName: adit, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: route, namespace: default}
spec:
  parentRefs: [{name: edge}]
  rules:
  - filters: [{type: ExtensionRef, extensionRef: {group: adit.dev, kind: AditPolicy, name: auth}}]
    backendRefs: [{name: a, port: 80}]
---
apiVersion: adit.dev/v1alpha1
kind: AditPolicy
metadata: {name: auth, namespace: default}
spec: {authUrl: "http://a.default.svc/", authProxySetHeaders: headers}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: headers, namespace: default}
data: {X-Of-Auth: "1"}
---
"#;

#[tokio::test]
async fn policies_are_watched_when_their_kind_comes_and_so_is_what_they_name() -> Result<()> {
    let server = ApiServer::start(&(app("a") + POLICED + &class("adit.dev/gateway-controller"))).await?;
    server.offer("v1", &KINDS);
    let adit = watch(&server).await?;
    server.asked("httproutes", true, 1).await?;
    adit.reaches(|state| !state.diagnostics.is_empty()).await?;
    assert_eq!(server.requests("aditpolicies", false), 0);
    server.offer_policies();
    server.asked("/adit.dev/v1alpha1/aditpolicies", true, 1).await?;
    adit.reaches(|state| state.diagnostics.is_empty()).await?;
    settles(&adit, &server).await
}
