//! Adit watches a cluster whose API server fails in every way that a real one can. Whatever happens, the table is in the
//! end the one that a directory with the same objects gives, and nothing goes away because something failed.

use anyhow::{Context, Result, ensure};
use controller::cli::explain::describe;
use controller::settings::{ClusterSettings, ControllerSettings, StatusSettings, WatchedNamespaces};
use controller::source::cluster::ClusterSource;
use controller::source::{SourceEvent, manifest};
use controller::store::Store;
use controller::translate::Translator;
use gateway::table::Publisher;
use serde_json::Value;
use std::sync::Arc;
use tests::adit::Adit;
use tests::apiserver::{ApiServer, Fault, Order};
use tests::connection::PATIENCE;
use tokio::time::timeout;

/// An Ingress, its Service and that Service's endpoint.
fn app(name: &str) -> String {
    app_in("default", name)
}

fn app_in(namespace: &str, name: &str) -> String {
    format!(
        r#"
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  rules:
    - host: {name}.example.com
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{ports: [{{port: 80}}]}}
---
{}"#,
        slice(namespace, name, "10.0.0.1")
    )
}

fn slice(namespace: &str, name: &str, address: &str) -> String {
    format!(
        r#"apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-1, namespace: {namespace}, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
endpoints: [{{addresses: ["{address}"], conditions: {{ready: true}}}}]
ports: [{{port: 8080}}]
---
"#
    )
}

const RESOURCES: [&str; 4] = ["ingresses", "services", "endpointslices", "secrets"];

/// Watches and writes nothing.
fn cluster(server: &ApiServer) -> ClusterSettings {
    let status = StatusSettings { election: false, update: false, ..StatusSettings::default() };
    ClusterSettings { apiserver: Some(server.url().to_owned()), status, ..ClusterSettings::default() }
}

async fn start(manifests: &str) -> Result<(ApiServer, Adit)> {
    let server = ApiServer::start(manifests).await?;
    let adit = Adit::watch(&cluster(&server)).await?;
    settles(&adit, &server).await?;
    for resource in RESOURCES.into_iter().chain(["ingressclasses"]) {
        server.asked(resource, true, 1).await?;
    }
    Ok((server, adit))
}

/// The table that a directory with these objects gives.
fn table_of(objects: &str) -> Value {
    let mut store = Store::new();
    let manifest = manifest::parse(&"objects".into(), objects.as_bytes());
    let changes: Vec<_> =
        manifest.objects.into_iter().flat_map(|object| store.apply(SourceEvent::Apply(object))).collect();
    let publisher = Publisher::new(Arc::default());
    publisher.publish(Translator::new(ControllerSettings::default()).translate(&store, &changes));
    let mut table = describe(&publisher.load());
    table["revision"] = Value::Null;
    table
}

/// Waits until the table is the one that the server's objects ask for.
async fn settles(adit: &Adit, server: &ApiServer) -> Result<()> {
    comes_to(adit, &table_of(&server.objects())).await
}

async fn comes_to(adit: &Adit, expected: &Value) -> Result<()> {
    let mut state = adit.state()?;
    let comes = async {
        loop {
            state.borrow_and_update();
            if adit.table().await? == *expected {
                return anyhow::Ok(());
            }
            state.changed().await?;
        }
    };
    match timeout(PATIENCE, comes).await {
        Ok(outcome) => outcome,
        Err(_) => Err(anyhow::anyhow!("the table is {:#}\nand should be {expected:#}", adit.table().await?)),
    }
}

fn revision(adit: &Adit) -> Result<u64> {
    Ok(adit.state()?.borrow().revision)
}

fn hosts(table: &Value) -> usize {
    let hosts = table["hosts"].as_array().into_iter().flatten();
    hosts.filter(|host| host["host"].as_str().is_some_and(|name| name.ends_with(".example.com"))).count()
}

#[tokio::test]
async fn objects_are_listed_in_pages_and_followed() -> Result<()> {
    let server = ApiServer::start(&(app("a") + &app("b") + &app("c"))).await?;
    server.page(2);
    let adit = Adit::watch(&cluster(&server)).await?;
    settles(&adit, &server).await?;
    assert_eq!((hosts(&adit.table().await?), server.requests("ingresses", false)), (3, 2));
    server.apply(&app("d"))?;
    server.apply(&slice("default", "a", "10.0.0.2"))?;
    server.delete("ingresses", "default", "b")?;
    settles(&adit, &server).await?;
    assert_eq!(hosts(&adit.table().await?), 3);
    assert!(adit.table().await?.to_string().contains("10.0.0.2:8080"));
    Ok(())
}

#[tokio::test]
async fn nothing_is_served_before_everything_is_listed() -> Result<()> {
    let server = ApiServer::start(&app("a")).await?;
    server.fail("endpointslices", [Fault::Held]);
    let settings = cluster(&server);
    let starting = tokio::spawn(async move { Adit::watch(&settings).await });
    server.failed().await?;
    for resource in ["ingresses", "services", "secrets"] {
        server.asked(resource, true, 1).await?;
    }
    assert!(!starting.is_finished());
    server.release();
    settles(&starting.await??, &server).await
}

#[tokio::test]
async fn a_cluster_half_up_is_waited_for() -> Result<()> {
    let server = ApiServer::start(&app("a")).await?;
    server.fail("ingresses", [Fault::Status(500), Fault::Status(503), Fault::Cut]);
    server.fail("services", [Fault::Busy(1), Fault::Status(429)]);
    settles(&Adit::watch(&cluster(&server)).await?, &server).await
}

#[tokio::test]
async fn a_version_that_is_gone_leads_to_a_new_list() -> Result<()> {
    let (server, adit) = start(&(app("a") + &app("b"))).await?;
    // Before the watches go on, two objects vanish and one appears: only a list can tell.
    for resource in RESOURCES {
        server.fail(resource, [Fault::Status(500)]);
        server.order(resource, Order::Cut);
    }
    server.failed().await?;
    server.delete("ingresses", "default", "a")?;
    server.delete("endpointslices", "default", "b-1")?;
    server.apply(&app("c"))?;
    server.forget();
    settles(&adit, &server).await?;
    assert_eq!((hosts(&adit.table().await?), server.requests("ingresses", false)), (2, 2));
    Ok(())
}

#[tokio::test]
async fn an_error_within_a_watch_leads_to_a_new_list() -> Result<()> {
    let (server, adit) = start(&app("a")).await?;
    let before = revision(&adit)?;
    for (times, order) in [Order::Error(410), Order::Error(500), Order::Garble].into_iter().enumerate() {
        server.order("ingresses", order);
        server.asked("ingresses", false, times + 2).await?;
        server.asked("ingresses", true, times + 2).await?;
    }
    assert_eq!(revision(&adit)?, before, "a list of the same objects changed something");
    server.apply(&app("b"))?;
    settles(&adit, &server).await
}

#[tokio::test]
async fn a_cut_stream_goes_on_where_it_was() -> Result<()> {
    let (server, adit) = start(&app("a")).await?;
    for round in ["b", "c", "d"] {
        for resource in RESOURCES {
            server.order(resource, Order::Cut);
        }
        server.apply(&app(round))?;
        settles(&adit, &server).await?;
    }
    assert_eq!((hosts(&adit.table().await?), server.requests("ingresses", false)), (4, 1));
    Ok(())
}

#[tokio::test]
async fn a_bookmark_saves_the_list() -> Result<()> {
    let (server, adit) = start(&app("a")).await?;
    server.apply(&app("b"))?;
    settles(&adit, &server).await?;
    server.order("ingressclasses", Order::Bookmark);
    server.order("ingressclasses", Order::Cut);
    server.asked("ingressclasses", true, 2).await?;
    server.forget();
    server.order("ingressclasses", Order::Cut);
    server.asked("ingressclasses", true, 3).await?;
    server
        .apply("{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: x}, spec: {controller: y}}")?;
    settles(&adit, &server).await?;
    assert_eq!(server.requests("ingressclasses", false), 1);
    Ok(())
}

#[tokio::test]
async fn failing_lists_delete_nothing() -> Result<()> {
    let (server, adit) = start(&(app("a") + &app("b") + &app("c"))).await?;
    let before = revision(&adit)?;
    server.page(2);
    for resource in RESOURCES {
        server.fail(resource, [Fault::Status(500), Fault::Status(429), Fault::Cut, Fault::Status(410), Fault::Held]);
        server.order(resource, Order::Error(410));
    }
    server.failed().await?;
    assert_eq!((revision(&adit)?, hosts(&adit.table().await?)), (before, 3));
    server.delete("ingresses", "default", "b")?;
    server.release();
    settles(&adit, &server).await?;
    assert_eq!(hosts(&adit.table().await?), 2);
    Ok(())
}

#[tokio::test]
async fn a_list_that_breaks_off_after_a_page_deletes_nothing() -> Result<()> {
    let (server, adit) = start(&(app("a") + &app("b") + &app("c"))).await?;
    let before = revision(&adit)?;
    server.page(1);
    // The first page comes, after a while; the second does not.
    server.fail("ingresses", [Fault::Held, Fault::Status(500)]);
    server.order("ingresses", Order::Error(410));
    server.asked("ingresses", false, 2).await?;
    server.release();
    server.failed().await?;
    server.asked("ingresses", true, 2).await?;
    assert_eq!((revision(&adit)?, hosts(&adit.table().await?)), (before, 3));
    server.apply(&app("d"))?;
    settles(&adit, &server).await
}

#[tokio::test]
async fn a_kind_that_is_forbidden_counts_as_empty_until_it_is_allowed() -> Result<()> {
    let server = ApiServer::start(&app("a")).await?;
    server.refuse("endpointslices", true);
    server.refuse("ingressclasses", true);
    let adit = Adit::watch(&cluster(&server)).await?;
    assert_eq!(hosts(&adit.table().await?), 1);
    let refused = |kind: &'static str| {
        move |state: &controller::pipeline::State| state.diagnostics.iter().any(|d| d.object.starts_with(kind))
    };
    adit.reaches(|state| refused("EndpointSlice")(state) && refused("IngressClass")(state)).await?;
    assert!(adit.metrics().await?.lines().any(|line| is_unhealthy(line, "EndpointSlice")));
    server.refuse("endpointslices", false);
    settles(&adit, &server).await?;
    adit.reaches(|state| !refused("EndpointSlice")(state)).await
}

fn is_unhealthy(line: &str, kind: &str) -> bool {
    line.starts_with("adit_watch_healthy") && line.contains(&format!("kind=\"{kind}\"")) && line.ends_with(" 0")
}

#[tokio::test]
async fn permission_that_is_taken_away_takes_nothing_else_away() -> Result<()> {
    let (server, adit) = start(&app("a")).await?;
    for resource in RESOURCES {
        server.refuse(resource, true);
        server.order(resource, Order::Error(410));
    }
    adit.reaches(|state| state.diagnostics.len() >= RESOURCES.len()).await?;
    assert_eq!(adit.table().await?, table_of(&server.objects()));
    server.apply(&app("b"))?;
    for resource in RESOURCES {
        server.refuse(resource, false);
    }
    settles(&adit, &server).await
}

#[tokio::test]
async fn a_token_that_has_been_replaced_is_read_again() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let token = directory.path().join("token");
    std::fs::write(&token, "first")?;
    let server = ApiServer::start(&app("a")).await?;
    server.expect_token("first");
    let kubeconfig = directory.path().join("kubeconfig");
    std::fs::write(
        &kubeconfig,
        format!(
            "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {{server: '{}'}}}}], \
             users: [{{name: u, user: {{tokenFile: token}}}}], contexts: [{{name: c, context: {{cluster: c, user: u}}}}]}}",
            server.url()
        ),
    )?;
    let cluster = ClusterSettings { kubeconfig: Some(kubeconfig), ..ClusterSettings::default() };
    let adit = Adit::watch(&cluster).await?;
    settles(&adit, &server).await?;
    let before = revision(&adit)?;

    server.expect_token("second");
    server.asked("ingresses", true, 3).await?;
    assert_eq!(revision(&adit)?, before);
    server.apply(&app("b"))?;
    std::fs::write(&token, "second")?;
    settles(&adit, &server).await?;
    assert_eq!(server.requests("ingresses", false), 1);
    Ok(())
}

#[tokio::test]
async fn a_malformed_object_costs_itself_alone() -> Result<()> {
    let (server, adit) = start(&app("a")).await?;
    server.apply("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: 80}}")?;
    server.apply("{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: z}, spec: {rules: none}}")?;
    server.apply(&app("b"))?;
    adit.reaches(|state| state.diagnostics.len() == 2).await?;
    let healthy = app("a") + &app("b");
    let expected = ApiServer::start(&healthy).await?;
    comes_to(&adit, &table_of(&expected.objects())).await?;
    server.delete("ingresses", "default", "z")?;
    server.apply("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}")?;
    adit.reaches(|state| state.diagnostics.is_empty()).await
}

#[tokio::test]
async fn foreign_secrets_and_config_maps_are_not_asked_for() -> Result<()> {
    let headers =
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: headers, namespace: web}, data: {X-Seen: seen}}\n---\n";
    let other = "{apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: web}, data: {x: 'y'}}\n---\n";
    let gateway = |data: &str| {
        format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: adit, namespace: adit}}, data: {{{data}}}}}\n---\n"
        )
    };
    let server = ApiServer::start(&(app("a") + headers + other + &gateway("add-headers: web/headers"))).await?;
    let adit = Adit::watch(&cluster(&server)).await?;
    settles(&adit, &server).await?;
    adit.reaches(|state| state.diagnostics.is_empty()).await?;
    let targets = server.targets();
    assert!(
        targets.iter().all(|target| !target.contains("/secrets") || target.contains("helm.sh%2Frelease.v1")),
        "{targets:?}"
    );
    assert!(
        targets.iter().any(|target| target.contains("/namespaces/web/configmaps?") && target.contains("headers")),
        "{targets:?}"
    );
    let all = targets.iter().find(|target| target.contains("configmaps") && !target.contains("metadata.name"));
    assert_eq!(all, None);
    // The first named ConfigMap is no longer wanted, and a missing one is said to be.
    server.apply(&gateway("add-headers: web/missing"))?;
    adit.reaches(|state| state.diagnostics.len() == 1).await
}

#[tokio::test]
async fn one_namespace_needs_nothing_of_the_others() -> Result<()> {
    let server = ApiServer::start(&(app_in("shop", "a") + &app_in("blog", "b"))).await?;
    server.refuse("ingressclasses", true);
    let namespaces = WatchedNamespaces::One("shop".into());
    let adit = Adit::watch(&ClusterSettings { namespaces, ..cluster(&server) }).await?;
    let expected = ApiServer::start(&app_in("shop", "a")).await?;
    comes_to(&adit, &table_of(&expected.objects())).await?;
    let targets = server.targets();
    let in_namespaces = |target: &String| {
        ["/namespaces/shop/", "/namespaces/adit/configmaps", "/ingressclasses"]
            .iter()
            .any(|place| target.contains(place))
    };
    assert!(targets.iter().all(in_namespaces), "{targets:?}");
    Ok(())
}

#[tokio::test]
async fn namespaces_count_while_they_have_the_labels() -> Result<()> {
    let namespace = |name: &str, team: &str| {
        format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{team: {team}}}}}}}\n---\n")
    };
    let objects = app_in("shop", "a") + &app_in("blog", "b") + &namespace("shop", "web") + &namespace("blog", "none");
    let server = ApiServer::start(&objects).await?;
    let namespaces = WatchedNamespaces::Labelled("team=web".into());
    let adit = Adit::watch(&ClusterSettings { namespaces, ..cluster(&server) }).await?;
    let only = async |manifests: String| {
        let expected = ApiServer::start(&manifests).await?;
        comes_to(&adit, &table_of(&expected.objects())).await
    };
    only(app_in("shop", "a")).await?;
    server.apply(&namespace("extra", "web"))?;
    server.apply(&app_in("extra", "c"))?;
    only(app_in("shop", "a") + &app_in("extra", "c")).await?;
    server.delete("namespaces", "", "extra")?;
    only(app_in("shop", "a")).await
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_tried_again() -> Result<()> {
    let (_socket, address) = tests::backend::refusing()?;
    let cluster = ClusterSettings { apiserver: Some(format!("http://{address}")), ..ClusterSettings::default() };
    let feed = ClusterSource::new(&ControllerSettings::default(), &cluster).spawn()?;
    let mut health = feed.health.context("a cluster's watches have a health")?;
    timeout(PATIENCE, health.wait_for(|health| health.get("Ingress") == Some(&false))).await??;
    Ok(())
}

#[test]
fn flags_that_lead_nowhere_are_refused_at_once() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let broken = directory.path().join("kubeconfig");
    std::fs::write(&broken, "clusters: 7")?;
    let refused = |settings: ClusterSettings, part: &str| {
        let source = ClusterSource::new(&ControllerSettings::default(), &settings);
        let error = source.spawn().err().context("accepted")?.to_string();
        ensure!(error.contains(part), "{error}");
        Ok(())
    };
    let none = ClusterSettings::default;
    refused(ClusterSettings { kubeconfig: Some(directory.path().join("none")), ..none() }, "--kubeconfig: ")?;
    refused(ClusterSettings { kubeconfig: Some(broken), ..none() }, "--kubeconfig: ")?;
    refused(
        ClusterSettings { apiserver: Some("ftp://x".into()), ..none() },
        "--apiserver-host: \"ftp://x\" is not a URL",
    )?;
    let authority = ClusterSettings {
        apiserver: Some("https://127.0.0.1:1".into()),
        certificate_authority: Some(directory.path().join("none")),
        ..none()
    };
    refused(authority, "--certificate-authority: cannot read")?;
    refused(none(), "expected files or directories, --kubeconfig")
}
