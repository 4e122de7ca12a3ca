//! Canaries under load: what share they get, and that the controllers which drive them lose no request.
//!
//! The writes are those of Argo Rollouts (`trafficrouting/nginx`) and Flagger (`router/ingress`), in their order.

use anyhow::{Context, Result, ensure};
use controller::settings::{ClusterSettings, ServeSettings, StatusSettings};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tests::adit::{Adit, documents, on_loopback, slice};
use tests::apiserver::ApiServer;
use tests::backend::answering;
use tests::connection::{Connection, PATIENCE};
use tokio::task::JoinSet;
use tokio::time::timeout;

const PREFIX: &str = "nginx.ingress.kubernetes.io";
const REQUESTS: usize = 10_000;
const CONNECTIONS: usize = 4;

const OLD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold";
const NEW: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew";

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}})
}

/// An Ingress for all of host `h`.
fn ingress(name: &str, service: &str, annotations: &[(&str, &str)]) -> Value {
    let annotations = annotations.iter().map(|(key, value)| (format!("{PREFIX}/{key}"), json!(value)));
    let backend = json!({"service": {"name": service, "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": "default", "annotations": annotations.collect::<serde_json::Map<_, _>>()},
        "spec": {"rules": [{"host": "h", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]},
    })
}

/// A canary of `shop`, with a Service of its own.
fn canary(annotations: &[(&str, &str)]) -> Value {
    let annotations: Vec<_> = [("canary", "true")].into_iter().chain(annotations.iter().copied()).collect();
    ingress("shop-canary", "canary", &annotations)
}

async fn get(connection: &mut Connection, gateway: SocketAddr, headers: &str) -> Result<String> {
    connection.send(format!("GET / HTTP/1.1\r\nHost: h\r\n{headers}\r\n")).await?;
    let response = connection.response("GET").await?;
    let body = String::from_utf8_lossy(&response.body).into_owned();
    ensure!(response.status == 200 && ["old", "new"].contains(&body.as_str()), "{}: {body}", response.status);
    if response.closed {
        *connection = Connection::open(gateway).await?;
    }
    Ok(body)
}

/// How many of so many requests the canary gets.
async fn count_new(gateway: SocketAddr, requests: usize) -> Result<usize> {
    let mut connection = Connection::open(gateway).await?;
    let mut new = 0;
    for _ in 0..requests {
        new += usize::from(get(&mut connection, gateway, "").await? == "new");
    }
    Ok(new)
}

async fn share_of_canary(gateway: SocketAddr) -> Result<usize> {
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        clients.spawn(count_new(gateway, REQUESTS / CONNECTIONS));
    }
    let mut new = 0;
    while let Some(client) = clients.join_next().await {
        new += client??;
    }
    Ok(new)
}

/// Within three standard deviations of the share. Of 370 honest trials one is further off: then another one decides.
#[tokio::test]
async fn a_weight_of_20_is_a_fifth_of_the_requests_on_one_worker_and_on_two() -> Result<()> {
    const DEVIATION: usize = 40; // the square root of 10,000 * 0.2 * 0.8
    let objects = [
        ingress("shop", "stable", &[]),
        canary(&[("canary-weight", "20")]),
        service("stable"),
        service("canary"),
        slice("stable", 0, answering(OLD).await?),
        slice("canary", 0, answering(NEW).await?),
    ];
    let manifests = documents(objects);
    for workers in [1, 2] {
        let serve = ServeSettings { workers: NonZero::new(workers), ..on_loopback(ServeSettings::default()) };
        let adit = Adit::start_on(serve, &manifests).await?;
        let mut shares = Vec::new();
        let within = |new: &usize| new.abs_diff(REQUESTS / 5) <= 3 * DEVIATION;
        while shares.len() < 2 && !shares.iter().any(within) {
            shares.push(share_of_canary(adit.address()?).await?);
        }
        ensure!(shares.iter().any(within), "{workers} workers: {shares:?} of {REQUESTS}");
    }
    Ok(())
}

/// A cluster, an Adit that watches it, and clients whose requests must all be answered.
struct Rollout {
    cluster: ApiServer,
    adit: Adit,
    /// Pods of the old version, and of the new one.
    pods: [SocketAddr; 2],
    done: Arc<AtomicBool>,
    clients: JoinSet<Result<usize>>,
}

/// The canary's conditions and its weight, as the table has them.
#[derive(Debug, Default, PartialEq)]
struct Shares {
    conditions: usize,
    weight: Option<u64>,
}

impl Rollout {
    /// `shop` serves the old version. The Service of the canary has no endpoint yet.
    async fn start() -> Result<Self> {
        let pods = [answering(OLD).await?, answering(NEW).await?];
        let objects = [
            ingress("shop", "stable", &[("proxy-body-size", "5m")]),
            service("stable"),
            service("canary"),
            slice("stable", 0, pods[0]),
        ];
        let cluster = ApiServer::start(&documents(objects)).await?;
        let status = StatusSettings { election: false, update: false, ..StatusSettings::default() };
        let watched =
            ClusterSettings { apiserver: Some(cluster.url().to_owned()), status, ..ClusterSettings::default() };
        let adit = Adit::watch(&watched).await?;
        let mut rollout = Self { cluster, adit, pods, done: Arc::default(), clients: JoinSet::new() };
        rollout.in_effect(&Shares::default()).await?;
        rollout.answers("", "old").await?;
        for _ in 0..CONNECTIONS {
            rollout.clients.spawn(client(rollout.adit.address()?, Arc::clone(&rollout.done)));
        }
        Ok(rollout)
    }

    /// Creates the canary Ingress, or patches it, and waits for that.
    async fn apply(&self, annotations: &[(&str, &str)], shares: &Shares) -> Result<()> {
        self.cluster.apply(&documents([canary(annotations)]))?;
        self.in_effect(shares).await.with_context(|| format!("{annotations:?}"))
    }

    /// Points a Service at a version.
    fn select(&self, service: &str, version: usize) -> Result<()> {
        self.cluster.apply(&documents([slice(service, 0, self.pods[version])]))
    }

    async fn in_effect(&self, shares: &Shares) -> Result<()> {
        let mut state = self.adit.state()?;
        let comes = async {
            loop {
                state.borrow_and_update();
                let table = self.adit.table().await?;
                if shares_of(&table).as_ref() == Some(shares) {
                    return anyhow::Ok(());
                }
                state.changed().await?;
            }
        };
        match timeout(PATIENCE, comes).await {
            Ok(outcome) => outcome,
            Err(_) => anyhow::bail!("not {shares:?} but {:#}", self.adit.table().await?),
        }
    }

    /// Waits until requests with these header lines are answered by this version, and checks that it stays so.
    async fn answers(&self, headers: &str, version: &str) -> Result<()> {
        let gateway = self.adit.address()?;
        let mut connection = Connection::open(gateway).await?;
        let comes = async {
            while get(&mut connection, gateway, headers).await? != version {}
            anyhow::Ok(())
        };
        timeout(PATIENCE, comes).await.with_context(|| format!("{version} does not answer"))??;
        for _ in 0..20 {
            let answered = get(&mut connection, gateway, headers).await?;
            ensure!(answered == version, "{answered} answers, not {version}");
        }
        Ok(())
    }

    async fn end(mut self) -> Result<()> {
        self.done.store(true, Ordering::Relaxed);
        let mut requests = 0;
        while let Some(client) = self.clients.join_next().await {
            requests += client??;
        }
        ensure!(requests > 100, "{requests} requests are no load");
        Ok(())
    }
}

/// Makes requests that must always be answered, until the rollout has ended. Returns how many.
async fn client(gateway: SocketAddr, done: Arc<AtomicBool>) -> Result<usize> {
    let mut connection = Connection::open(gateway).await?;
    let mut requests = 0;
    while !done.load(Ordering::Relaxed) {
        get(&mut connection, gateway, "").await.with_context(|| format!("request {requests}"))?;
        requests += 1;
    }
    Ok(requests)
}

/// The shares of the canary of the only route of `h` with endpoints; `None` while there is no such route.
fn shares_of(table: &Value) -> Option<Shares> {
    let backends = find(table, "forward")?.as_array()?;
    let main = backends.iter().find(|backend| backend["canary"] == false)?;
    find(main, "address")?;
    let canaries = backends.iter().filter(|backend| backend["canary"] == true);
    let (conditional, weighted): (Vec<_>, Vec<_>) = canaries.partition(|backend| backend["conditional"] == true);
    let weight = weighted.first().and_then(|backend| backend["weight"].as_u64());
    Some(Shares { conditions: conditional.len(), weight })
}

/// The first field of this name, at any depth.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(name).or_else(|| fields.values().find_map(|field| find(field, name))),
        Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        _ => None,
    }
}

fn weight(weight: u64) -> Shares {
    Shares { conditions: 0, weight: Some(weight) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn argo_rollouts_moves_all_requests_and_loses_none() -> Result<()> {
    let rollout = Rollout::start().await?;
    // Both Services select the old version at first.
    rollout.select("canary", 0)?;
    rollout.apply(&[("canary-weight", "0")], &Shares::default()).await?;
    rollout.select("canary", 1)?;
    for step in [20, 50] {
        rollout.apply(&[("canary-weight", &step.to_string())], &weight(step)).await?;
    }
    // `additionalIngressAnnotations`, and `maxTrafficWeight`.
    let by_header = [("canary-weight", "700"), ("canary-weight-total", "1000"), ("canary-by-header", "X-Canary")];
    rollout.apply(&by_header, &Shares { conditions: 1, weight: Some(700) }).await?;
    rollout.answers("X-Canary: always\r\n", "new").await?;
    rollout.answers("X-Canary: never\r\n", "old").await?;
    rollout.apply(&[("canary-weight", "100")], &weight(100)).await?;
    rollout.answers("", "new").await?;
    // Promotion: the stable Service selects the new version, then the weight goes back.
    rollout.select("stable", 1)?;
    rollout.apply(&[("canary-weight", "0")], &Shares::default()).await?;
    rollout.answers("", "new").await?;
    // The Rollout is deleted, and its Ingress with it.
    rollout.cluster.delete("ingresses", "default", "shop-canary")?;
    rollout.answers("", "new").await?;
    rollout.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flagger_moves_requests_by_weight_and_by_header_and_loses_none() -> Result<()> {
    let rollout = Rollout::start().await?;
    // It copies the annotations of the main Ingress. Between two analyses the canary has no Pods.
    let copied = ("proxy-body-size", "5m");
    rollout.apply(&[copied, ("canary-weight", "0")], &Shares::default()).await?;
    rollout.select("canary", 1)?;
    for step in [10, 30, 50] {
        rollout.apply(&[copied, ("canary-weight", &step.to_string())], &weight(step)).await?;
    }
    // The analysis fails: back to nothing, and the Pods go.
    rollout.apply(&[copied, ("canary-weight", "0")], &Shares::default()).await?;
    rollout.answers("", "old").await?;
    rollout.cluster.delete("endpointslices", "default", "canary-0")?;
    // An A/B test by header and cookie.
    rollout.select("canary", 1)?;
    let by_header = [
        copied,
        ("canary-weight", "0"),
        ("canary-by-header", "x-user"),
        ("canary-by-header-value", "insider"),
        ("canary-by-cookie", "beta"),
    ];
    rollout.apply(&by_header, &Shares { conditions: 2, weight: None }).await?;
    rollout.answers("X-User: insider\r\n", "new").await?;
    rollout.answers("Cookie: beta=always\r\n", "new").await?;
    rollout.answers("", "old").await?;
    // It succeeds: the primary gets the new version, and the annotations go.
    rollout.select("stable", 1)?;
    rollout.answers("", "new").await?;
    rollout.apply(&[copied, ("canary-weight", "0")], &Shares::default()).await?;
    rollout.cluster.delete("endpointslices", "default", "canary-0")?;
    rollout.cluster.delete("ingresses", "default", "shop-canary")?;
    rollout.answers("X-User: insider\r\n", "new").await?;
    rollout.end().await
}

/// While all of the weight is the canary's, its Pods go: the main backend serves, and no request fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_whose_pods_go_leaves_its_share_to_the_main_backend() -> Result<()> {
    let rollout = Rollout::start().await?;
    rollout.select("canary", 1)?;
    rollout.apply(&[("canary-weight", "100")], &weight(100)).await?;
    rollout.answers("", "new").await?;
    rollout.cluster.delete("endpointslices", "default", "canary-0")?;
    rollout.answers("", "old").await?;
    rollout.select("canary", 1)?;
    rollout.answers("", "new").await?;
    rollout.end().await
}

#[tokio::test]
async fn metrics_name_the_canary_and_the_main_ingress() -> Result<()> {
    let objects = [
        ingress("shop", "stable", &[]),
        canary(&[("canary-by-header", "X-Canary")]),
        service("stable"),
        service("canary"),
        slice("stable", 0, answering(OLD).await?),
        slice("canary", 0, answering(NEW).await?),
    ];
    let adit = Adit::start(&documents(objects)).await?;
    let mut connection = adit.connect().await?;
    for headers in ["", "X-Canary: always\r\n"] {
        get(&mut connection, adit.address()?, headers).await?;
    }
    // A request is counted a moment after its response.
    let counted = async {
        loop {
            let metrics = adit.metrics().await?;
            if let (Some(main), Some(canary)) = (requests_of(&metrics, ""), requests_of(&metrics, "default-canary-80"))
            {
                return anyhow::Ok([main, canary]);
            }
        }
    };
    for series in timeout(PATIENCE, counted).await.context("not counted in time")?? {
        ensure!(series.contains("ingress=\"shop\"") && series.contains("service=\"stable\""), "{series}");
    }
    Ok(())
}

/// The series of the requests that a canary has served.
fn requests_of(metrics: &str, canary: &str) -> Option<String> {
    let of_canary = format!("nginx_ingress_controller_requests{{canary=\"{canary}\"");
    metrics.lines().find(|line| line.starts_with(&of_canary)).map(str::to_owned)
}
