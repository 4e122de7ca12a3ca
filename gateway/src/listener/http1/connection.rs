//! The loop of an HTTP/1 connection: wait while idle, read a head, pass the request to a lane, repeat.

use super::head::parse;
use super::repair;
use crate::connection::{Arrival, BodyFramer, BodyFraming, ClientConnection, Deadline, Head, Stage};
use crate::exchange::RenderedReply;
use crate::lane::client::{ClientHead, HeadParts};
use crate::lane::http1::Outcome;
use crate::listener::refusal::RefusedRequest;
use crate::listener::worker::Worker;
use crate::listener::{HeadLimits, Refusal, http2};
use crate::relay::read_some;
use crate::telemetry::{ConnectionState, Event, OpenConnection, RequestInfo};
use bytes::BytesMut;
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::date::get_cached_date;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

/// Serves requests on a connection until either side closes it, or its first bytes turn out to be HTTP/2: then the stream
/// is returned, with what was read from it.
pub(crate) async fn serve(
    mut stream: Stream,
    connection: &Arc<ClientConnection>,
    open: &mut OpenConnection,
    deadline: &Deadline,
    worker: &Worker,
) -> Option<(Stream, BytesMut)> {
    let mut next = BytesMut::new();
    for number in 1.. {
        let settings = HeadSettings::current(worker, connection, number);
        let mut buffer = std::mem::take(&mut next);
        let read = read_head(&mut stream, &mut buffer, deadline, &settings).await;
        deadline.disarm();
        let (head, parts, started) = match read {
            Ok(Some(arrived)) => arrived,
            Ok(None) => {
                stream.as_mut().shutdown().await;
                return None;
            }
            Err((refusal, _)) if settings.may_be_http2 && refusal != Refusal::TIMEOUT && http2::begins(&buffer) => {
                return Some((stream, buffer));
            }
            Err((refusal, _))
                if settings.may_be_http2 && refusal != Refusal::TIMEOUT && http2::is_other_protocol(&buffer) =>
            {
                http2::end_other_protocol(connection, worker);
                return None;
            }
            Err(refused) => {
                refuse(stream, connection, number, &buffer, refused, worker).await;
                return None;
            }
        };
        open.set(ConnectionState::Writing);
        let input = if buffer.len() == head.length { BytesMut::new() } else { buffer.split_off(head.length) };
        let repaired = if head.plain { None } else { repair::repaired(&buffer, settings.limits.names) };
        let target = repaired.as_ref().map(|repaired| repaired.target.clone());
        let client_head = match repaired {
            None => Some(ClientHead::new(buffer.freeze(), parts)),
            Some(repaired) => ClientHead::parse(repaired.head.freeze(), target.clone()),
        }?;
        let sent_before = connection.sent();
        let arrival = Box::new(Arrival { connection: connection.clone(), head, started, number, sent_before, target });
        // Boxed, so that the future of a connection does not reserve memory for it.
        match Box::pin(worker.lanes.request(stream, client_head, input, arrival)).await {
            Outcome::Reusable(reused, read) => (stream, next) = (reused, read),
            Outcome::Upgraded(tunnel) => {
                tunnel.carry(deadline).await;
                return None;
            }
            Outcome::Ended => return None,
        }
        open.set(ConnectionState::Waiting);
    }
    None
}

/// Refuses cleartext HTTP on a port for TLS, once its head has been read, so that the client takes the response for one to
/// its request.
pub(crate) async fn refuse_cleartext(
    mut stream: Stream,
    connection: &ClientConnection,
    deadline: &Deadline,
    worker: &Worker,
) {
    let mut buffer = BytesMut::new();
    let read = read_head(&mut stream, &mut buffer, deadline, &HeadSettings::current(worker, connection, 1)).await;
    deadline.disarm();
    let refused = match read {
        Ok(Some((_, _, started))) => (Refusal::CLEARTEXT, started),
        Ok(None) => return,
        Err(refused) => refused,
    };
    refuse(stream, connection, 1, &buffer, refused, worker).await;
}

/// What applies to the next request head of a connection.
struct HeadSettings {
    /// How long the connection may be idle before the head's first byte.
    idle_timeout: Duration,
    /// How long the whole head may take, from its first byte.
    timeout: Duration,
    limits: HeadLimits,
    /// Whether the first bytes may be those of HTTP/2: only on a new connection without TLS, where ALPN has not decided.
    may_be_http2: bool,
}

impl HeadSettings {
    /// From the settings in force now, for the request with this number on the connection.
    fn current(worker: &Worker, connection: &ClientConnection, number: u64) -> Self {
        let table = worker.context.publisher().load();
        let client = &table.settings().client;
        // The first head has no idle time before it: nginx's client_header_timeout begins with the connection.
        let idle_timeout = if number == 1 { client.header_timeout } else { client.keep_alive };
        let may_be_http2 = number == 1 && connection.tls.is_none() && table.settings().http2.enabled;
        Self { idle_timeout, timeout: client.header_timeout, limits: client.into(), may_be_http2 }
    }
}

/// Reads one whole head, and whatever came with it, into `buffer`, which may hold the start of it already. `None` when the
/// connection ended or stayed idle.
async fn read_head(
    stream: &mut Stream,
    buffer: &mut BytesMut,
    deadline: &Deadline,
    settings: &HeadSettings,
) -> Result<Option<(Head, HeadParts, Instant)>, (Refusal, Instant)> {
    deadline.arm(settings.idle_timeout);
    if buffer.is_empty() && !matches!(read(stream, buffer, deadline, Stage::Closing).await, Read::Some) {
        return Ok(None);
    }
    let started = Instant::now();
    let refused = |refusal| (refusal, started);
    let mut fresh = 0;
    deadline.arm(settings.timeout);
    loop {
        // A head can only become complete, or too long, at these points: a client that sends byte by byte does not
        // make us parse byte by byte.
        let worth_checking = memchr::memchr(b'\n', &buffer[fresh..]).is_some() || buffer.len() > settings.limits.line;
        if worth_checking && let Some((head, parts)) = parse(buffer, settings.limits).map_err(refused)? {
            check_body(head.body, &buffer[head.length..]).map_err(refused)?;
            return Ok(Some((head, parts, started)));
        }
        fresh = buffer.len();
        match read(stream, buffer, deadline, Stage::Stopped).await {
            Read::Some => {}
            Read::End => return Ok(None),
            Read::Late => return Err(refused(Refusal::TIMEOUT)),
        }
    }
}

/// Checks what has come of a body with its head: nothing of a request that is malformed then reaches a backend.
fn check_body(body: BodyFraming, begun: &[u8]) -> Result<(), Refusal> {
    BodyFramer::new(body).take(begun).map(|_| ()).map_err(|_| Refusal::MALFORMED_BODY)
}

enum Read {
    Some,
    End,
    Late,
}

/// Appends what the client has sent to `buffer`, waiting for it until the deadline, or until the shutdown reaches stage
/// `end`.
async fn read(stream: &mut Stream, buffer: &mut BytesMut, deadline: &Deadline, end: Stage) -> Read {
    let read = async {
        match read_some(stream, buffer).await {
            Ok(1..) => Read::Some,
            Ok(0) | Err(_) => Read::End,
        }
    };
    deadline.limit(end, read).await.unwrap_or(Read::Late)
}

/// Refuses a head: sends the response, counts and logs it, and closes the connection.
async fn refuse(
    mut stream: Stream,
    connection: &ClientConnection,
    number: u64,
    buffer: &[u8],
    (refusal, started): (Refusal, Instant),
    worker: &Worker,
) {
    connection.mark_input_unread();
    let sent_before = connection.sent();
    let server_tokens = worker.context.publisher().load().settings().server_tokens;
    let response = RenderedReply::refusal(refusal.status, refusal.explanation(), server_tokens);
    if stream.write_all(&response.http1(&get_cached_date())).await.is_ok() {
        stream.as_mut().shutdown().await;
    }
    worker.context.telemetry().event(Event::RefusedHead, refusal.reason);
    let (method, target, version) = request_line(buffer);
    let refused = RefusedRequest {
        request: RequestInfo { method, target, version, ..RequestInfo::new(connection, number) },
        refusal,
        request_length: buffer.len(),
        duration: started.elapsed(),
        body_bytes_sent: response.body.len() as u64,
        bytes_sent: connection.sent() - sent_before,
    };
    refused.record(worker);
}

/// Method, target and version of a request line as far as they can be parsed, for the log.
fn request_line(buffer: &[u8]) -> (&str, &[u8], &str) {
    let end = memchr::memchr2(b'\r', b'\n', buffer).unwrap_or(buffer.len());
    let mut words = buffer[..end].splitn(3, |byte| *byte == b' ');
    let mut word = || words.next().unwrap_or_default();
    let (method, target, version) = (word(), word(), word());
    match (std::str::from_utf8(method), std::str::from_utf8(version)) {
        (Ok(method), Ok(version)) => (method, target, version),
        _ => ("", &buffer[..end], ""), // nothing that could be a request line: the log shows all of it
    }
}
