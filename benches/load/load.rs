//! What clients do.

use crate::bed::Bed;
use anyhow::Result;
use benches::HOST;
use benches::client::Start;
use benches::h2load::{self, Served, Until};
use benches::peers::Peer;
use benches::websocket;
use std::time::Duration;

/// Requests of which it is not known how long they take.
const FEW: u64 = 500;

/// What all clients of a group do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// As many requests as the proxy answers.
    Closed(Closed),
    /// Small requests over kept connections, at a fixed rate: so many per second.
    Open(u32),
    /// So many connections, over TLS or not, that wait after their first request.
    Idle { connections: usize, tls: bool },
}

/// Requests of clients that wait for the response before the next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Closed {
    Kept(Kept),
    /// A connection for each request.
    Reconnect(Start),
    /// Messages over so many WebSockets.
    WebSocket {
        connections: usize,
    },
}

/// Requests over kept connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) scheme: &'static str,
    pub(crate) target: &'static str,
    /// The file of the bed that each request sends.
    pub(crate) body: Option<&'static str>,
    /// As ALPN names it.
    pub(crate) protocol: &'static str,
    /// Connections and streams, as options of h2load.
    pub(crate) options: &'static [&'static str],
}

impl Closed {
    /// Loads a proxy, with these headers, for about some time. At such a rate, in requests per second, it has answered
    /// before, if it has.
    ///
    /// # Errors
    /// A request fails, or is not answered with 2xx.
    pub(crate) fn run(self, peer: &Peer, bed: &Bed, headers: &[String], time: Duration, rate: f64) -> Result<Served> {
        match self {
            Self::Kept(kept) => {
                let requests = (rate * time.as_secs_f64()) as u64;
                kept.run(peer, bed, headers, requests.max(FEW))
            }
            Self::Reconnect(start) => reconnect(peer, bed, start, time),
            Self::WebSocket { connections } => websocket::exchange(peer.http, connections, time),
        }
    }
}

impl Kept {
    fn run(self, peer: &Peer, bed: &Bed, headers: &[String], requests: u64) -> Result<Served> {
        let address = if self.scheme == "https" { peer.https } else { peer.http };
        let url = format!("{}://{HOST}{}", self.scheme, self.target);
        let headers = headers.iter().map(|header| format!("--header={header}"));
        let body = self.body.map(|file| format!("--data={}", bed.file(file).display()));
        let more: Vec<String> = headers.chain(body).collect();
        let options: Vec<&str> = self.options.iter().copied().chain(more.iter().map(String::as_str)).collect();
        let until = Until::Requests(requests);
        h2load::Load { url: &url, address, protocol: self.protocol, options: &options, until }.run()
    }
}

fn reconnect(peer: &Peer, bed: &Bed, start: Start, time: Duration) -> Result<Served> {
    let address = if start == Start::Cleartext { peer.http } else { peer.https };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let requests = runtime.block_on(bed.client.reconnect(address, start, time))?;
    Ok(Served { requests, rate: requests as f64 / time.as_secs_f64(), bytes: 0 })
}
