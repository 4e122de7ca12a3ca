//! Memory of idle connections: Adit beside bare Pingora and nginx. Each connection has had one answer and is kept.

use anyhow::{Result, ensure};
use benches::client::{Client, closed};
use benches::peers::{Peer, Peers};
use benches::{process, report};
use std::path::Path;

const CONNECTIONS: usize = 10_000;
/// What a process has open besides.
const OTHER_FILES: usize = 1_000;

fn main() -> Result<()> {
    process::raise_open_files((CONNECTIONS + OTHER_FILES) as u64)?;
    println!("Resident memory with {CONNECTIONS} idle connections\n");
    report::head(&["connections", "proxy", "before", "with them", "per connection"]);
    for (name, tls) in [("cleartext", false), ("TLS", true)] {
        // New processes, so that none has memory left from other connections.
        let binaries = Path::new(env!("CARGO_BIN_EXE_bare_pingora")).parent().unwrap_or(Path::new("."));
        let peers = Peers::start(binaries)?;
        let client = Client::new(&peers.certificate)?;
        for peer in &peers.all {
            let (before, after) = measure(peer, &client, tls)?;
            let each = after.saturating_sub(before) as f64 / CONNECTIONS as f64;
            let [before, after] = [before, after].map(|bytes| format!("{} MiB", bytes >> 20));
            report::row(&[name, peer.name, &before, &after, &format!("{:.1} KiB", each / 1024.0)]);
        }
    }
    Ok(())
}

/// Bytes of memory that a proxy has before and while it holds the connections.
fn measure(peer: &Peer, client: &Client, tls: bool) -> Result<(u64, u64)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // What is made once is there before.
        drop(client.idle(peer, tls, 1).await?);
        let before = peer.process.resident()?;
        let streams = client.idle(peer, tls, CONNECTIONS).await?;
        let after = peer.process.resident()?;
        let closed = closed(&streams);
        ensure!(closed == 0, "{} has closed {closed} of {CONNECTIONS} idle connections", peer.name);
        Ok((before, after))
    })
}
