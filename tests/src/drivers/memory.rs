use super::objects::Objects;
use super::settings;
use crate::case::{Case, HTTP_2, Mode, Player, Request};
use crate::check::{Answerer, Observation};
use crate::cluster::{Cluster, Network};
use crate::run::Driver;
use crate::tls::Offer;
use anyhow::{Context as _, Result, bail};
use controller::store::Store;
use controller::translate::Translator;
use gateway::connection::{Arrival, BodyFraming, ClientConnection, Connection, Head, OwnPort, TlsSession};
use gateway::exchange::{Context, Exchange, RequestEdits, Step};
use gateway::headers::Headers;
use gateway::request::RequestView;
use gateway::table::Publisher;
use gateway::telemetry::{Identity, MetricsSettings, Telemetry};
use gateway::upstream::Registry;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// Objects to table to exchange, without a socket: everything that decides where a request goes.
pub struct Memory {
    objects: Objects,
    store: Store,
    translator: Translator,
    context: Arc<Context>,
}

impl Driver for Memory {
    const PLAYER: Player = Player::Memory;

    async fn network() -> Result<Network> {
        Ok(Network::imaginary())
    }

    async fn start(case: &Case, mode: Mode, _: &Cluster) -> Result<Self> {
        let settings = settings(case, mode)?;
        let telemetry = Telemetry::start(&Identity::default(), &MetricsSettings::default(), Box::new(std::io::sink()))?;
        let publisher = Arc::new(Publisher::new(Arc::new(Registry::new())));
        Ok(Self {
            objects: Objects::default(),
            store: Store::new(),
            translator: Translator::new(settings.controller),
            context: Arc::new(Context::new(publisher, telemetry.worker())),
        })
    }

    async fn apply(&mut self, documents: &str) -> Result<()> {
        let events = self.objects.events(documents)?;
        let changes: Vec<_> = events.into_iter().flat_map(|event| self.store.apply(event)).collect();
        let update = self.translator.translate(&self.store, &changes);
        self.context.publisher().publish(update);
        Ok(())
    }

    async fn exchange(&mut self, request: &Request, cluster: &Cluster) -> Result<Vec<Observation>> {
        (0..request.repeat).map(|_| self.observe(request, cluster)).collect()
    }
}

impl Memory {
    fn observe(&self, request: &Request, cluster: &Cluster) -> Result<Observation> {
        let method = Method::from_bytes(request.method.as_bytes())?;
        let headers = Headers::from(headers(request)?);
        let version = match request.version.as_str() {
            "1.0" => Version::HTTP_10,
            HTTP_2 => Version::HTTP_2,
            _ => Version::HTTP_11,
        };
        let view = RequestView::new(&method, request.target().as_bytes(), &headers, version);
        let mut exchange = Exchange::begin(&self.context, arrival(request), &view);
        let step = loop {
            match exchange.next_step() {
                Step::Wait(_) => {}
                Step::Verify(verification) => exchange.verified(&view, verification.run()),
                Step::Inspect => inspect(&mut exchange, &view),
                Step::Buffer => {
                    exchange.buffer(BodyFraming::None);
                }
                Step::ErrorPage => exchange.turn_to_error_page(&view),
                step => break step,
            }
        };
        let reply = match step {
            Step::Reply(reply) => reply,
            Step::Wait(_) | Step::Verify(_) | Step::Inspect | Step::Buffer | Step::ErrorPage => {
                bail!("this step has been carried out")
            }
            Step::Abandon => bail!("nobody is gone"),
            Step::Close => bail!("there is no connection to close: such a case is for sockets"),
            Step::Ask(_) => bail!("there is no auth server to ask: such a case is for sockets"),
            Step::Attempt(destination) => {
                let identity = cluster.network().identity_at(destination.address);
                let identity = identity.with_context(|| format!("nobody is at {}", destination.address))?;
                let mut forwarded = Forwarded::default();
                exchange.forward(&view, &mut forwarded);
                return Ok(Observation {
                    status: None,
                    answered_by: Answerer::Backend {
                        service: identity.service.clone(),
                        pod: Some(identity.pod.clone()),
                    },
                    location: None,
                    path: Some(String::from_utf8(forwarded.target)?),
                    alert: None,
                    wire: None,
                });
            }
        };
        Ok(Observation {
            status: Some(reply.status),
            answered_by: Answerer::Gateway,
            location: reply.location().map(|location| location.to_str().map(str::to_owned)).transpose()?,
            path: None,
            alert: None,
            wire: None,
        })
    }
}

/// Shows a request to the firewall of its route, without its body.
fn inspect(exchange: &mut Exchange, request: &RequestView<'_>) {
    let Some(inspector) = exchange.inspection(request) else { return };
    if exchange.inspected(inspector.without_body()).is_continue() {
        exchange.pass();
    }
}

fn headers(request: &Request) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if let Some(host) = request.host_header() {
        headers.insert(http::header::HOST, HeaderValue::from_str(host)?);
    }
    for (name, value) in &request.headers {
        headers.append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
    }
    Ok(headers)
}

fn arrival(request: &Request) -> Box<Arrival> {
    let port = request.port.unwrap_or(if request.is_https() { 443 } else { 80 });
    let session = |offer: Offer| TlsSession { server_name: offer.server_name.map(Into::into), ..TlsSession::default() };
    let connection = ClientConnection::new(Connection {
        id: 1,
        peer: SocketAddr::from(([127, 0, 0, 1], 40000)),
        local: SocketAddr::from(([127, 0, 0, 1], port)),
        advertised_port: port,
        proxied: None,
        own_port: request.port.map(|port| Arc::new(OwnPort::new(port))),
        tls: request.offer().map(session),
    });
    Box::new(Arrival {
        connection: Arc::new(connection),
        head: Head::default(),
        started: Instant::now(),
        number: 1,
        sent_before: 0,
        target: None,
    })
}

/// What reaches the backend.
#[derive(Default)]
struct Forwarded {
    target: Vec<u8>,
}

impl RequestEdits for Forwarded {
    fn set(&mut self, _: &'static str, _: HeaderValue) {}

    fn set_named(&mut self, _: &Arc<str>, _: HeaderValue) {}

    fn remove(&mut self, _: &HeaderName) {}

    fn set_method(&mut self, _: &Method) {}

    fn set_target(&mut self, target: &[u8]) {
        self.target = target.to_vec();
    }
}
