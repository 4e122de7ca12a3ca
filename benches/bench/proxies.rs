//! CPU time per proxied request: Adit beside bare Pingora and nginx, in one run, on one machine, with the same load.
//!
//! Throughput on a shared machine is noise; the CPU time that a proxy's own process spends per request is not. Each
//! proxy has one worker; the load comes from `h2load`, or from a client of our own where connections are not kept; the
//! backend is nginx. The proxies take turns, and the median of the rounds counts.
//!
//! `cargo bench --bench proxies -- TEXT` runs only the loads that have the text in their names.

use anyhow::Result;
use benches::client::Client;
use benches::load::{Load, Outcome};
use benches::peers::Peers;
use benches::report;
use std::path::Path;
use std::time::Duration;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_secs(1);

fn main() -> Result<()> {
    let text = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let binaries = Path::new(env!("CARGO_BIN_EXE_bare_pingora")).parent().unwrap_or(Path::new("."));
    let peers = Peers::start(binaries)?;
    let client = Client::new(&peers.certificate)?;
    let [adit, bare, nginx] = Peers::NAMES;
    println!("Microseconds of CPU per request, answers of 100 bytes, {ROUNDS} rounds of {} s\n", ROUND.as_secs());
    let (to_bare, to_nginx) = (format!("{adit} to {bare}"), format!("{adit} to {nginx}"));
    report::head(&["load", adit, bare, nginx, &to_bare, &to_nginx, "requests per second"]);
    for load in Load::ALL.into_iter().filter(|load| load.name().contains(&text)) {
        let [adit, bare, nginx] = measure(load, &peers, &client)?;
        let costs = [adit, bare, nginx].map(|outcome| format!("{:.1}", outcome.cost));
        let ratios = [bare, nginx].map(|peer| format!("{:.2}", adit.cost / peer.cost));
        let rates = [adit, bare, nginx].map(|outcome| format!("{:.0}", outcome.rate)).join(" / ");
        let [to_bare, to_nginx] = &ratios;
        let [adit, bare, nginx] = &costs;
        report::row(&[load.name(), adit, bare, nginx, to_bare, to_nginx, &rates]);
    }
    Ok(())
}

/// The median outcome of each proxy.
fn measure(load: Load, peers: &Peers, client: &Client) -> Result<[Outcome; 3]> {
    for peer in &peers.all {
        load.run(peer, client, WARM_UP)?;
    }
    let mut samples = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (peer, samples) in peers.all.iter().zip(&mut samples) {
            samples.push(load.run(peer, client, ROUND)?);
        }
    }
    Ok(samples.map(|mut samples| report::median_by(&mut samples, |a, b| a.cost.total_cmp(&b.cost))))
}
