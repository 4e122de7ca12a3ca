//! What compression costs: CPU time per page that Adit and nginx compress with gzip at the same level, and how small it becomes.

use anyhow::Result;
use benches::load::{self, Outcome};
use benches::peers::{PAGE_SIZE, Peer, Peers};
use benches::report;
use std::path::Path;
use std::time::Duration;

const LEVELS: [u8; 4] = [1, 3, 5, 9];
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_secs(1);

fn main() -> Result<()> {
    let binaries = Path::new(env!("CARGO_BIN_EXE_bare_pingora")).parent().unwrap_or(Path::new("."));
    println!("Microseconds of CPU per page of {PAGE_SIZE} bytes with gzip, {ROUNDS} rounds of {} s\n", ROUND.as_secs());
    report::head(&["level", "Adit", "nginx", "Adit to nginx", "bytes of Adit", "bytes of nginx"]);
    for level in LEVELS {
        let peers = Peers::compressing(binaries, level)?;
        let [adit, _, nginx] = &peers.all;
        let [adit, nginx] = measure([adit, nginx])?;
        let costs = [adit, nginx].map(|outcome| format!("{:.0}", outcome.cost));
        let sizes = [adit, nginx].map(|outcome| format!("{:.0}", outcome.body));
        let ratio = format!("{:.2}", adit.cost / nginx.cost);
        report::row(&[&level.to_string(), &costs[0], &costs[1], &ratio, &sizes[0], &sizes[1]]);
    }
    Ok(())
}

/// The median outcome of each proxy.
fn measure(peers: [&Peer; 2]) -> Result<[Outcome; 2]> {
    for peer in peers {
        load::page(peer, WARM_UP)?;
    }
    let mut samples = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        for (peer, samples) in peers.into_iter().zip(&mut samples) {
            samples.push(load::page(peer, ROUND)?);
        }
    }
    Ok(samples.map(|mut samples| report::median_by(&mut samples, |a, b| a.cost.total_cmp(&b.cost))))
}
