//! The load on a proxy: what its clients do, for some seconds.

use crate::client::Client;
use crate::peers::{PAGE, Peer};
use crate::{HOST, TARGET};
use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// HTTP/1.1 in cleartext, over 32 kept connections.
    Http1,
    /// HTTP/1.1 over 32 kept connections of TLS 1.3, AES-128-GCM.
    Http1OverTls,
    /// A new TLS connection for each request, a whole handshake each time: TLS 1.3, X25519, ECDSA P-256; 32 at once.
    Handshakes,
    /// A page that is compressed with gzip, of HTTP/1.1 in cleartext, over 32 kept connections.
    Page,
    /// HTTP/2 over 10 kept connections of TLS 1.3, AES-128-GCM, with 10 streams each.
    Http2,
}

/// What came of a load.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// CPU time of the proxy, in microseconds per request.
    pub cost: f64,
    /// Requests per second.
    pub rate: f64,
    /// Bytes of bodies per request over kept connections.
    pub body: f64,
}

impl Load {
    /// Each kind that gets small answers.
    pub const ALL: [Self; 4] = [Self::Http1, Self::Http1OverTls, Self::Handshakes, Self::Http2];

    /// How it is called in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1 keep-alive",
            Self::Http1OverTls => "HTTP/1.1 keep-alive over TLS",
            Self::Handshakes => "TLS handshake, with one request",
            Self::Page => "a page with gzip",
            Self::Http2 => "HTTP/2 over TLS",
        }
    }

    /// Loads a proxy for some time. Any failed request is an error, and so is any other protocol than the load's.
    ///
    /// # Errors
    /// h2load cannot be run, a request fails, or another protocol is used than the load's.
    pub fn run(self, peer: &Peer, client: &Client, time: Duration) -> Result<Outcome> {
        measure(peer, self.name(), || match self {
            Self::Http1 => kept(&url("http", TARGET), peer.http, "http/1.1", &KEEP_ALIVE, time),
            Self::Http1OverTls => kept(&url("https", TARGET), peer.https, "http/1.1", &KEEP_ALIVE, time),
            Self::Handshakes => reconnected(client, peer.https, time),
            Self::Page => kept(&url("http", PAGE), peer.http, "http/1.1", &[&KEEP_ALIVE[..], &GZIP].concat(), time),
            Self::Http2 => kept(&url("https", TARGET), peer.https, "h2", &["-c10", "-m10", "--npn-list=h2"], time),
        })
    }
}

/// HTTP/1.1 over kept connections.
const KEEP_ALIVE: [&str; 3] = ["-c32", "-m1", "--h1"];
const GZIP: [&str; 1] = ["-Haccept-encoding:gzip"];

fn url(scheme: &str, target: &str) -> String {
    format!("{scheme}://{HOST}{target}")
}

/// Loads one host as [`Load::Http1`] does, with this header.
///
/// # Errors
/// As [`Load::run`].
pub fn load_host(peer: &Peer, host: &str, header: &str, time: Duration) -> Result<Outcome> {
    let options = [&KEEP_ALIVE[..], &["-H", header]].concat();
    measure(peer, host, || kept(&format!("http://{host}{TARGET}"), peer.http, "http/1.1", &options, time))
}

/// What a load costs the proxy.
fn measure(peer: &Peer, name: &str, load: impl FnOnce() -> Result<Served>) -> Result<Outcome> {
    let (before, start) = (peer.process.cpu_time()?, Instant::now());
    let Served { requests, bytes } = load().with_context(|| format!("{}: {name}", peer.name))?;
    let (requests, bytes) = (requests as f64, bytes as f64);
    let (spent, time) = (peer.process.cpu_time()? - before, start.elapsed());
    Ok(Outcome {
        cost: spent.as_secs_f64() * 1e6 / requests,
        rate: requests / time.as_secs_f64(),
        body: bytes / requests,
    })
}

/// What was served.
struct Served {
    requests: u64,
    /// Of all bodies.
    bytes: u64,
}

/// Requests over kept connections.
fn kept(url: &str, address: SocketAddr, protocol: &str, options: &[&str], time: Duration) -> Result<Served> {
    let output = Command::new("h2load")
        .args(["-t1", "--tls13-ciphers=TLS_AES_128_GCM_SHA256"])
        .args(options)
        .arg(format!("--duration={}", time.as_secs()))
        .arg(format!("--connect-to={address}"))
        .arg(url)
        .output()
        .context("h2load is needed: apt-get install nghttp2-client")?;
    let report = String::from_utf8_lossy(&output.stdout);
    let has = |line: &str| report.lines().any(|found| found == line);
    ensure!(has(&format!("Application protocol: {protocol}")), "{protocol} was not agreed on:\n{report}");
    if url.starts_with("https") {
        ensure!(has("TLS Protocol: TLSv1.3") && has("Cipher: TLS_AES_128_GCM_SHA256"), "another TLS:\n{report}");
    }
    let count = |kind: &str| -> Result<u64> {
        let line = report.lines().find_map(|line| line.strip_prefix("requests: "));
        let number = line.into_iter().flat_map(|line| line.split(", ")).find_map(|part| part.strip_suffix(kind));
        Ok(number.with_context(|| format!("h2load counts its requests:\n{report}"))?.parse()?)
    };
    let (done, succeeded) = (count(" done")?, count(" succeeded")?);
    ensure!(done > 0 && done == succeeded && count(" errored")? == 0, "requests failed:\n{report}");
    let traffic = report.lines().find(|line| line.starts_with("traffic: ")).and_then(|line| line.rsplit_once('('));
    let bytes = traffic.and_then(|(_, rest)| rest.strip_suffix(") data"));
    let bytes = bytes.with_context(|| format!("h2load counts bytes:\n{report}"))?.parse()?;
    Ok(Served { requests: done, bytes })
}

/// Requests over a connection each.
fn reconnected(client: &Client, address: SocketAddr, time: Duration) -> Result<Served> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(Served { requests: runtime.block_on(client.reconnect(address, time))?, bytes: 0 })
}
