//! The cost of look-ups and of changes at 10,000 Ingresses, and the memory that they take; and at as many HTTPRoutes. No socket is
//! involved; from an event to its table the pipeline only adds its hold-off.

use anyhow::{Result, ensure};
use benches::certificate::Certificate;
use benches::pipeline::{Pipeline, events};
use benches::{cluster, process, report};
use controller::diagnostic::Severity;
use controller::feed::SourceEvent;
use gateway::config::EntryPoint;
use gateway::headers::Headers;
use http::{HeaderValue, header};
use std::fmt::Display;
use std::hint::black_box;
use std::process::id;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As many HTTPRoutes.
const INGRESSES: usize = 10_000;
/// How many of them are for a wildcard.
const WILDCARDS: usize = 1_000;
const PATHS: usize = 100_000;
const CERTIFICATES: usize = 1_000;
/// Elements of the deepest path.
const DEPTH: usize = 32;
const ROUNDS: usize = 101;

fn main() -> Result<()> {
    println!("{INGRESSES} Ingresses of 3 paths, medians of {ROUNDS} rounds\n");
    report::head(&["what", "median", "target"]);
    let mut adit = memory()?;
    look_ups(&adit);
    changes(&mut adit)?;
    http_routes()?;
    huge_ingress()?;
    certificates()
}

/// From events to a published table. Returns how long that took, and how many hosts and backends changed.
fn apply(adit: &mut Pipeline, events: Vec<SourceEvent>) -> (Duration, usize) {
    let start = Instant::now();
    let changed = adit.apply(events);
    (start.elapsed(), changed)
}

/// Memory of the store, the translation and the table; the objects come one by one, as from a watch.
fn memory() -> Result<Pipeline> {
    let before = process::resident(id())?;
    let mut adit = Pipeline::new();
    let mut all = events("backend.yaml", &cluster::backend("backend", ([10, 1, 0, 1], 8080).into()))?;
    all.extend(events("deep.yaml", &cluster::ingress_with("deep", "deep.example.com", &deep_paths()))?);
    for number in 1..INGRESSES {
        let host = if number < WILDCARDS { format!("*.{}", host(number)) } else { host(number) };
        let name = format!("app-{number}");
        all.extend(events(&format!("{name}.yaml"), &cluster::ingress(&name, &host))?);
    }
    let (first, _) = apply(&mut adit, all);
    ensure!(adit.translator.diagnostics().all(|found| found.severity != Severity::Error), "all is served");
    row("resident memory", format_args!("{} MiB", (process::resident(id())? - before) >> 20), "< 200 MiB");
    row("the first table", milliseconds(first), "");
    Ok(adit)
}

fn look_ups(adit: &Pipeline) {
    let hosts = exact_hosts();
    let unknown: Vec<String> = hosts.iter().map(|host| format!("no-{host}")).collect();
    let deep = vec!["deep.example.com".to_owned(); 1000];
    let deepest = format!("{}/x", deep_path(DEPTH));
    for (name, hosts, path, expected) in [
        ("look-up: exact host", &hosts, "/shop/item", Some("/shop")),
        ("look-up: wildcard host", &below_wildcards(), "/shop/admin/users", Some("/shop/admin")),
        ("look-up: deep Prefix path", &deep, deepest.as_str(), Some(&deepest[..deepest.len() - 2])),
        ("look-up: no such host", &unknown, "/shop/item", None),
    ] {
        look_up(adit, name, hosts, path, expected);
    }
}

/// The time to find a path of these hosts.
fn look_up(adit: &Pipeline, name: &str, hosts: &[String], path: &str, expected: Option<&str>) {
    let heads: Vec<Headers> = hosts.iter().map(|host| head(host)).collect();
    let round = || {
        let start = Instant::now();
        for head in &heads {
            let found = adit.find(black_box(head), black_box(path));
            assert_eq!(found.as_deref(), expected, "{head:?}{path}");
        }
        start.elapsed()
    };
    let median = median((0..ROUNDS).map(|_| round()));
    row(name, each(median, hosts.len()), "< 300 ns");
}

fn exact_hosts() -> Vec<String> {
    (WILDCARDS..INGRESSES).map(host).collect()
}

/// Hosts that the wildcards take.
fn below_wildcards() -> Vec<String> {
    (1..WILDCARDS).map(|number| format!("any.{}", host(number))).collect()
}

fn changes(adit: &mut Pipeline) -> Result<()> {
    let ingress = |path: &str| {
        events("app-5000.yaml", &cluster::ingress_with("app-5000", &host(5000), &[path.to_owned(), "/".to_owned()]))
    };
    let versions = [ingress("/old")?, ingress("/new")?];
    row("one Ingress changes", microseconds(alternate(adit, &versions)?), "< 10000 us");
    ensure!(adit.find(&head(&host(5000)), "/old/x").as_deref() == Some("/old"), "the last version is served");
    let slice = |last: u8| events("backend.yaml", &cluster::backend("backend", ([10, 1, 0, last], 8080).into()));
    row("one Service's endpoints change", microseconds(alternate(adit, &[slice(2)?, slice(3)?])?), "");
    Ok(())
}

/// As many HTTPRoutes as there were Ingresses, at one listener, beside one for all hosts whose paths stand behind theirs.
fn http_routes() -> Result<()> {
    let mut adit = Pipeline::new();
    let backend = cluster::backend("backend", ([10, 1, 0, 1], 8080).into());
    let mut all = events("shared.yaml", &(backend + &cluster::gateway()))?;
    all.extend(events("all.yaml", &cluster::http_route_with("all", "*.example.com", &["/status"]))?);
    for number in 1..INGRESSES {
        let host = if number < WILDCARDS { format!("*.{}", host(number)) } else { host(number) };
        let name = format!("app-{number}");
        all.extend(events(&format!("{name}.yaml"), &cluster::http_route(&name, &host))?);
    }
    row("10,000 HTTPRoutes: the first table", milliseconds(apply(&mut adit, all).0), "");
    ensure!(adit.translator.diagnostics().all(|found| found.severity != Severity::Error), "all is served");
    let (hosts, wildcards) = (exact_hosts(), below_wildcards());
    look_up(&adit, "10,000 HTTPRoutes: look-up, exact host", &hosts, "/shop/item", Some("/shop"));
    look_up(&adit, "10,000 HTTPRoutes: look-up, wildcard host", &wildcards, "/shop/admin/users", Some("/shop/admin"));
    let route = |path: &str| {
        events("app-5000.yaml", &cluster::http_route_with("app-5000", &host(5000), &[path.to_owned(), "/".to_owned()]))
    };
    let versions = [route("/old")?, route("/new")?];
    row("10,000 HTTPRoutes: one changes", microseconds(alternate(&mut adit, &versions)?), "");
    ensure!(adit.find(&head(&host(5000)), "/old/x").as_deref() == Some("/old"), "the last version is served");
    Ok(())
}

/// An Ingress of 100,000 paths, in an empty cluster.
fn huge_ingress() -> Result<()> {
    let paths: Vec<String> = (0..PATHS).map(|number| format!("/shop/{number}")).collect();
    let backend = cluster::backend("backend", ([10, 1, 0, 1], 8080).into());
    let yaml = backend + &cluster::ingress_with("huge", "huge.example.com", &paths);
    let start = Instant::now();
    let objects = events("huge.yaml", &yaml)?;
    row("100,000 paths in one Ingress: read", milliseconds(start.elapsed()), "");
    let mut adit = Pipeline::new();
    row("100,000 paths in one Ingress: publish", milliseconds(apply(&mut adit, objects).0), "");
    ensure!(adit.find(&head("huge.example.com"), "/shop/99999/x").as_deref() == Some("/shop/99999"), "all are served");
    Ok(())
}

/// Hosts with a certificate each.
fn certificates() -> Result<()> {
    let secret = |number: usize| -> Result<_> {
        let name = format!("app-{number}");
        events(&format!("{name}-tls.yaml"), &cluster::secret(&name, &Certificate::new(&host(number))?))
    };
    let mut adit = Pipeline::new();
    let mut all = events("backend.yaml", &cluster::backend("backend", ([10, 1, 0, 1], 8080).into()))?;
    for number in 0..CERTIFICATES {
        let name = format!("app-{number}");
        all.extend(events(&format!("{name}.yaml"), &cluster::ingress_over_tls(&name, &host(number)))?);
        all.extend(secret(number)?);
    }
    row("1,000 certificates: publish", milliseconds(apply(&mut adit, all).0), "");
    ensure!(adit.translator.diagnostics().count() == 0, "all certificates are usable");
    let hosts: Vec<String> = (0..CERTIFICATES).map(host).collect();
    let round = || {
        let start = Instant::now();
        for host in &hosts {
            let config = adit.publisher.load().handshake(EntryPoint::Https, black_box(Some(host)));
            assert!(black_box(config).is_ok(), "{host}");
        }
        start.elapsed()
    };
    let look_up = median((0..ROUNDS).map(|_| round()));
    row("1,000 certificates: look-up by SNI", each(look_up, CERTIFICATES), "< 1000 ns");
    let versions = [secret(CERTIFICATES / 2)?, secret(CERTIFICATES / 2)?];
    row("1,000 certificates: one changes", microseconds(alternate(&mut adit, &versions)?), "");
    Ok(())
}

/// Applies versions in turn, so that every round changes something.
fn alternate(adit: &mut Pipeline, versions: &[Vec<SourceEvent>]) -> Result<Duration> {
    let mut rounds = Vec::with_capacity(ROUNDS);
    for version in versions.iter().cycle().take(ROUNDS) {
        let (spent, updates) = apply(adit, version.clone());
        ensure!(updates == 1, "one host or one backend changes");
        rounds.push(spent);
    }
    Ok(median(rounds))
}

fn host(number: usize) -> String {
    format!("app-{number}.example.com")
}

/// The head of a request for a host, which is one of a certificate or a rule.
fn head(host: &str) -> Headers {
    Headers::from_iter(HeaderValue::from_str(host).ok().map(|host| (header::HOST, host)))
}

fn deep_path(depth: usize) -> String {
    "/element".repeat(depth)
}

fn deep_paths() -> Vec<String> {
    (1..=DEPTH).map(deep_path).collect()
}

fn median(samples: impl IntoIterator<Item = Duration>) -> Duration {
    let mut samples: Vec<_> = samples.into_iter().collect();
    report::median_by(&mut samples, Ord::cmp)
}

fn each(duration: Duration, count: usize) -> String {
    format!("{:.0} ns", duration.as_nanos() as f64 / count as f64)
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

fn microseconds(duration: Duration) -> String {
    format!("{:.1} us", duration.as_secs_f64() * 1e6)
}

fn row(what: &str, measured: impl Display, target: &str) {
    report::row(&[what, &measured.to_string(), target]);
}
