//! What is measured of a controller, step by step.

use crate::api_server::ApiServer;
use crate::backends::Answerer;
use crate::cluster::Cluster;
use crate::controllers::{Controller, Running};
use crate::objects;
use crate::routing::{self, Identity, Routing};
use crate::visitor::{Visitor, until_served};
use anyhow::{Context, Result};
use benches::cores::Shares;
use benches::open_loop;
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{interval, sleep};

/// From change to change.
const PERIOD: Duration = Duration::from_millis(100);
/// How long it is left alone, and then watched while it has nothing to do.
const REST: Duration = Duration::from_secs(2);
const IDLE: Duration = Duration::from_secs(5);
/// Requests per second of the steady load, and how long it lasts before there are changes.
const RATE: u32 = 500;
const STEADY: Duration = Duration::from_secs(5);

/// What came of it.
pub(crate) struct Measured {
    /// From the start of the process until the last host is served, and until all statuses are written.
    pub(crate) start: Duration,
    pub(crate) statuses: Option<Duration>,
    /// Bytes of resident memory, when all is served.
    pub(crate) memory: u64,
    /// The share of a processor that it uses when nothing happens.
    pub(crate) idle: f64,
    /// Microseconds from the API server's answer until a change is served.
    pub(crate) changes: Histogram<u64>,
    /// CPU time of a change.
    pub(crate) cost: Duration,
    /// Microseconds that requests of the steady load take: without changes, and with them.
    pub(crate) steady: Histogram<u64>,
    pub(crate) changing: Histogram<u64>,
}

/// Measures a controller with what the cluster has, and makes so many changes to that.
///
/// # Errors
/// It cannot be started, or does not serve what it should in time.
pub(crate) async fn measure(
    controller: &Controller,
    cluster: &mut Cluster,
    shares: &Shares,
    changes: usize,
) -> Result<Measured> {
    let identity = cluster.next_controller().await?;
    let version = cluster.api.version(cluster.routing).await?;
    let running = controller.start(&cluster.api, shares, &identity)?;
    let (start, statuses) = complete(controller, &running, cluster, (&identity, version)).await?;
    sleep(REST).await;
    let memory = running.process.resident()?;
    let (idle, ()) = usage(&running, sleep(IDLE)).await?;
    let (before, steady) = usage(&running, load(running.http, STEADY)).await?;
    let began = Instant::now();
    let time = PERIOD * u32::try_from(changes)?;
    let both = async { tokio::try_join!(make_changes(cluster, running.http, changes), load(running.http, time)) };
    let (during, both) = usage(&running, both).await?;
    let cost = began.elapsed().mul_f64((during - before).max(0.0)) / u32::try_from(changes)?;
    let (changes, changing) = both?;
    Ok(Measured { start, statuses, memory, idle, changes, cost, steady: steady?, changing })
}

/// Waits until the last object is served, and all statuses are written after that version, if they are. Returns how long that took.
async fn complete(
    controller: &Controller,
    running: &Running,
    cluster: &Cluster,
    (identity, version): (&Identity, String),
) -> Result<(Duration, Option<Duration>)> {
    let last = routing::host(cluster.size() - 1);
    let served = async {
        until_served(running.http, last).await.context("the last host")?;
        Ok(running.started.elapsed())
    };
    let written = async {
        if !controller.kind.writes_statuses() {
            return Ok::<_, anyhow::Error>(None);
        }
        cluster.api.statuses(cluster.routing, cluster.size(), identity, version).await?;
        Ok(Some(running.started.elapsed()))
    };
    tokio::try_join!(served, written)
}

/// The share of a processor that it uses during some work.
async fn usage<T>(running: &Running, work: impl Future<Output = T>) -> Result<(f64, T)> {
    let (before, start) = (running.process.cpu_time()?, Instant::now());
    let result = work.await;
    let spent = running.process.cpu_time()? - before;
    Ok((spent.as_secs_f64() / start.elapsed().as_secs_f64(), result))
}

async fn load(address: SocketAddr, time: Duration) -> Result<Histogram<u64>> {
    spawn_blocking(move || open_loop::latencies(address, RATE, time)).await?
}

/// Has the middle path of one object after another lead to the other backend. Returns the microseconds until each change
/// was served. The first one, of the steady load, stays as it is.
async fn make_changes(cluster: &mut Cluster, http: SocketAddr, count: usize) -> Result<Histogram<u64>> {
    let mut ticks = interval(PERIOD);
    let mut under_way = JoinSet::new();
    for number in 1..=count {
        ticks.tick().await;
        let answerer = cluster.toggle(number);
        under_way.spawn(change(Arc::clone(&cluster.api), cluster.routing, http, number, answerer));
    }
    let mut all = Histogram::new(3)?;
    while let Some(took) = under_way.join_next().await {
        all.record(u64::try_from(took??.as_micros())?)?;
    }
    Ok(all)
}

async fn change(
    api: Arc<ApiServer>,
    routing: Routing,
    http: SocketAddr,
    number: usize,
    answerer: Answerer,
) -> Result<Duration> {
    let mut visitor = Visitor::connect(http, routing::host(number)).await?;
    let name = objects::name(number);
    api.lead(routing, &name, answerer.service(&name)).await?;
    let written = Instant::now();
    visitor.until(answerer).await.with_context(|| format!("a change of {name}"))?;
    Ok(written.elapsed())
}
