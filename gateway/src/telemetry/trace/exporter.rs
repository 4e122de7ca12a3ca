//! Sends spans to the collector: one task, in batches, for as long as the process lives.

use super::collector::{Client, ExportError, Refused};
use super::orders::Orders;
use super::otlp;
use super::queue::SpanQueue;
use super::span::Span;
use crate::config::{Collector, TracingSettings};
use crate::upstream::NameLookup;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often a batch is sent, at most. Then it is dropped.
const TRIES: u32 = 5;
/// How often failures are logged, at most.
const LOG_PERIOD: Duration = Duration::from_secs(60);

/// How long to wait after the first failure, at most. After each further one, it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Sends the spans of all workers to the collector.
#[derive(Debug)]
pub struct Exporter {
    queue: Arc<SpanQueue>,
    orders: watch::Receiver<Orders>,
    names: NameLookup,
    client: Option<Client>,
    /// What is to be sent next, and how often that was tried.
    batch: Vec<Span>,
    tries: u32,
    /// How long to wait before that.
    pause: Duration,
    waits: ExponentialBackoff,
    log: FailureLog,
}

/// What has failed, as far as it is told.
#[derive(Debug, Default)]
struct FailureLog {
    /// Spans that were dropped since the last line.
    dropped: usize,
    /// When that was written.
    written: Option<Instant>,
    /// It is not known to be over.
    is_told: bool,
}

impl Exporter {
    pub(super) fn new(queue: Arc<SpanQueue>, orders: watch::Receiver<Orders>, names: NameLookup) -> Self {
        Self {
            queue,
            orders,
            names,
            client: None,
            batch: Vec::new(),
            tries: 0,
            pause: Duration::ZERO,
            waits: waits(),
            log: FailureLog::default(),
        }
    }

    /// Sends spans until it is told to end; then sends those that wait, once.
    pub async fn run(mut self) {
        while let Some(settings) = self.wait().await {
            self.send_next(&settings).await;
        }
        self.send_rest().await;
    }

    /// Waits until something may be there to send. `None` ends the exporter. New settings count at once.
    async fn wait(&mut self) -> Option<Arc<TracingSettings>> {
        loop {
            let Orders { settings, has_ended } = self.orders.borrow_and_update().clone();
            if has_ended {
                return None;
            }
            self.client.take_if(|client| !client.serves(&settings.collector));
            let (pause, has_batch, queue) = (self.pause, !self.batch.is_empty(), Arc::clone(&self.queue));
            let due = async {
                if settings.collector.host.is_none() {
                    return std::future::pending().await;
                }
                tokio::time::sleep(pause).await;
                if !has_batch {
                    // Its end says that too few wait: they are sent all the same.
                    let _ = tokio::time::timeout(settings.delay, queue.batch()).await;
                }
            };
            tokio::select! {
                biased;
                changed = self.orders.changed() => {
                    changed.ok()?;
                    self.pause = Duration::ZERO;
                }
                () = due => return Some(settings),
            }
        }
    }

    /// Sends the oldest spans. If that fails and may do better, they are the next again.
    async fn send_next(&mut self, settings: &TracingSettings) {
        if self.batch.is_empty() {
            self.batch = self.queue.take();
            self.tries = 0;
        }
        let Err(error) = self.send(settings).await else { return };
        self.tries += 1;
        self.pause = self.waits.next().unwrap_or(LONGEST_PAUSE);
        let gives_up = self.tries == TRIES || !error.is_temporary();
        let lost = if gives_up { std::mem::take(&mut self.batch).len() } else { 0 };
        self.failed(&error, &settings.collector, lost);
    }

    /// Sends what waits, as long as it is taken.
    async fn send_rest(&mut self) {
        let settings = Arc::clone(&self.orders.borrow().settings);
        loop {
            if self.batch.is_empty() {
                self.batch = self.queue.take();
            }
            if self.batch.is_empty() || settings.collector.host.is_none() {
                return;
            }
            if let Err(error) = self.send(&settings).await {
                return self.failed(&error, &settings.collector, self.batch.len());
            }
        }
    }

    async fn send(&mut self, settings: &TracingSettings) -> Result<(), ExportError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut client = match self.client.take().filter(|client| client.serves(&settings.collector)) {
            Some(client) => client,
            None => Client::connect(&settings.collector, &self.names).await?,
        };
        let refused = client.send(otlp::request(&self.batch, &settings.service_name)).await?;
        self.client = Some(client);
        self.sent(&refused);
        Ok(())
    }

    fn sent(&mut self, refused: &Refused) {
        let count = std::mem::take(&mut self.batch).len() as u64;
        let lost = refused.count.min(count);
        self.queue.metrics.sent(count - lost);
        self.queue.metrics.refused(lost);
        (self.pause, self.waits) = (Duration::ZERO, waits());
        if std::mem::take(&mut self.log.is_told) {
            tracing::info!("the collector takes spans again");
        }
        if lost > 0 {
            tracing::debug!(spans = lost, reason = ?refused.reason, "the collector has refused spans");
        }
    }

    fn failed(&mut self, error: &ExportError, collector: &Collector, lost: usize) {
        self.queue.metrics.undelivered(lost as u64);
        self.log.dropped += lost;
        if self.log.written.is_some_and(|written| written.elapsed() < LOG_PERIOD) {
            return;
        }
        let (host, port) = (collector.host.as_deref().unwrap_or_default(), collector.port);
        let dropped = std::mem::take(&mut self.log.dropped);
        tracing::warn!(host, port, %error, dropped, "cannot send spans to the collector");
        (self.log.written, self.log.is_told) = (Some(Instant::now()), true);
    }
}

/// Each wait is half of the longest for sure, and the rest by chance: replicas do not come back all at once.
fn waits() -> ExponentialBackoff {
    let half = ExponentialBuilder::new().with_min_delay(FIRST_PAUSE / 2).with_max_delay(LONGEST_PAUSE / 2);
    half.with_jitter().without_max_times().build()
}
