use super::conversation::converse;
use super::objects::Objects;
use super::settings;
use crate::adit::on_loopback;
use crate::case::{Case, Mode, Player, Request};
use crate::check::Observation;
use crate::cluster::{Cluster, Network};
use crate::connection::PATIENCE;
use crate::log::Lines;
use crate::ports::{opens, own_address};
use crate::run::Driver;
use anyhow::{Context as _, Result};
use controller::feed::SourceEvent;
use controller::pipeline::State;
use controller::server::Server;
use controller::settings::ServeSettings;
use tokio::sync::{mpsc, watch};

/// A whole Adit, and clients over TCP.
pub struct Sockets {
    objects: Objects,
    mode: Mode,
    events: mpsc::Sender<SourceEvent>,
    sent: u64,
    state: watch::Receiver<State>,
    server: Option<Server>,
    log: mpsc::UnboundedReceiver<String>,
    /// Some request of the case expects a log line: then each is waited for, so that none is taken for another's.
    reads_log: bool,
}

impl Driver for Sockets {
    const PLAYER: Player = Player::Sockets;

    async fn network() -> Result<Network> {
        Ok(Network::loopback())
    }

    async fn start(case: &Case, mode: Mode, cluster: &Cluster) -> Result<Self> {
        let settings = settings(case, mode)?;
        let dns_servers = cluster.resolver().into_iter().collect();
        let mut serve = ServeSettings { dns_servers, ..on_loopback(settings.serve) };
        if case.spec.has_own_ports() {
            serve.bind_address = Some(own_address());
        }
        let (events, receiver) = mpsc::channel(1024);
        let (lines, log) = mpsc::unbounded_channel();
        let controller = settings.controller;
        let start = move || Server::start(&controller, &serve, receiver, Box::new(Lines(lines)));
        // The server waits for its first table: tell it of an empty cluster.
        events.send(SourceEvent::Synced).await?;
        let server = tokio::task::spawn_blocking(start).await??;
        let state = server.state();
        Ok(Self {
            objects: Objects::default(),
            mode,
            events,
            sent: 1,
            state,
            server: Some(server),
            log,
            reads_log: case.spec.expects_log(mode),
        })
    }

    async fn apply(&mut self, documents: &str) -> Result<()> {
        for event in self.objects.events(documents)? {
            self.events.send(event).await?;
            self.sent += 1;
        }
        let sent = self.sent;
        let caught_up = self.state.wait_for(|state| state.source_revision >= sent);
        tokio::time::timeout(PATIENCE, caught_up).await.context("the pipeline does not catch up")??;
        let server = self.server.as_ref().context("the server is gone")?;
        let resolved = server.resolved();
        tokio::time::timeout(PATIENCE, resolved).await.context("a DNS name is not resolved")
    }

    async fn exchange(&mut self, request: &Request, cluster: &Cluster) -> Result<Vec<Observation>> {
        let server = self.server.as_ref().context("the server is gone")?;
        let addresses = if request.is_https() { server.https_addresses() } else { server.http_addresses() };
        let mut address = *addresses.first().context("the server does not listen")?;
        if let Some(port) = request.port {
            address.set_port(port);
            opens(address).await?;
        }
        let expected = request.expectation(self.mode).and_then(|expect| expect.log.as_ref());
        let lines = expected.map_or(1, |logged| logged.patterns().len());
        converse(address, (request, self.mode), cluster, async || self.log_of_one_request(lines).await).await
    }
}

impl Sockets {
    /// So many lines, and what else has been written.
    async fn log_of_one_request(&mut self, expected: usize) -> Result<Vec<String>> {
        if !self.reads_log {
            return Ok(Vec::new());
        }
        let mut lines: Vec<String> = Vec::new();
        for _ in 0..expected {
            let line = tokio::time::timeout(PATIENCE, self.log.recv()).await.context("no line in the access log")?;
            lines.extend(line);
        }
        while let Ok(line) = self.log.try_recv() {
            lines.push(line);
        }
        Ok(lines)
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        // It joins its threads, which a runtime's thread must not wait for.
        let server = self.server.take();
        std::thread::spawn(move || drop(server));
    }
}
