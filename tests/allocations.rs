//! How often a request allocates. This is a binary of its own: the allocator counts for the whole process.

use anyhow::{Result, ensure};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use tests::adit::{Adit, manifests};
use tokio::runtime::Builder;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations of a request, in all of the process. Who adds one says why in the commit that raises this.
const BOUND: usize = 14;
const REQUESTS: usize = 2_000;
/// Allocations of what else the process does meanwhile, such as renewing what expires.
const OTHERS: usize = 500;

const REQUEST: &[u8] = b"GET /shop/item?id=1 HTTP/1.1\r\nHost: h\r\nUser-Agent: costs\r\nAccept: */*\r\n\
                         Cookie: theme=dark; session=0123456789abcdef\r\nAccept-Language: en\r\n\r\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nServer: backend\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

/// With the access log, metrics and forwarded headers, as they are by default.
#[test]
fn a_small_request_over_a_kept_connection_allocates_no_more_than_it_did() -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let config = json!({"keep-alive-requests": "1000000", "upstream-keepalive-requests": "1000000"});
    let adit = runtime.block_on(Adit::start(&manifests(&[backend()?], &config)))?;
    let mut client = TcpStream::connect(adit.address()?)?;
    client.set_nodelay(true)?;
    // The first ones make what is kept.
    exchange(&mut client, REQUESTS)?;
    let region = Region::new(ALLOCATOR);
    exchange(&mut client, REQUESTS)?;
    let made = region.change();
    let count = made.allocations + made.reallocations;
    ensure!(
        count <= BOUND * REQUESTS + OTHERS,
        "{:.2} allocations for each request, and {BOUND} are allowed: {made:?}",
        count as f64 / REQUESTS as f64
    );
    Ok(())
}

/// So many requests, one after another. Allocates nothing.
fn exchange(client: &mut TcpStream, count: usize) -> Result<()> {
    let mut buffer = [0; 4096];
    for _ in 0..count {
        client.write_all(REQUEST)?;
        let length = read_until(client, &mut buffer, b"\r\n\r\nok")?;
        ensure!(buffer.starts_with(b"HTTP/1.1 200 "), "{}", buffer[..length].escape_ascii());
    }
    Ok(())
}

/// A backend on threads of its own, which end with the process. It allocates nothing for a request.
fn backend() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 4096];
    loop {
        read_until(&mut stream, &mut buffer, b"\r\n\r\n")?;
        stream.write_all(RESPONSE)?;
    }
}

/// Reads until what was read ends so.
fn read_until(stream: &mut TcpStream, buffer: &mut [u8], end: &[u8]) -> Result<usize> {
    let mut length = 0;
    while !buffer[..length].ends_with(end) {
        let more = stream.read(&mut buffer[length..])?;
        ensure!(more > 0, "it ends with {}", buffer[..length].escape_ascii());
        length += more;
    }
    Ok(length)
}
