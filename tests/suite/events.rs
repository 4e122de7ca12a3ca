//! What is wrong with objects is told by Events in the cluster: each once, by one replica, however often the API server
//! fails.

use anyhow::{Context, Result};
use controller::object::NamespacedName;
use controller::settings::{ClusterSettings, StatusSettings};
use serde_json::Value;
use std::collections::BTreeSet;
use tests::adit::Adit;
use tests::apiserver::{ApiServer, Fault};

/// An Ingress for all of a host; its Service is not there.
fn ingress(name: &str, host: &str, annotations: &str, more: &str) -> String {
    format!(
        r#"
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{{annotations}}}}}
spec:
  rules:
    - host: {host}.example.com
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}]}}
{more}
---
"#
    )
}

fn service(name: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-1, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
endpoints: [{{addresses: ["10.0.0.1"], conditions: {{ready: true}}}}]
ports: [{{port: 8080}}]
---
"#
    )
}

/// A cluster with a replica that writes whoever else does.
fn cluster(server: &ApiServer) -> ClusterSettings {
    let pod = Some(NamespacedName { namespace: "adit".into(), name: "adit-1".into() });
    let status = StatusSettings { pod, election: false, update: false, ..StatusSettings::default() };
    ClusterSettings { apiserver: Some(server.url().to_owned()), status, ..ClusterSettings::default() }
}

/// What each Event says, as `Ingress default/a Denied`.
fn told(events: &[Value]) -> BTreeSet<String> {
    let text = |event: &Value, pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or("?").to_owned();
    let line = |event: &Value| {
        let [kind, namespace, name] =
            ["kind", "namespace", "name"].map(|field| text(event, &format!("/regarding/{field}")));
        format!("{kind} {namespace}/{name} {}", text(event, "/reason"))
    };
    events.iter().map(line).collect()
}

async fn tells(server: &ApiServer, expected: &[&str]) -> Result<()> {
    let expected: BTreeSet<_> = expected.iter().map(|line| (*line).to_owned()).collect();
    server
        .comes_to("events", |events| told(events) == expected)
        .await
        .with_context(|| format!("expected {expected:#?}"))
}

#[tokio::test]
async fn every_mistake_is_told_on_its_objects() -> Result<()> {
    let objects = [
        ingress("invalid", "invalid", "nginx.ingress.kubernetes.io/proxy-connect-timeout: 30s", ""),
        ingress("denied", "denied", "nginx.ingress.kubernetes.io/auth-type: basic", ""),
        ingress("no-secret", "no-secret", "", "  tls: [{hosts: [no-secret.example.com], secretName: absent}]"),
        ingress("no-service", "no-service", "", ""),
        ingress("no-port", "no-port", "", "").replace("number: 80", "number: 81"),
        ingress("bad-secret", "bad-secret", "", "  tls: [{hosts: [bad-secret.example.com], secretName: bad}]"),
        "{apiVersion: v1, kind: Secret, metadata: {name: bad}, type: kubernetes.io/tls, data: {}}\n---\n".to_owned(),
        ingress("older", "contested", "", ""),
        ingress("younger", "contested", "", ""),
        ingress("regex", "regex", "nginx.ingress.kubernetes.io/use-regex: 'true'", "")
            .replace("path: /, pathType: Prefix", "path: '/(a', pathType: ImplementationSpecific"),
    ];
    let services = ["invalid", "denied", "no-secret", "no-port", "bad-secret", "older", "younger", "regex"];
    let server = ApiServer::start(&(objects.concat() + &services.map(service).concat())).await?;
    let _adit = Adit::watch(&cluster(&server)).await?;
    let expected = [
        "Ingress default/invalid AnnotationParsingFailed",
        "Ingress default/denied Denied",
        "Ingress default/no-secret ReferenceNotFound",
        "Ingress default/no-service ReferenceNotFound",
        "Ingress default/no-port ReferenceNotFound",
        "Service default/no-port ReferenceNotFound",
        "Ingress default/bad-secret InvalidCertificate",
        "Secret default/bad InvalidCertificate",
        "Ingress default/older Conflict",
        "Ingress default/younger Conflict",
        "Ingress default/regex Rejected",
    ];
    tells(&server, &expected).await?;
    let events = server.objects_of("events");
    assert_eq!(events.len(), expected.len(), "one each: {events:#?}");
    for event in &events {
        let regarding = &event["regarding"];
        let resource = if regarding["kind"] == "Ingress" { "ingresses" } else { "services" };
        let resource = if regarding["kind"] == "Secret" { "secrets" } else { resource };
        let objects = server.objects_of(resource);
        let object = objects.iter().find(|object| object["metadata"]["name"] == regarding["name"]).context("none")?;
        assert_eq!(regarding["uid"], object["metadata"]["uid"], "{event}");
        assert_eq!((&event["type"], &event["reportingInstance"]), (&"Warning".into(), &"adit-1".into()));
    }
    let note = |name: &str| {
        let event = events.iter().find(|event| event["regarding"]["name"] == name).context("no Event")?;
        event["note"].as_str().context("no note")
    };
    assert_eq!(
        note("no-secret")?,
        "spec.tls[0].secretName: \"absent\" names Secret default/absent, which does not exist: host no-secret.example.com \
         is served with the default certificate"
    );
    assert!(
        note("bad")?.starts_with("Ingress default/bad-secret: spec.tls[0].secretName: \"bad\" names"),
        "{events:#?}"
    );
    Ok(())
}

#[tokio::test]
async fn nothing_is_repeated_by_another_replica() -> Result<()> {
    let server = ApiServer::start(&(ingress("a", "a", "", "") + &ingress("b", "b", "", ""))).await?;
    let expected = ["Ingress default/a ReferenceNotFound", "Ingress default/b ReferenceNotFound"];
    let first = Adit::watch(&cluster(&server)).await?;
    tells(&server, &expected).await?;
    first.shut_down().await?;
    let before = server.objects_of("events");
    let _second = Adit::watch(&cluster(&server)).await?;
    server.asked("events", false, 4).await?;
    assert_eq!(server.objects_of("events"), before);
    // It goes on with what is new.
    server.apply(&ingress("c", "c", "", ""))?;
    tells(&server, &[&expected[..], &["Ingress default/c ReferenceNotFound"]].concat()).await?;
    assert_eq!(server.requests("events", false), 5);
    Ok(())
}

#[tokio::test]
async fn who_does_not_hold_the_lease_is_silent() -> Result<()> {
    let server = ApiServer::start(&ingress("a", "a", "", "")).await?;
    server.refuse("leases", true);
    let mut follows = cluster(&server);
    follows.status.election = true;
    follows.status.pod = Some(NamespacedName { namespace: "adit".into(), name: "adit-2".into() });
    let _follower = Adit::watch(&follows).await?;
    // It starts first, so that its Event would be first.
    let _leader = Adit::watch(&cluster(&server)).await?;
    tells(&server, &["Ingress default/a ReferenceNotFound"]).await?;
    assert_eq!(server.objects_of("events")[0]["reportingInstance"], "adit-1");
    assert_eq!(server.requests("events", false), 1);
    Ok(())
}

#[tokio::test]
async fn a_failing_server_gets_them_later_and_holds_up_nothing() -> Result<()> {
    let server = ApiServer::start(&ingress("a", "a", "", "")).await?;
    server.fail("events", [Fault::Status(500), Fault::Cut, Fault::Busy(1)]);
    let adit = Adit::watch(&cluster(&server)).await?;
    server.failed().await?;
    tells(&server, &["Ingress default/a ReferenceNotFound"]).await?;

    server.fail("events", [Fault::Held]);
    server.apply(&ingress("b", "b", "", ""))?;
    server.failed().await?;
    server.apply(&(ingress("c", "c", "", "") + &service("c")))?;
    adit.reaches(|state| state.revision > 2).await?;
    assert!(adit.table().await?.to_string().contains("c.example.com"));
    server.release();
    tells(&server, &["Ingress default/a ReferenceNotFound", "Ingress default/b ReferenceNotFound"]).await
}

#[tokio::test]
async fn what_may_not_be_written_is_written_once_it_may() -> Result<()> {
    let server = ApiServer::start(&ingress("a", "a", "", "")).await?;
    server.refuse("events", true);
    let _adit = Adit::watch(&cluster(&server)).await?;
    server.asked("events", false, 2).await?;
    server.refuse("events", false);
    tells(&server, &["Ingress default/a ReferenceNotFound"]).await
}

#[tokio::test]
async fn what_will_never_be_taken_is_not_asked_again() -> Result<()> {
    // It is not what it should be, or its namespace is being deleted.
    for fault in [Fault::Status(422), Fault::Ending] {
        let server = ApiServer::start(&ingress("a", "a", "", "")).await?;
        server.fail("events", [fault]);
        let _adit = Adit::watch(&cluster(&server)).await?;
        server.failed().await?;
        server.apply(&ingress("b", "b", "", ""))?;
        tells(&server, &["Ingress default/b ReferenceNotFound"]).await?;
        assert_eq!(server.requests("events", false), 2);
    }
    Ok(())
}
