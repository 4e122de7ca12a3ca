//! Requests at a fixed rate, whatever becomes of those before: what clients that do not know of each other do. A request
//! that has to wait, since its connection still has the one before, waits from the time that it was due.

use crate::peers::ANSWER;
use crate::{HOST, TARGET};
use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Connections that take turns. Each has a thread, which the system wakes up on time: a runtime's timers would not.
const CONNECTIONS: u32 = 64;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Microseconds that requests took, at so many per second, for some time.
///
/// # Errors
/// A request fails.
pub fn latencies(address: SocketAddr, rate: u32, time: Duration) -> Result<Histogram<u64>> {
    let start = Instant::now() + Duration::from_millis(50);
    let pause = Duration::from_secs(1) * CONNECTIONS / rate;
    let mut all = Histogram::new(3)?;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|number| start + pause * number / CONNECTIONS)
            .map(|first| scope.spawn(move || connection(address, first, pause, start + time)))
            .collect();
        for thread in threads {
            let some = thread.join().ok().context("a thread has panicked")??;
            all.add(some)?;
        }
        Ok(all)
    })
}

/// Asks again and again on one connection.
#[expect(clippy::disallowed_methods, reason = "requests are due at a time")]
fn connection(address: SocketAddr, first: Instant, pause: Duration, end: Instant) -> Result<Histogram<u64>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!("GET {TARGET} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let mut answer = Vec::with_capacity(1024);
    let mut latencies = Histogram::new(3)?;
    let mut due = first;
    while due < end {
        // Waking up late is the client's fault, and does not count.
        let begin = match due.checked_duration_since(Instant::now()) {
            Some(early) => {
                thread::sleep(early);
                Instant::now()
            }
            None => due,
        };
        stream.write_all(request.as_bytes())?;
        read(&mut stream, &mut answer)?;
        latencies.record(u64::try_from(begin.elapsed().as_micros())?)?;
        due += pause;
    }
    Ok(latencies)
}

fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<()> {
    answer.clear();
    let mut piece = [0; 1024];
    while !answer.ends_with(&ANSWER) {
        let count = stream.read(&mut piece)?;
        answer.extend_from_slice(&piece[..count]);
        ensure!(count > 0, "the answer ends with {:?}", answer.escape_ascii().to_string());
    }
    ensure!(answer.starts_with(b"HTTP/1.1 200 "), "{}", answer.escape_ascii());
    Ok(())
}
