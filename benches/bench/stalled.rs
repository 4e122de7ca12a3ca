//! Memory of answers that their clients do not take: Adit beside bare Pingora, and nginx for HTTP/1.1. Each is an answer of
//! 4 MB, of which a client has read the head. What Adit may take is bounded.

use anyhow::{Result, ensure};
use benches::client::{Client, Start};
use benches::peers::{Peer, Peers};
use benches::{process, report};
use std::any::Any;
use std::path::Path;

/// Clients of HTTP/1.1.
const CLIENTS: usize = 300;
/// Connections of HTTP/2, and streams of each.
const CONNECTIONS: usize = 20;
const STREAMS: usize = 128;
/// What all of them may take of Adit's memory.
const BOUNDS: [(Protocol, u64); 2] = [(Protocol::Http1, 30_000_000), (Protocol::Http2, 40_000_000)];
/// What a process has open besides.
const OTHER_FILES: usize = 1_000;
/// Bytes that memory at rest may change by.
const REST: u64 = 64 << 10;

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Http1 => "300 clients of HTTP/1.1",
            Self::Http2 => "20 connections of HTTP/2, 128 streams each",
        }
    }

    fn peers(self, all: &[Peer; 3]) -> &[Peer] {
        let count = if let Self::Http1 = self { 3 } else { 2 };
        &all[..count]
    }
}

fn main() -> Result<()> {
    // A proxy has two for each: to the client and to the backend.
    process::raise_open_files((2 * CONNECTIONS * STREAMS + OTHER_FILES) as u64)?;
    println!("Resident memory with answers of 4 MB that are not taken\n");
    report::head(&["clients", "proxy", "before", "more with them", "each"]);
    for (protocol, bound) in BOUNDS {
        let peers = Peers::start(Path::new(env!("CARGO_BIN_EXE_bare_pingora")).parent().unwrap_or(Path::new(".")))?;
        let client = Client::new(&peers.certificate)?;
        for peer in protocol.peers(&peers.all) {
            let Taken { before, grown, answers } = measure(peer, &client, protocol)?;
            let each = format!("{:.1} KiB", grown as f64 / answers as f64 / 1024.0);
            let [before, more] = [before, grown].map(|bytes| format!("{:.1} MB", bytes as f64 / 1e6));
            report::row(&[protocol.name(), peer.name, &before, &more, &each]);
            ensure!(peer.name != Peers::NAMES[0] || grown < bound, "Adit takes more than {} MB", bound / 1_000_000);
        }
    }
    Ok(())
}

/// Memory that a proxy takes for answers.
struct Taken {
    before: u64,
    grown: u64,
    answers: usize,
}

fn measure(peer: &Peer, client: &Client, protocol: Protocol) -> Result<Taken> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // What is made once is there before.
        drop(stall(peer, client, protocol, 1).await?);
        let before = at_rest(peer, client).await?;
        let count = if let Protocol::Http1 = protocol { CLIENTS } else { CONNECTIONS };
        let (_held, answers) = stall(peer, client, protocol, count).await?;
        let grown = at_rest(peer, client).await?.saturating_sub(before);
        Ok(Taken { before, grown, answers })
    })
}

/// Opens so many connections. Returns what keeps them open, and the number of answers.
async fn stall(peer: &Peer, client: &Client, protocol: Protocol, count: usize) -> Result<(Vec<Box<dyn Any>>, usize)> {
    let mut held: Vec<Box<dyn Any>> = Vec::with_capacity(count);
    let mut answers = 0;
    for _ in 0..count {
        match protocol {
            Protocol::Http1 => {
                held.push(Box::new(client.stalled(peer).await?));
                answers += 1;
            }
            Protocol::Http2 => {
                let streams = client.stalled_streams(peer, STREAMS).await?;
                answers += streams.len();
                held.push(Box::new(streams));
            }
        }
    }
    Ok((held, answers))
}

/// The memory of a proxy once it does not change while others are served.
async fn at_rest(peer: &Peer, client: &Client) -> Result<u64> {
    loop {
        let before = peer.process.resident()?;
        for _ in 0..20 {
            client.visit(peer.https, Start::Handshake).await?;
        }
        let now = peer.process.resident()?;
        if now.abs_diff(before) < REST {
            return Ok(now);
        }
    }
}
