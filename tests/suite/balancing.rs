//! How endpoints are chosen, where only several requests together show it.

use anyhow::{Context, Result, ensure};
use controller::settings::ServeSettings;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tests::adit::{Adit, annotated, documents, manifests, on_loopback, slice};
use tests::backend::{answering, scripted};
use tests::client::Response;
use tests::connection::Connection;
use tests::objects;
use tokio::sync::watch;
use tokio::task::JoinSet;

const FAST: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfast";
const UNAVAILABLE: &str = "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n";
const SLOW: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow";

/// A request for a host on a connection of its own.
async fn get(gateway: SocketAddr, host: &str) -> Result<Response> {
    let mut connection = Connection::open(gateway).await?;
    connection.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await?;
    connection.response("GET").await
}

#[tokio::test]
async fn round_robin_is_even_over_two_workers() -> Result<()> {
    const CONNECTIONS: usize = 60;
    const EACH: usize = 10;
    let pods = [answering(FAST).await?, answering(SLOW).await?];
    let serve = ServeSettings { workers: NonZero::new(2), ..on_loopback(ServeSettings::default()) };
    let adit = Adit::start_on(serve, &manifests(&pods, &json!({}))).await?;
    let gateway = adit.address()?;
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        clients.spawn(async move {
            let mut connection = Connection::open(gateway).await?;
            let mut fast = 0;
            for _ in 0..EACH {
                connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
                fast += usize::from(connection.response("GET").await?.body == b"fast");
            }
            anyhow::Ok(fast)
        });
    }
    let mut fast = 0;
    while let Some(client) = clients.join_next().await {
        fast += client??;
    }
    // All workers share one position.
    assert_eq!(fast, CONNECTIONS * EACH / 2);
    Ok(())
}

/// A backend that holds its responses back as long as it is told to.
async fn held_back(arrived: Arc<AtomicUsize>, held: watch::Receiver<bool>) -> Result<SocketAddr> {
    scripted(move |_, mut connection| {
        let (arrived, mut held) = (Arc::clone(&arrived), held.clone());
        async move {
            while connection.request().await?.is_some() {
                arrived.fetch_add(1, Ordering::SeqCst);
                held.wait_for(|held| !held).await?;
                connection.send(SLOW).await?;
            }
            Ok(())
        }
    })
    .await
}

/// The requests of host `h` that have been counted, each of which has been measured before.
async fn counted(adit: &Adit) -> Result<usize> {
    let metrics = adit.metrics().await?;
    let of_host = metrics.lines().filter(|line| line.starts_with("nginx_ingress_controller_requests{"));
    let of_host = of_host.filter(|line| line.contains("ingress=\"h\""));
    of_host.map(|line| Ok(line.rsplit(' ').next().context("a value")?.parse::<usize>()?)).sum()
}

/// The responses of one endpoint take as long as a hundred requests to another host together: first it has got some, then
/// those are made, and then it responds.
#[tokio::test]
async fn ewma_prefers_the_faster_of_two_endpoints() -> Result<()> {
    const OTHERS: usize = 100;
    let (hold, held) = watch::channel(true);
    let arrived = Arc::new(AtomicUsize::new(0));
    let pods = [answering(FAST).await?, held_back(Arc::clone(&arrived), held).await?];
    let (mut other, mut service) = (objects::ingress("other", &[]), objects::backend());
    other["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = json!("other");
    service["metadata"]["name"] = json!("other");
    let own = annotated(&[("load-balance", "ewma")], &pods, &json!({}));
    let adit = Adit::start(&(own + &documents([other, service, slice("other", 0, pods[0])]))).await?;
    let gateway = adit.address()?;

    // Until both are known, or have a request: one of which nothing is known comes first.
    let mut waiting = JoinSet::new();
    let (mut fast, mut sent) = (0, 0);
    while fast == 0 || arrived.load(Ordering::SeqCst) == 0 {
        let before = arrived.load(Ordering::SeqCst);
        let mut request = tokio::spawn(async move { get(gateway, "h").await });
        sent += 1;
        tokio::select! {
            response = &mut request => {
                ensure!(response??.body == b"fast");
                fast += 1;
            }
            () = more_than(&arrived, before) => drop(waiting.spawn(async move { request.await? })),
        }
    }
    for _ in 0..OTHERS {
        ensure!(get(gateway, "other").await?.status == 200);
    }
    hold.send(false)?;
    while let Some(response) = waiting.join_next().await {
        ensure!(response??.body == b"slow");
    }
    while counted(&adit).await? < sent {
        tokio::task::yield_now().await;
    }

    let mut bodies: HashMap<Vec<u8>, usize> = HashMap::new();
    for _ in 0..20 {
        *bodies.entry(get(gateway, "h").await?.body).or_default() += 1;
    }
    assert_eq!(bodies, HashMap::from([(b"fast".to_vec(), 20)]));
    Ok(())
}

/// Waits until more have arrived.
async fn more_than(arrived: &AtomicUsize, before: usize) {
    while arrived.load(Ordering::SeqCst) == before {
        tokio::task::yield_now().await;
    }
}

/// A backend that counts its requests, and answers with 503 while it is `broken`.
async fn flaky(broken: Arc<AtomicBool>, requests: Arc<AtomicUsize>) -> Result<SocketAddr> {
    scripted(move |_, mut connection| {
        let (broken, requests) = (Arc::clone(&broken), Arc::clone(&requests));
        async move {
            while connection.request().await?.is_some() {
                requests.fetch_add(1, Ordering::SeqCst);
                connection.send(if broken.load(Ordering::SeqCst) { UNAVAILABLE } else { SLOW }).await?;
            }
            Ok(())
        }
    })
    .await
}

/// An Adit with an endpoint that is well and one that fails, which is ejected for so long after the third failure.
async fn ejecting(time: &str, broken: &Arc<AtomicBool>, requests: &Arc<AtomicUsize>) -> Result<Adit> {
    let pods = [answering(FAST).await?, flaky(Arc::clone(broken), Arc::clone(requests)).await?];
    let annotations = [("eject-after-failures", "3"), ("eject-time", time)];
    let adit = Adit::start(&annotated(&annotations, &pods, &json!({}))).await?;
    while requests.load(Ordering::SeqCst) < 3 {
        let status = get(adit.address()?, "h").await?.status;
        ensure!([200, 503].contains(&status), "{status}");
    }
    Ok(adit)
}

#[tokio::test]
async fn an_endpoint_that_fails_gets_no_requests_until_its_time_is_over() -> Result<()> {
    let (broken, requests) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let adit = ejecting("1h", &broken, &requests).await?;
    for _ in 0..30 {
        assert_eq!(get(adit.address()?, "h").await?.body, b"fast");
    }
    assert_eq!(requests.load(Ordering::SeqCst), 3);
    assert_eq!(sample(&adit, "adit_ejected_endpoints").await?, "1");
    let table = adit.table().await?;
    assert_eq!((count(&table, true), count(&table, false)), (1, 1));
    let mut admin = Connection::open(adit.admin_address()?).await?;
    admin.send("GET /debug/explain?url=http://h/ HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
    let explanation: Value = serde_json::from_slice(&admin.response("GET").await?.body)?;
    let ejected = &explanation["action"]["forward"]["ejected"];
    assert_eq!(ejected.as_array().map(Vec::len), Some(1), "{explanation}");

    let requests = Arc::new(AtomicUsize::new(0));
    let adit = ejecting("100ms", &broken, &requests).await?;
    assert_eq!(sample(&adit, "adit_ejections_total").await?, "1");
    broken.store(false, Ordering::SeqCst);
    while get(adit.address()?, "h").await?.body != b"slow" {}
    Ok(())
}

/// The value of a metric of the backend.
async fn sample(adit: &Adit, name: &str) -> Result<String> {
    let metrics = adit.metrics().await?;
    let is_sample = |line: &&str| line.starts_with(name) && line.contains("port=\"80\",service=\"backend\"");
    let sample = metrics.lines().find(is_sample).with_context(|| format!("{name}: {metrics}"))?;
    Ok(sample.rsplit(' ').next().unwrap_or_default().to_owned())
}

/// How many endpoints a table has that are ejected, or not.
fn count(table: &Value, ejected: bool) -> usize {
    table.to_string().matches(&format!("\"ejected\":{ejected}")).count()
}

#[tokio::test]
async fn a_new_endpoint_has_a_small_share_at_first() -> Result<()> {
    const REQUESTS: usize = 300;
    let (pods, new) = ([answering(FAST).await?, answering(FAST).await?], answering(SLOW).await?);
    let annotations = [("slow-start", "24h")];
    let mut adit = Adit::start(&annotated(&annotations, &pods, &json!({}))).await?;
    adit.replace(&annotated(&annotations, &[pods[0], pods[1], new], &json!({}))).await?;
    let mut slow = 0;
    for _ in 0..REQUESTS {
        slow += usize::from(get(adit.address()?, "h").await?.body == b"slow");
    }
    // A tenth of a third of them is expected. More than four times as many are a matter of less than 10^-13.
    ensure!(slow < REQUESTS / 3 / 2, "{slow}");
    while get(adit.address()?, "h").await?.body != b"slow" {}
    Ok(())
}
