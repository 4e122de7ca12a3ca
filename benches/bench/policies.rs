//! The cost of policies: what a request takes from its head to the choice of its backend, on routes with and without them.
//! No socket is involved.

use anyhow::{Result, ensure};
use benches::{cluster, report};
use controller::feed::SourceEvent;
use controller::settings::ControllerSettings;
use controller::source::manifest;
use controller::store::Store;
use controller::translate::Translator;
use gateway::connection::{Arrival, ClientConnection, Connection, Head};
use gateway::exchange::{Context, Exchange, Step};
use gateway::request::RequestView;
use gateway::table::Publisher;
use gateway::telemetry::{Identity, MetricsSettings, Telemetry};
use http::{HeaderMap, HeaderValue, Method, Version, header};
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 21;
const REQUESTS: usize = 200_000;
/// Clients that take turns: all are known to the limits.
const CLIENTS: u32 = 10_000;

/// Routes by their hosts, with the annotations that they have. The first is what the others are compared with.
const ROUTES: [(&str, &str); 4] = [
    ("without policies", ""),
    ("an address list of 2 networks", "denylist-source-range: '192.0.2.0/24, 2001:db8::/32'"),
    ("a rate and a number of requests", "limit-rps: '4000000000', limit-connections: '1000000'"),
    (
        "all of them",
        "denylist-source-range: '192.0.2.0/24, 2001:db8::/32', limit-rps: '4000000000', limit-connections: '1000000'",
    ),
];

fn main() -> Result<()> {
    let publisher = Arc::new(Publisher::new(Arc::default()));
    publish(&publisher)?;
    println!("Nanoseconds per request, medians of {ROUNDS} rounds of {REQUESTS}, {CLIENTS} clients\n");
    report::head(&["route", "1 worker", "to the first", "2 workers", "to the first"]);
    let first = [measure(&publisher, 0, 1)?, measure(&publisher, 0, 2)?];
    for (number, (name, _)) in ROUTES.iter().enumerate() {
        let costs = [measure(&publisher, number, 1)?, measure(&publisher, number, 2)?];
        let [one, two] = costs.map(|cost| format!("{cost:.0}"));
        let [to_one, to_two] = [0, 1].map(|at| format!("{:.2}", costs[at] / first[at]));
        report::row(&[*name, &one, &to_one, &two, &to_two]);
    }
    Ok(())
}

fn publish(publisher: &Publisher) -> Result<()> {
    let mut yaml = cluster::backend(([10, 1, 0, 1], 8080).into());
    for (number, (_, annotations)) in ROUTES.iter().enumerate() {
        let with_prefix = annotations.replace("denylist", "nginx.ingress.kubernetes.io/denylist");
        let with_prefix = with_prefix.replace("limit-", "nginx.ingress.kubernetes.io/limit-");
        let metadata = format!("{{name: r{number}, annotations: {{{with_prefix}}}}}");
        let ingress = cluster::ingress_with("NAME", &host(number), &["/"]);
        yaml.push_str(&ingress.replace("{name: NAME}", &metadata));
    }
    let manifest = manifest::parse(&"bench.yaml".into(), yaml.as_bytes());
    ensure!(manifest.diagnostics.is_empty(), "{:?}", manifest.diagnostics);
    let (mut store, mut translator) = (Store::new(), Translator::new(ControllerSettings::default()));
    let events = manifest.objects.into_iter().map(SourceEvent::Apply);
    let changes: Vec<_> = events.flat_map(|event| store.apply(event)).collect();
    publisher.publish(translator.translate(&store, &changes));
    ensure!(translator.diagnostics().next().is_none(), "all is valid");
    Ok(())
}

fn host(number: usize) -> String {
    format!("r{number}.example.com")
}

/// Nanoseconds for each request of a worker to this route, while so many workers serve requests to it.
fn measure(publisher: &Arc<Publisher>, route: usize, workers: usize) -> Result<f64> {
    let telemetry = Telemetry::start(&Identity::default(), &MetricsSettings::default(), Box::new(std::io::sink()))?;
    let contexts = (0..workers).map(|_| Arc::new(Context::new(publisher.clone(), telemetry.worker())));
    let contexts: Vec<_> = contexts.collect();
    let mut samples: Vec<Duration> = (0..ROUNDS).map(|_| round(&contexts, &host(route))).collect();
    Ok(report::median_by(&mut samples, Duration::cmp).as_nanos() as f64 / REQUESTS as f64)
}

/// How long the slowest worker takes.
fn round(contexts: &[Arc<Context>], host: &str) -> Duration {
    thread::scope(|scope| {
        let workers: Vec<_> = contexts.iter().map(|context| scope.spawn(move || serve(context, host))).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).max().unwrap_or_default()
    })
}

fn serve(context: &Arc<Context>, host: &str) -> Duration {
    let headers = HeaderMap::from_iter(HeaderValue::from_str(host).ok().map(|host| (header::HOST, host)));
    let request = RequestView::new(&Method::GET, b"/item", &headers, Version::HTTP_11);
    let arrivals: Vec<_> = (0..CLIENTS).map(arrival).collect();
    let start = Instant::now();
    for arrival in arrivals.iter().cycle().take(REQUESTS) {
        let mut exchange = Exchange::begin(context, Box::new(arrival.clone()), &request);
        assert!(matches!(black_box(exchange.next_step()), Step::Attempt(_)), "every request is let through");
    }
    start.elapsed()
}

/// A request of the client with this number.
fn arrival(client: u32) -> Arrival {
    let facts = Connection {
        id: client.into(),
        peer: (Ipv4Addr::from_bits(0x0a00_0000 | client), 40_000).into(),
        local: ([127, 0, 0, 1], 80).into(),
        advertised_port: 80,
        tls: None,
    };
    let connection = Arc::new(ClientConnection::new(facts));
    let (head, started) = (Head::default(), Instant::now());
    Arrival { connection, head, started, number: 1, sent_before: 0, target: None }
}
