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
const ROUTES: [(&str, &[(&str, &str)]); 7] = [
    ("without policies", &[]),
    ("an address list of 2 networks", &[LIST]),
    ("a rate and a number of requests", &[RATE, IN_PROGRESS]),
    ("CORS", &[("enable-cors", "true")]),
    ("all of them", &[LIST, RATE, IN_PROGRESS, ("enable-cors", "true")]),
    ("a password with bcrypt, verified before", &[("auth-type", "basic"), ("auth-secret", "users")]),
    (
        "an auth server, its response kept",
        &[("auth-url", "http://backend.default.svc.cluster.local/auth"), ("auth-cache-key", "$remote_user")],
    ),
];
const LIST: (&str, &str) = ("denylist-source-range", "192.0.2.0/24, 2001:db8::/32");
const RATE: (&str, &str) = ("limit-rps", "4000000000");
const IN_PROGRESS: (&str, &str) = ("limit-connections", "1000000");

/// `htpasswd -nbB alice secret`, and what Alice sends.
const USERS: &str = concat!(
    "apiVersion: v1\nkind: Secret\nmetadata: {name: users}\nstringData:\n",
    "  auth: alice:$2y$05$MkPE6l1OwxhWsYtM1YYKXO73rungQyTz/tiuNbZ28bhgd0n87pjbm\n---\n"
);
const CREDENTIALS: HeaderValue = HeaderValue::from_static("Basic YWxpY2U6c2VjcmV0");

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
    let mut yaml = cluster::backend(([10, 1, 0, 1], 8080).into()) + USERS;
    for (number, (_, annotations)) in ROUTES.iter().enumerate() {
        let lines = annotations.iter().map(|(key, value)| format!("nginx.ingress.kubernetes.io/{key}: '{value}'"));
        let lines = lines.collect::<Vec<_>>().join(", ");
        let metadata = format!("{{name: r{number}, annotations: {{{lines}}}}}");
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
    let mut headers = HeaderMap::from_iter(HeaderValue::from_str(host).ok().map(|host| (header::HOST, host)));
    headers.insert(header::AUTHORIZATION, CREDENTIALS);
    let request = RequestView::new(&Method::GET, b"/item", &headers, Version::HTTP_11);
    let arrivals: Vec<_> = (0..CLIENTS).map(arrival).collect();
    let mut first = Exchange::begin(context, Box::new(arrivals[0].clone()), &request);
    come_in(&mut first, &request);
    let start = Instant::now();
    for arrival in arrivals.iter().cycle().take(REQUESTS) {
        let mut exchange = Exchange::begin(context, Box::new(arrival.clone()), &request);
        assert!(matches!(black_box(exchange.next_step()), Step::Attempt(_)), "every request is let through");
    }
    start.elapsed()
}

/// Does what the first request of a user waits for, and those that follow do not.
fn come_in(exchange: &mut Exchange, request: &RequestView<'_>) {
    match exchange.next_step() {
        Step::Verify(verification) => exchange.verified(request, verification.run()),
        Step::Ask(_) => exchange.auth_response(request, 200, &HeaderMap::new()),
        _ => {}
    }
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
