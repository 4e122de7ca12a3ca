//! The parts of a request and of a change that are counted.

use anyhow::{Context as _, Result, bail, ensure};
use benches::cluster;
use benches::pipeline::{Pipeline, events};
use gateway::config::ClientSettings;
use gateway::connection::{Arrival, ClientConnection, Connection, Head};
use gateway::exchange::{Context, Exchange, RequestEdits, Sent, Step};
use gateway::headers::Headers;
use gateway::listener::HeadLimits;
use gateway::listener::http1::check;
use gateway::request::RequestView;
use gateway::telemetry::{Identity, MetricsSettings, Telemetry};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// What is done again and again.
pub(crate) type Work = Box<dyn FnMut()>;

/// A part.
pub(crate) struct Part {
    /// How it is called in the table.
    pub(crate) name: &'static str,
    /// How often it is done: so often that what a start takes, which differs by hash seeds, is little beside it.
    pub(crate) times: u64,
    /// Makes what it needs.
    pub(crate) prepare: fn() -> Result<Work>,
}

pub(crate) const PARTS: [Part; 10] = [
    Part { name: "a request's head of 3 headers, read", times: 20_000, prepare: || head(3) },
    Part { name: "a request's head of 15 headers, read", times: 20_000, prepare: || head(15) },
    Part { name: "its route found, of 1 host", times: 100_000, prepare: || look_up(pipeline(1, "")?, 1) },
    Part {
        name: "its route found, of 10,000 hosts",
        times: 100_000,
        prepare: || look_up(pipeline(10_000, "")?, 10_000),
    },
    Part {
        name: "its route found, of 10,000 hosts of HTTPRoutes",
        times: 100_000,
        prepare: || look_up(http_routes(10_000)?, 10_000),
    },
    Part { name: "its headers changed for the backend", times: 100_000, prepare: forward },
    Part { name: "its end counted", times: 100_000, prepare: || finish(", disable-access-log: \"true\"") },
    Part { name: "its end counted, and its line written to the log", times: 100_000, prepare: || finish("") },
    Part { name: "the whole exchange, without its bytes", times: 50_000, prepare: exchange },
    Part { name: "a change of one Ingress of 1,000, published", times: 500, prepare: change },
];

/// What a browser sends beside `Host`.
const HEADERS: [&str; 14] = [
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: en-GB,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Referer: https://shop.example.com/",
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark",
    "Upgrade-Insecure-Requests: 1",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-User: ?1",
    "Cache-Control: max-age=0",
    "Priority: u=0, i",
    "DNT: 1",
];

fn head(headers: usize) -> Result<Work> {
    let mut lines = vec!["GET /shop/item?id=1 HTTP/1.1", "Host: app-0.example.com"];
    lines.extend(&HEADERS[..headers - 1]);
    let text = lines.join("\r\n") + "\r\n\r\n";
    let limits = HeadLimits::from(&ClientSettings::default());
    ensure!(matches!(check(text.as_bytes(), limits), Ok(Some(_))), "the head is good");
    Ok(Box::new(move || {
        let _ = black_box(check(black_box(text.as_bytes()), limits));
    }))
}

/// So many hosts of three paths, and one Service. The settings of the gateway may be more than the usual ones.
fn pipeline(hosts: usize, settings: &str) -> Result<Pipeline> {
    let backend = cluster::backend("backend", ([10, 1, 0, 1], 8080).into());
    let ingresses = (0..hosts).map(|number| cluster::ingress(&format!("app-{number}"), &host(number)));
    Pipeline::with(&(cluster::config_map(settings) + &backend + &ingresses.collect::<String>()))
}

/// So many HTTPRoutes of three paths, likewise.
fn http_routes(hosts: usize) -> Result<Pipeline> {
    let backend = cluster::backend("backend", ([10, 1, 0, 1], 8080).into());
    let routes = (0..hosts).map(|number| cluster::http_route(&format!("app-{number}"), &host(number)));
    Pipeline::with(&(cluster::config_map("") + &backend + &cluster::gateway() + &routes.collect::<String>()))
}

fn host(number: usize) -> String {
    format!("app-{number}.example.com")
}

fn look_up(pipeline: Pipeline, hosts: usize) -> Result<Work> {
    let heads: Vec<Headers> = (0..hosts).map(of_host).collect::<Result<_>>()?;
    ensure!(heads.iter().all(|head| pipeline.find(head, "/shop/item").as_deref() == Some("/shop")), "all are found");
    let mut turns = (0..hosts).cycle();
    Ok(Box::new(move || {
        let head = turns.next().and_then(|turn| heads.get(turn));
        black_box(head.and_then(|head| pipeline.find(head, black_box("/shop/item"))));
    }))
}

/// Headers as a browser sends them.
fn of_host(number: usize) -> Result<Headers> {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_str(&host(number))?);
    for line in HEADERS {
        let (name, value) = line.split_once(": ").context("a header has a name")?;
        headers.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_static(value));
    }
    Ok(Headers::from(headers))
}

/// A request that can begin again and again.
struct Begun {
    context: Arc<Context>,
    headers: Headers,
    arrival: Arrival,
    _telemetry: Telemetry,
}

impl Begun {
    /// One of a gateway that has more settings than the usual ones.
    fn new(settings: &str) -> Result<Self> {
        let telemetry = Telemetry::start(&Identity::default(), &MetricsSettings::default(), Box::new(std::io::sink()))?;
        let context = Context::new(pipeline(1, settings)?.publisher, telemetry.worker());
        let facts = Connection {
            id: 1,
            peer: ([192, 0, 2, 1], 40_000).into(),
            local: ([127, 0, 0, 1], 80).into(),
            advertised_port: 80,
            proxied: None,
            own_port: None,
            tls: None,
        };
        let connection = Arc::new(ClientConnection::new(facts));
        let head = Head::default();
        let arrival = Arrival { connection, head, started: Instant::now(), number: 1, sent_before: 0, target: None };
        Ok(Self { context: Arc::new(context), headers: of_host(0)?, arrival, _telemetry: telemetry })
    }

    fn request(&self) -> RequestView<'_> {
        RequestView::new(&Method::GET, b"/shop/item?id=1", &self.headers, Version::HTTP_11)
    }

    /// An exchange that has found its endpoint.
    fn attempt(&self) -> Result<Exchange> {
        let mut exchange = Exchange::begin(&self.context, Box::new(self.arrival.clone()), &self.request());
        match exchange.next_step() {
            Step::Attempt(_) => {
                exchange.connected(true);
                Ok(exchange)
            }
            other => bail!("a request without an endpoint: {other:?}"),
        }
    }
}

const SENT: Sent = Sent { status: Some(200), bytes: 300, body: 100 };

fn forward() -> Result<Work> {
    let begun = Begun::new("")?;
    let exchange = begun.attempt()?;
    Ok(Box::new(move || exchange.forward(black_box(&begun.request()), &mut Taken)))
}

fn finish(settings: &str) -> Result<Work> {
    let begun = Begun::new(settings)?;
    let mut exchange = begun.attempt()?;
    let _ = exchange.response_head(200, true);
    Ok(Box::new(move || exchange.finish(black_box(&begun.request()), SENT)))
}

fn exchange() -> Result<Work> {
    let begun = Begun::new("")?;
    begun.attempt()?;
    Ok(Box::new(move || {
        let Ok(mut exchange) = begun.attempt() else { return };
        let request = begun.request();
        exchange.forward(&request, &mut Taken);
        let _ = black_box(exchange.response_head(200, true));
        exchange.finish(&request, SENT);
    }))
}

fn change() -> Result<Work> {
    let mut pipeline = pipeline(1_000, "")?;
    let version = |path: &str| events("app-500.yaml", &cluster::ingress_with("app-500", &host(500), &["/", path]));
    let versions = [version("/old")?, version("/new")?];
    for version in &versions {
        ensure!(pipeline.apply(version.clone()) == 1, "one host changes");
    }
    let mut turns = versions.into_iter().cycle();
    Ok(Box::new(move || {
        black_box(turns.next().map(|version| pipeline.apply(version)));
    }))
}

/// Takes edits, as a lane does, but writes none.
struct Taken;

impl RequestEdits for Taken {
    fn set(&mut self, name: &'static str, value: HeaderValue) {
        black_box((name, value));
    }

    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue) {
        black_box((name, value));
    }

    fn remove(&mut self, name: &HeaderName) {
        black_box(name);
    }

    fn set_method(&mut self, method: &Method) {
        black_box(method);
    }

    fn set_target(&mut self, target: &[u8]) {
        black_box(target);
    }
}
