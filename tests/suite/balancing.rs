//! How endpoints are chosen, where only several requests together show it.

use anyhow::{Context, Result, ensure};
use controller::settings::ServeSettings;
use serde_json::json;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::adit::{Adit, annotated, documents, manifests, on_loopback, slice};
use tests::backend::{answering, scripted};
use tests::client::Response;
use tests::connection::Connection;
use tests::objects;
use tokio::sync::watch;
use tokio::task::JoinSet;

const FAST: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfast";
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
