use super::objects::Objects;
use super::settings;
use crate::adit::on_loopback;
use crate::case::{Case, Mode, Player, Request};
use crate::check::{Answerer, Observation, Tls, Wire};
use crate::client::{Client, Response};
use crate::cluster::{Cluster, Network};
use crate::connection::PATIENCE;
use crate::echo::Received;
use crate::log::Lines;
use crate::run::Driver;
use crate::tls::{Handshake, Refused};
use crate::wire::header;
use anyhow::{Context as _, Result};
use controller::pipeline::State;
use controller::server::Server;
use controller::settings::ServeSettings;
use controller::source::SourceEvent;
use tokio::sync::{mpsc, watch};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A whole Adit, and clients over TCP.
pub struct Sockets {
    objects: Objects,
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

    fn network() -> Network {
        Network::loopback()
    }

    async fn start(case: &Case, mode: Mode, cluster: &Cluster) -> Result<Self> {
        let settings = settings(case, mode)?;
        let dns_servers = cluster.resolver().into_iter().collect();
        let serve = ServeSettings { dns_servers, ..on_loopback(settings.serve) };
        let (events, receiver) = mpsc::channel(1024);
        let (lines, log) = mpsc::unbounded_channel();
        let controller = settings.controller;
        let start = move || Server::start(&controller, &serve, receiver, Box::new(Lines(lines)));
        // The server waits for its first table: tell it of an empty cluster.
        events.send(SourceEvent::Synced).await?;
        let server = tokio::task::spawn_blocking(start).await??;
        let reads_log =
            requests(case).any(|request| request.expectation(mode).is_some_and(|expect| expect.log.is_some()));
        let state = server.state();
        Ok(Self { objects: Objects::default(), events, sent: 1, state, server: Some(server), log, reads_log })
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
        let offer = request.offer();
        let addresses = if offer.is_some() { server.https_addresses() } else { server.http_addresses() };
        let address = *addresses.first().context("the server does not listen")?;
        let journal = cluster.network().journal().context("the network is not real")?;
        let mut client = Client::new(address, offer).behind_proxy(request.proxy_header()?);
        let mut observations = Vec::with_capacity(request.repeat);
        journal.take();
        for _ in 0..request.repeat {
            let response = match client.send(request, journal).await {
                Ok(response) => response,
                Err(error) => {
                    observations.push(refused(error.downcast::<Refused>()?));
                    continue;
                }
            };
            let received = journal.take();
            let log = self.log_of_one_request().await?;
            let tls = response.tls.as_ref().map(|handshake| tls(handshake, cluster)).transpose()?;
            observations.push(observation(response, received, log, tls));
        }
        Ok(observations)
    }
}

impl Sockets {
    async fn log_of_one_request(&mut self) -> Result<Vec<String>> {
        if !self.reads_log {
            return Ok(Vec::new());
        }
        let line = tokio::time::timeout(PATIENCE, self.log.recv()).await.context("no line in the access log")?;
        let mut lines: Vec<String> = line.into_iter().collect();
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

fn requests(case: &Case) -> impl Iterator<Item = &Request> {
    case.spec.requests.iter().chain(case.spec.then.iter().flat_map(|step| &step.requests))
}

/// What a client sees of a handshake that is refused.
fn refused(Refused(alert): Refused) -> Observation {
    let alert = Some(format!("{alert:?}"));
    Observation { status: None, answered_by: Answerer::Gateway, location: None, path: None, alert, wire: None }
}

fn tls(handshake: &Handshake, cluster: &Cluster) -> Result<Tls> {
    let (_, certificate) = X509Certificate::from_der(&handshake.certificate).context("the certificate")?;
    let issuer = certificate.issuer().iter_common_name().next().and_then(|name| name.as_str().ok());
    Ok(Tls {
        version: handshake.version.clone(),
        cipher: handshake.cipher.clone(),
        secret: cluster.secret_with(&handshake.certificate).map(str::to_owned),
        issuer: issuer.map(str::to_owned),
    })
}

fn observation(response: Response, received: Vec<Received>, log: Vec<String>, tls: Option<Tls>) -> Observation {
    let answered_by = match header(&response.headers, "x-echo-service") {
        Some(service) => Answerer::Backend { service, pod: header(&response.headers, "x-echo-pod") },
        None => Answerer::Gateway,
    };
    Observation {
        status: Some(response.status),
        answered_by,
        location: header(&response.headers, "location"),
        path: received.last().map(|received| received.target.clone()),
        alert: None,
        wire: Some(Wire {
            headers: response.headers,
            body: response.body,
            closed: response.closed,
            received,
            log,
            tls,
        }),
    }
}
