//! A gateway before a backend that records what it gets, and attackers at each door.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, annotated};
use tests::client::Response;
use tests::connection::{Connection, PATIENCE};
use tests::recorder::{Recording, recorded_answering};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

/// What the backend answers, unless a test has its own.
pub(super) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Where an attacker connects. Both serve host `h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Http,
    Https,
}

pub(super) const DOORS: [Door; 2] = [Door::Http, Door::Https];

/// A gateway for host `h`, its backend, and its access log.
pub(super) struct World {
    pub(super) adit: Adit,
    pub(super) recording: Recording,
    log: UnboundedReceiver<String>,
}

impl World {
    /// One whose backend answers everything [`OK`].
    pub(super) async fn new() -> Result<Self> {
        Self::with(&[], json!({})).await
    }

    /// The same, with annotations of ingress-nginx, by their names after the prefix, and the ConfigMap's data.
    pub(super) async fn with(annotations: &[(&str, &str)], config: Value) -> Result<Self> {
        Self::before(recorded_answering(OK).await?, annotations, config).await
    }

    /// The same before another backend.
    pub(super) async fn before(
        (backend, recording): (SocketAddr, Recording),
        annotations: &[(&str, &str)],
        config: Value,
    ) -> Result<Self> {
        let annotations = [annotations, &[("ssl-redirect", "false")]].concat();
        let (adit, log) = Adit::start_logging(&annotated(&annotations, &[backend], &config)).await?;
        Ok(Self { adit, recording, log })
    }

    pub(super) async fn connect(&self, door: Door) -> Result<Connection> {
        match door {
            Door::Http => self.adit.connect().await,
            Door::Https => self.adit.connect_tls("h").await,
        }
    }

    /// These bytes get this status at each door and the connection ends, nothing of them reaches the backend, and it is
    /// logged and counted.
    pub(super) async fn refuses(&mut self, bytes: &[u8], status: u16) -> Result<()> {
        for door in DOORS {
            let attack = || format!("{:?} at {door:?}", String::from_utf8_lossy(bytes));
            self.recording.clear();
            let counted = self.counted().await?;
            let mut connection = self.connect(door).await?;
            connection.send(bytes).await?;
            let response = connection.response("GET").await.with_context(attack)?;
            assert_eq!((response.status, response.closed), (status, true), "{}", attack());
            assert_eq!(self.recording.all(), "", "{}", attack());
            self.logs(status).await.with_context(attack)?;
            assert!(self.counted().await? > counted, "{} is not counted", attack());
        }
        self.serves_others().await
    }

    /// The next line of the access log is of a request with this answer.
    pub(super) async fn logs(&mut self, status: u16) -> Result<()> {
        let line = timeout(PATIENCE, self.log.recv()).await.context("no line in the log")?.context("no log")?;
        assert!(line.contains(&format!("\" {status} ")), "{line}");
        Ok(())
    }

    /// How many requests have been counted, refused ones and those that a rule matched.
    async fn counted(&self) -> Result<u64> {
        const COUNTERS: [&str; 2] = ["adit_refused_heads_total{", "nginx_ingress_controller_requests{"];
        let metrics = self.adit.metrics().await?;
        let counted = metrics.lines().filter(|line| COUNTERS.iter().any(|counter| line.starts_with(counter)));
        Ok(counted.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// Waits until a metric has this reason: a connection is counted when all of its streams have ended.
    pub(super) async fn counts(&self, metric: &str, reason: &str) -> Result<()> {
        let label = format!("reason={reason:?}");
        let counted = async {
            loop {
                let metrics = self.adit.metrics().await?;
                if metrics.lines().any(|line| line.starts_with(metric) && line.contains(&label)) {
                    return Ok(());
                }
            }
        };
        timeout(PATIENCE, counted).await.with_context(|| format!("no {metric} of {reason}"))?
    }

    /// A client that behaves is served.
    pub(super) async fn serves_others(&mut self) -> Result<()> {
        let response = self.get(&mut self.connect(Door::Http).await?).await?;
        assert_eq!(response.status, 200);
        self.logs(200).await
    }

    /// Asks for `/` of host `h`.
    pub(super) async fn get(&self, connection: &mut Connection) -> Result<Response> {
        connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
        connection.response("GET").await
    }
}
