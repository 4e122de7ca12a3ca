//! The cost of policies, on routes with and without them: of whole requests over sockets, as CPU time of the process; and of
//! the exchange alone, from a request's head to the choice of its endpoint.

use anyhow::Result;
use benches::load::load_host;
use benches::peers::Alone;
use benches::pipeline::Pipeline;
use benches::report;
use benches::routes::{self, CREDENTIALS, ROUTES};
use gateway::connection::{Arrival, ClientConnection, Connection, Head};
use gateway::exchange::{Context, Exchange, Step};
use gateway::headers::Headers;
use gateway::request::RequestView;
use gateway::table::Publisher;
use gateway::telemetry::{Identity, MetricsSettings, Telemetry};
use http::{HeaderMap, HeaderValue, Method, Version, header};
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of whole requests, and the time of each.
const LOADS: usize = 5;
const LOAD: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_secs(1);
/// Rounds of the exchange, and the requests of each.
const ROUNDS: usize = 21;
const REQUESTS: usize = 200_000;
/// Clients that take turns: all are known to the limits.
const CLIENTS: u32 = 10_000;

fn main() -> Result<()> {
    whole_requests()?;
    exchange_alone()
}

fn whole_requests() -> Result<()> {
    let binaries = Path::new(env!("CARGO_BIN_EXE_bare_pingora")).parent().unwrap_or(Path::new("."));
    let alone = Alone::start(binaries, routes::manifest)?;
    let header = format!("authorization: {CREDENTIALS}");
    let run =
        |route: usize, time| load_host(&alone.adit, &routes::host(route), &header, time).map(|outcome| outcome.cost);
    let mut samples = ROUTES.map(|_| Vec::new());
    for route in 0..ROUTES.len() {
        run(route, WARM_UP)?;
    }
    for _ in 0..LOADS {
        for (route, samples) in samples.iter_mut().enumerate() {
            samples.push(run(route, LOAD)?);
        }
    }
    println!("Microseconds of CPU per request, medians of {LOADS} rounds of {} s\n", LOAD.as_secs());
    report::head(&["route", "cost", "to the first"]);
    let costs = samples.map(|mut samples| report::median_by(&mut samples, f64::total_cmp));
    for (route, cost) in ROUTES.iter().zip(costs) {
        report::row(&[route.name, &format!("{cost:.2}"), &format!("{:.3}", cost / costs[0])]);
    }
    Ok(())
}

fn exchange_alone() -> Result<()> {
    let publisher = Pipeline::with(&routes::manifest(([10, 1, 0, 1], 8080).into()))?.publisher;
    println!(
        "\nNanoseconds per request of the exchange, medians of {ROUNDS} rounds of {REQUESTS}, {CLIENTS} clients\n"
    );
    report::head(&["route", "1 worker", "to the first", "2 workers", "to the first"]);
    let first = [measure(&publisher, 0, 1)?, measure(&publisher, 0, 2)?];
    for (number, route) in ROUTES.iter().enumerate() {
        let costs = [measure(&publisher, number, 1)?, measure(&publisher, number, 2)?];
        let [one, two] = costs.map(|cost| format!("{cost:.0}"));
        let [to_one, to_two] = [0, 1].map(|at| format!("{:.2}", costs[at] / first[at]));
        report::row(&[route.name, &one, &to_one, &two, &to_two]);
    }
    Ok(())
}

/// Nanoseconds for each request of a worker to this route, while so many workers serve requests to it.
fn measure(publisher: &Arc<Publisher>, route: usize, workers: usize) -> Result<f64> {
    let telemetry = Telemetry::start(&Identity::default(), &MetricsSettings::default(), Box::new(std::io::sink()))?;
    let contexts = (0..workers).map(|_| Arc::new(Context::new(publisher.clone(), telemetry.worker())));
    let contexts: Vec<_> = contexts.collect();
    let mut samples: Vec<Duration> = (0..ROUNDS).map(|_| round(&contexts, &routes::host(route))).collect();
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
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static(CREDENTIALS));
    let headers = Headers::from(headers);
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
        Step::Ask(_) => exchange.auth_response(request, (200, &HeaderMap::new()), None),
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
        proxied: None,
        own_port: None,
        tls: None,
    };
    let connection = Arc::new(ClientConnection::new(facts));
    let (head, started) = (Head::default(), Instant::now());
    Arrival { connection, head, started, number: 1, sent_before: 0, target: None }
}
