//! How many system calls a small request takes.

use crate::ADIT;
use anyhow::{Context, Result, bail};
use benches::h2load::{Load, Until};
use benches::syscalls;
use serde_json::json;
use tests::adit::manifests;
use tests::backend;
use tests::process::Process;
use tokio::task::spawn_blocking;

/// Four are needed: to read and to write on both sides. The rest is a share of waiting for many connections at once.
const BOUND: f64 = 4.3;
const REQUESTS: u64 = 12_800;
/// While the machine is busy otherwise, fewer connections are ready at a time: one good round is enough.
const ROUNDS: usize = 5;

#[tokio::test]
async fn a_small_request_takes_four_system_calls() -> Result<()> {
    let backend = backend::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
    let config = json!({"keep-alive-requests": "1000000", "upstream-keepalive-requests": "1000000"});
    let adit = Process::start(ADIT, &[], &manifests(&[backend], &config)).await?;
    let (id, address) = (adit.id()?, adit.http);
    let mut counts = Vec::new();
    for _ in 0..ROUNDS {
        let counted = spawn_blocking(move || {
            let options = ["--h1", "-c64"];
            let until = Until::Requests(REQUESTS);
            let load = Load { url: "http://h/", address, protocol: "http/1.1", options: &options, until };
            syscalls::count(&[id], || load.run())
        });
        let (calls, served) = counted.await?.context("64 connections")?;
        counts.push(calls as f64 / served.requests as f64);
        if counts.last() <= Some(&BOUND) {
            return Ok(());
        }
    }
    bail!("{counts:.2?} system calls for each request, and {BOUND} are allowed")
}
