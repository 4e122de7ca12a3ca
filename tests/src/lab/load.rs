use super::entry::{Entry, ask};
use crate::connection::Connection;
use anyhow::{Context, Result, ensure};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// Clients of each kind: those that keep their connection, and those that make a new one for each request.
const CLIENTS: u64 = 10;

/// Failures that are told in full.
const TOLD: usize = 10;

/// Clients that ask again and again, 200 times a second in all, and check every answer.
#[derive(Debug)]
pub struct Load {
    clients: JoinSet<()>,
    tally: Arc<Mutex<Tally>>,
    stop: watch::Sender<bool>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Right answers on connections that are kept as long as the gateway lets them.
    pub kept: u64,
    /// Right answers on connections of their own.
    pub fresh: u64,
    /// Requests without an answer, or with a wrong one.
    pub failed: u64,
    /// What went wrong with the first of them.
    pub failures: Vec<String>,
}

impl Load {
    /// Asks for `http://HOST/PATH`, each client at one of the entries, and expects an echo server of this Service.
    pub fn start(entries: &[Entry], host: &str, path: &str, service: &str) -> Self {
        Self::start_among(entries, host, path, &[service])
    }

    /// The same, and expects one of several Services.
    pub fn start_among(entries: &[Entry], host: &str, path: &str, services: &[&str]) -> Self {
        Self::of(entries, What::new(host, path, services, false))
    }

    /// The same for `https://HOST/PATH`, with any certificate.
    pub fn start_tls(entries: &[Entry], host: &str, path: &str, service: &str) -> Self {
        Self::of(entries, What::new(host, path, &[service], true))
    }

    fn of(entries: &[Entry], what: What) -> Self {
        const PERIOD: Duration = Duration::from_millis(100);
        let tally = Arc::new(Mutex::new(Tally::default()));
        let (stop, stopped) = watch::channel(false);
        let mut clients = JoinSet::new();
        let what = Arc::new(what);
        for number in 0..2 * CLIENTS {
            let entry = entries[usize::try_from(number / 2).unwrap_or_default() % entries.len()];
            let mut client = Client { entry, keeps: number % 2 == 0, what: what.clone(), connection: None };
            let (tally, stopped) = (tally.clone(), stopped.clone());
            clients.spawn(async move {
                let mut ticks = interval(PERIOD);
                // A slow answer is followed by no burst.
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !*stopped.borrow() {
                    ticks.tick().await;
                    let outcome = client.ask().await;
                    tally.lock().count(client.keeps, outcome);
                }
            });
        }
        Self { clients, tally, stop }
    }

    /// What came of it so far.
    pub fn so_far(&self) -> Tally {
        self.tally.lock().clone()
    }

    /// Returns when so many more right answers have come.
    ///
    /// # Errors
    /// They do not come in time.
    pub async fn answers(&self, more: u64) -> Result<()> {
        let enough = self.so_far().right() + more;
        super::eventually("answers under load", async || {
            let so_far = self.so_far();
            ensure!(so_far.right() >= enough, "{so_far}");
            Ok(())
        })
        .await
    }

    /// Lets the requests that are under way end, and says what came of all.
    ///
    /// # Errors
    /// A client has panicked.
    pub async fn stop(mut self) -> Result<Tally> {
        self.stop.send_replace(true);
        while let Some(ended) = self.clients.join_next().await {
            ended?;
        }
        Ok(self.so_far())
    }
}

impl Tally {
    /// All right answers.
    pub fn right(&self) -> u64 {
        self.kept + self.fresh
    }

    /// Nothing was lost, and both kinds of clients were answered.
    ///
    /// # Errors
    /// Otherwise; the error tells how many, and of some what.
    pub fn is_whole(&self) -> Result<()> {
        ensure!(self.failed == 0 && self.kept > 0 && self.fresh > 0, "{self}");
        Ok(())
    }

    fn count(&mut self, keeps: bool, outcome: Result<()>) {
        match outcome {
            Ok(()) if keeps => self.kept += 1,
            Ok(()) => self.fresh += 1,
            Err(error) => {
                self.failed += 1;
                if self.failures.len() < TOLD {
                    let kind = if keeps { "kept" } else { "fresh" };
                    self.failures.push(format!("on a {kind} connection: {error:#}"));
                }
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kept, fresh, failed, failures } = self;
        write!(f, "{kept} right on kept connections, {fresh} on fresh ones, {failed} failed")?;
        failures.iter().try_for_each(|failure| write!(f, "\n    {failure}"))
    }
}

struct What {
    host: String,
    path: String,
    services: Vec<String>,
    tls: bool,
}

struct Client {
    entry: Entry,
    keeps: bool,
    what: Arc<What>,
    connection: Option<Connection>,
}

impl Client {
    async fn ask(&mut self) -> Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.what.connect(&self.entry).await.context("connecting")?,
        };
        let What { host, path, services, .. } = &*self.what;
        let answer = ask(&mut connection, "GET", host, path, &[]).await?;
        ensure!(services.contains(&answer.service()?), "from another Service: {}", answer.text());
        let closes = answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if self.keeps && !closes {
            self.connection = Some(connection);
        }
        Ok(())
    }
}

impl What {
    fn new(host: &str, path: &str, services: &[&str], tls: bool) -> Self {
        let services = services.iter().map(|service| (*service).to_owned()).collect();
        Self { host: host.to_owned(), path: path.to_owned(), services, tls }
    }

    async fn connect(&self, entry: &Entry) -> Result<Connection> {
        match self.tls {
            true => entry.connect_tls(&self.host).await,
            false => Connection::open(entry.http).await,
        }
    }
}
