//! The life of an HTTP/1 connection: wait idle, read a head, hand the request to Pingora, again.

use super::head::check;
use super::upgrade;
use crate::connection::{Arrival, ClientConnection, Deadline, Head, Stage};
use crate::exchange::Answer;
use crate::listener::worker::Worker;
use crate::listener::{HeadLimits, Refusal, http2};
use crate::telemetry::{ConnectionState, Event, OpenConnection, Record};
use bytes::BytesMut;
use pingora_core::protocols::Stream;
use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

/// One read of a head. Lives on the stack of a poll, so that an idle connection holds no buffer.
const READ: usize = 4 << 10;

/// Serves requests on a connection until either side ends it, or the client turns out to speak HTTP/2: then the stream is
/// returned, with what was read of it.
pub(crate) async fn serve(
    mut stream: Stream,
    connection: &Arc<ClientConnection>,
    open: &mut OpenConnection,
    deadline: &Deadline,
    worker: &Worker,
) -> Option<(Stream, BytesMut)> {
    let mut next = BytesMut::new();
    for number in 1.. {
        let patience = Patience::of(worker, connection, number);
        let mut buffer = std::mem::take(&mut next);
        let read = read_head(&mut stream, &mut buffer, deadline, &patience).await;
        deadline.disarm();
        let (head, started) = match read {
            Ok(Some(arrived)) => arrived,
            Ok(None) => {
                stream.as_mut().shutdown().await;
                return None;
            }
            Err((refusal, _)) if patience.http2 && refusal != Refusal::TIMEOUT && http2::begins(&buffer) => {
                return Some((stream, buffer));
            }
            Err((refusal, _)) if patience.http2 && refusal != Refusal::TIMEOUT && http2::is_foreign(&buffer) => {
                http2::end_foreign(connection, worker);
                return None;
            }
            Err(refused) => {
                refuse(stream, connection, number, &buffer, refused, worker).await;
                return None;
            }
        };
        open.set(ConnectionState::Writing);
        if head.alone && buffer.len() > head.length {
            // Pipelined requests wait here: Pingora has the connection for one request at a time.
            next = buffer.split_off(head.length);
            connection.leave_input_unread(); // this may be its last request, and more may come
        }
        connection.hold_input(head.alone);
        let sent_before = connection.sent();
        let arrival = Box::new(Arrival { connection: connection.clone(), head, started, number, sent_before });
        let reused = match head.upgrade {
            // A connection keeps no room for it.
            true => Box::pin(upgrade::serve(stream, buffer, arrival, &mut next, deadline, worker)).await,
            false => worker.lane.request(stream, buffer, arrival).await,
        };
        match reused {
            Some(reused) => stream = reused,
            None => return None,
        }
        connection.hold_input(false);
        open.set(ConnectionState::Waiting);
    }
    None
}

/// Refuses cleartext HTTP on a port for TLS, once its head has been read: the answer should be to the request.
pub(crate) async fn refuse_cleartext(
    mut stream: Stream,
    connection: &ClientConnection,
    deadline: &Deadline,
    worker: &Worker,
) {
    let mut buffer = BytesMut::new();
    let read = read_head(&mut stream, &mut buffer, deadline, &Patience::of(worker, connection, 1)).await;
    deadline.disarm();
    let refused = match read {
        Ok(Some((_, started))) => (Refusal::CLEARTEXT, started),
        Ok(None) => return,
        Err(refused) => refused,
    };
    refuse(stream, connection, 1, &buffer, refused, worker).await;
}

/// How long to wait for what, under the settings of now.
struct Patience {
    idle: Duration,
    head: Duration,
    limits: HeadLimits,
    /// The client may turn out to speak HTTP/2. Over TLS, ALPN has settled that.
    http2: bool,
}

impl Patience {
    fn of(worker: &Worker, connection: &ClientConnection, number: u64) -> Self {
        let table = worker.context.publisher().load();
        let client = &table.settings().client;
        // The first head has no idle time before it: nginx's client_header_timeout begins with the connection.
        let idle = if number == 1 { client.header_timeout } else { client.keep_alive };
        let http2 = number == 1 && connection.tls.is_none() && table.settings().http2.enabled;
        Self { idle, head: client.header_timeout, limits: client.into(), http2 }
    }
}

/// Reads one whole head, and whatever came with it, into `buffer`, which may hold the beginning of it already. `None` when the connection ended or stayed idle.
async fn read_head(
    stream: &mut Stream,
    buffer: &mut BytesMut,
    deadline: &Deadline,
    patience: &Patience,
) -> Result<Option<(Head, Instant)>, (Refusal, Instant)> {
    deadline.arm(patience.idle);
    if buffer.is_empty() && !matches!(read(stream, buffer, deadline, Stage::Closing).await, Read::Some) {
        return Ok(None);
    }
    let started = Instant::now();
    let refused = |refusal| (refusal, started);
    let mut fresh = 0;
    deadline.arm(patience.head);
    loop {
        // A head can only become complete, or too long, at these points: a client that sends byte by byte does not
        // make us parse byte by byte.
        let worth_checking = memchr::memchr(b'\n', &buffer[fresh..]).is_some() || buffer.len() > patience.limits.line;
        if worth_checking && let Some(head) = check(buffer, patience.limits).map_err(refused)? {
            return Ok(Some((head, started)));
        }
        fresh = buffer.len();
        match read(stream, buffer, deadline, Stage::Stopped).await {
            Read::Some => {}
            Read::End => return Ok(None),
            Read::Late => return Err(refused(Refusal::TIMEOUT)),
        }
    }
}

enum Read {
    Some,
    End,
    Late,
}

/// Appends what the client has sent to `buffer`, waiting for it until the deadline, or until the worker's `end` has come
/// so far.
async fn read(stream: &mut Stream, buffer: &mut BytesMut, deadline: &Deadline, end: Stage) -> Read {
    let read = poll_fn(|cx| {
        let mut chunk = [const { MaybeUninit::uninit() }; READ];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        Pin::new(&mut *stream).poll_read(cx, &mut chunk).map(|read| match read {
            Ok(()) if !chunk.filled().is_empty() => {
                buffer.extend_from_slice(chunk.filled());
                Read::Some
            }
            _ => Read::End,
        })
    });
    deadline.limit(end, read).await.unwrap_or(Read::Late)
}

/// Answers a head that we refuse, writes it down and closes.
async fn refuse(
    mut stream: Stream,
    connection: &ClientConnection,
    number: u64,
    buffer: &[u8],
    (refusal, started): (Refusal, Instant),
    worker: &Worker,
) {
    connection.leave_input_unread();
    let sent_before = connection.sent();
    let settings = worker.context.publisher().load().settings().clone();
    let answer = Answer::refusal(refusal.status, refusal.explanation(), settings.server_tokens);
    if stream.write_all(&answer.http1()).await.is_ok() {
        stream.as_mut().shutdown().await;
    }
    let (method, target, version) = request_line(buffer);
    worker.context.telemetry().event(Event::RefusedHead, refusal.reason);
    worker.context.telemetry().record(
        &Record {
            connection,
            connection_requests: number,
            path: b"",
            client: connection.peer.ip(),
            method,
            target,
            version,
            host: "",
            scheme: connection.scheme(),
            headers: None,
            request_id: "",
            labels: None,
            logged: true,
            reply: Some(refusal.reason),
            request_length: buffer.len() as u64,
            duration: started.elapsed(),
            status: refusal.status,
            body_bytes_sent: answer.body.len() as u64,
            bytes_sent: connection.sent() - sent_before,
            attempts: &[],
        },
        &settings.access_log,
    );
}

/// The parts of a request line as far as they can be made out, for the log.
fn request_line(buffer: &[u8]) -> (&str, &str, &str) {
    let end = memchr::memchr2(b'\r', b'\n', buffer).unwrap_or(buffer.len());
    let line = std::str::from_utf8(&buffer[..end]).unwrap_or_default();
    let mut words = line.splitn(3, ' ');
    let mut word = || words.next().unwrap_or_default();
    (word(), word(), word())
}
