//! Loads of kept connections on one proxy, and what they cost it.

use crate::h2load::{Load, Until};
use crate::peers::{PAGE, Peer};
use crate::{HOST, TARGET};
use anyhow::{Context, Result};
use std::time::Duration;

/// HTTP/1.1 over 32 kept connections.
const KEEP_ALIVE: [&str; 3] = ["-c32", "-m1", "--h1"];

/// What came of a load.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// CPU time of the proxy, in microseconds per request.
    pub cost: f64,
    /// Bytes of bodies per request.
    pub body: f64,
}

/// Asks for a page that is compressed with gzip.
///
/// # Errors
/// h2load cannot be run, or a request fails.
pub fn page(peer: &Peer, time: Duration) -> Result<Outcome> {
    measure(peer, HOST, PAGE, "accept-encoding: gzip", time)
}

/// Asks one host for small answers, with this header.
///
/// # Errors
/// As [`page`].
pub fn load_host(peer: &Peer, host: &str, header: &str, time: Duration) -> Result<Outcome> {
    measure(peer, host, TARGET, header, time)
}

/// What a load costs the proxy.
fn measure(peer: &Peer, host: &str, target: &str, header: &str, time: Duration) -> Result<Outcome> {
    let url = format!("http://{host}{target}");
    let options = [&KEEP_ALIVE[..], &["-H", header]].concat();
    let (address, until) = (peer.http, Until::Time(time));
    let load = Load { url: &url, address, protocol: "http/1.1", options: &options, until };
    let before = peer.process.cpu_time()?;
    let served = load.run().with_context(|| format!("{}: {url}", peer.name))?;
    let spent = peer.process.cpu_time()? - before;
    let requests = served.requests as f64;
    Ok(Outcome { cost: spent.as_secs_f64() * 1e6 / requests, body: served.bytes as f64 / requests })
}
