//! The loop of an HTTP/2 connection: accept streams and spawn a task for each, until either side closes it.

use super::checked::Checked;
use super::limits::{self, Abuse, Tally};
use super::refusal::refuse;
use super::{end, head};
use crate::connection::{Arrival, ClientConnection, Deadline, Stage};
use crate::lane::client::Http2Session;
use crate::listener::Refusal;
use crate::listener::worker::Worker;
use crate::table::Settings;
use crate::telemetry::{self, ConnectionState, OpenConnection};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::Request;
use pingora_core::protocols::Stream;
use pingora_http::RequestHeader;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long a client may keep its connection open after a GOAWAY, once all of its streams have ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

type H2 = h2::server::Connection<Checked, Bytes>;

/// Serves the streams of a connection until either side ends it.
pub(crate) async fn serve(
    stream: Stream,
    connection: Arc<ClientConnection>,
    open: &mut OpenConnection,
    deadline: &Deadline,
    worker: &Arc<Worker>,
) {
    let settings = worker.context.publisher().load().settings().clone();
    deadline.arm(settings.client.header_timeout);
    let stream = Checked::new(stream, settings.client.head_limit());
    let shaken = deadline.limit(Stage::Closing, limits::options(&settings).handshake(stream)).await;
    deadline.disarm();
    let fault = match shaken {
        Some(Ok(mut h2)) => {
            let mut streams = Streams::new(connection.clone(), settings, open, deadline, worker);
            let fault = streams.run(&mut h2).await;
            drop(h2);
            // They can not go on without the connection, but each still has to be counted and logged.
            while streams.running.join_next().await.is_some() {}
            fault
        }
        Some(Err(error)) => client_error(&error).map(|_| "invalid-preface"),
        None if worker.context.shutdown().is_announced() || connection.ends_soon() => None,
        None => Some("preface-timeout"),
    };
    if let Some(reason) = fault {
        end(&connection, reason, worker);
    }
}

/// The streams of a connection.
struct Streams<'a> {
    connection: Arc<ClientConnection>,
    settings: Arc<Settings>,
    open: &'a mut OpenConnection,
    deadline: &'a Deadline,
    worker: &'a Arc<Worker>,
    running: JoinSet<()>,
    tally: Tally,
    /// A GOAWAY was sent; streams that are open are still served.
    going_away: bool,
    /// Bytes sent so far when the idle deadline was armed; `None` while streams run.
    sent_when_idle: Option<u64>,
    /// The rest of a response has not been sent since then for lack of window or socket buffer, and the deadline has
    /// passed once.
    stalled: bool,
}

/// A stream that a client has begun: its request, and what takes the response.
type Accepted = (Request<RecvStream>, SendResponse<Bytes>);

// Matched at once and never stored, so that a box for each request would only cost.
#[allow(clippy::large_enum_variant)]
enum Event {
    Accepted(Accepted),
    /// The connection has ended, by this error or without one.
    Ended(Option<h2::Error>),
    Abuse(Abuse),
    /// The deadline has passed, or the shutdown has reached the last stage of this connection.
    Late,
}

impl<'a> Streams<'a> {
    fn new(
        connection: Arc<ClientConnection>,
        settings: Arc<Settings>,
        open: &'a mut OpenConnection,
        deadline: &'a Deadline,
        worker: &'a Arc<Worker>,
    ) -> Self {
        Self {
            connection,
            settings,
            open,
            deadline,
            worker,
            running: JoinSet::new(),
            tally: Tally::new(Instant::now()),
            going_away: false,
            sent_when_idle: None,
            stalled: false,
        }
    }

    /// Runs until the connection ends. Returns the client's error, if that is the reason.
    async fn run(&mut self, h2: &mut H2) -> Option<&'static str> {
        loop {
            match self.next_event(h2).await {
                Event::Accepted(stream) => self.start(stream),
                Event::Ended(None) => return None,
                Event::Ended(Some(error)) => {
                    let fault = client_error(&error);
                    if fault.is_some() {
                        self.connection.mark_input_unread(); // so that the client reads our GOAWAY
                    }
                    return fault;
                }
                Event::Abuse((reason, code)) => {
                    self.end(h2, code).await;
                    return Some(reason);
                }
                Event::Late if !self.going_away => self.send_goaway(h2),
                Event::Late if h2.has_streams() && !self.stalled => self.wait_for_send_capacity(),
                Event::Late => return None,
            }
            if !self.going_away && self.tally.requests >= limits::requests(&self.settings) {
                self.send_goaway(h2);
            }
        }
    }

    /// Drives the connection until the next event.
    async fn next_event(&mut self, h2: &mut H2) -> Event {
        poll_fn(|cx| {
            let accepted = h2.poll_accept(cx);
            while let Poll::Ready(Some(_)) = self.running.poll_join_next(cx) {}
            if let Some(abuse) = self.tally.abuse(&self.connection) {
                return Poll::Ready(Event::Abuse(abuse));
            }
            match accepted {
                Poll::Ready(Some(Ok(stream))) => return Poll::Ready(Event::Accepted(stream)),
                Poll::Ready(ended) => return Poll::Ready(Event::Ended(ended.and_then(Result::err))),
                Poll::Pending => {}
            }
            if self.connection.ends_soon() && !self.going_away {
                return Poll::Ready(Event::Late);
            }
            self.arm_idle_deadline();
            self.deadline.poll_expired(cx, self.last_stage()).map(|()| Event::Late)
        })
        .await
    }

    /// The stage of a shutdown at which this connection stops waiting. Some clients take a GOAWAY before their first
    /// request for a connection error, so a connection without a request yet waits longer.
    fn last_stage(&self) -> Stage {
        match self.tally.requests {
            _ if self.going_away => Stage::Stopped,
            0 => Stage::Closing,
            _ => Stage::Draining,
        }
    }

    /// Arms the idle deadline when no stream runs and no more bytes are sent; disarms it otherwise.
    fn arm_idle_deadline(&mut self) {
        let sent_when_idle = self.running.is_empty().then(|| self.connection.sent());
        if sent_when_idle == self.sent_when_idle {
            return;
        }
        let client = &self.settings.client;
        match sent_when_idle {
            None => self.deadline.disarm(),
            Some(_) if self.going_away => self.deadline.arm(CLOSE_TIMEOUT),
            Some(_) if self.tally.requests == 0 => self.deadline.arm(client.header_timeout),
            Some(_) => self.deadline.arm(client.keep_alive),
        }
        self.open.set(if sent_when_idle.is_some() { ConnectionState::Waiting } else { ConnectionState::Writing });
        self.sent_when_idle = sent_when_idle;
        self.stalled = false;
    }

    /// Waits longer for a client that reads slowly: the end of a response may still be in h2's buffers when its stream has
    /// ended for us.
    fn wait_for_send_capacity(&mut self) {
        self.stalled = true;
        self.deadline.arm(self.settings.client.send_timeout);
    }

    /// Serves a request, or refuses it.
    fn start(&mut self, (request, respond): Accepted) {
        let started = Instant::now();
        self.tally.count_request(&self.connection, started);
        let (request, body) = request.into_parts();
        let mut request = RequestHeader::from(request);
        let normalized = head::normalize(&mut request, (&self.settings.client).into());
        let session = Box::new(Http2Session::new(&request.headers, body, respond, self.settings.client.send_timeout));
        let (head, target) = normalized.clone().unwrap_or_default();
        let (connection, number) = (self.connection.clone(), self.tally.requests);
        let arrival = Arrival { connection, head, started, number, sent_before: 0, target };
        self.connection.count_requested(head.length);
        match normalized {
            Ok(_) => {
                // Boxed, so that the task moves little: runtimes move what they run when it begins and when it ends.
                let served = Box::pin(self.worker.lanes.clone().stream(request, session, Box::new(arrival)));
                self.running.spawn(served);
            }
            Err(refusal) => {
                self.count_refused(refusal);
                self.running.spawn(refuse(request, session, arrival, refusal, self.worker.clone()));
            }
        }
    }

    fn count_refused(&mut self, refusal: Refusal) {
        tracing::debug!(client = %self.connection.peer, reason = refusal.reason, "HTTP/2 request refused");
        self.tally.refused += 1;
        self.worker.context.telemetry().event(telemetry::Event::RefusedHead, refusal.reason);
    }

    /// Sends a GOAWAY: streams that are open, or were sent before the client has received it, are still served.
    fn send_goaway(&mut self, h2: &mut H2) {
        self.connection.mark_input_unread(); // clients send WINDOW_UPDATE until they have read everything
        h2.graceful_shutdown();
        self.going_away = true;
        self.deadline.disarm();
        self.sent_when_idle = None;
    }

    /// Ends the connection and all of its streams with this error code.
    async fn end(&self, h2: &mut H2, code: Reason) {
        self.connection.mark_input_unread();
        h2.abrupt_shutdown(code);
        self.deadline.arm(CLOSE_TIMEOUT);
        let _ = self.deadline.limit(Stage::Stopped, poll_fn(|cx| h2.poll_closed(cx))).await;
    }
}

/// The label of the client's protocol error that has ended its connection. `None` if the network failed, or the client
/// closed it.
fn client_error(error: &h2::Error) -> Option<&'static str> {
    if error.is_remote() || error.is_io() {
        return None;
    }
    Some(match error.reason()? {
        Reason::NO_ERROR => return None,
        Reason::FLOW_CONTROL_ERROR => "flow-control-error",
        Reason::STREAM_CLOSED => "stream-closed",
        Reason::FRAME_SIZE_ERROR => "frame-size-error",
        Reason::COMPRESSION_ERROR => "compression-error",
        Reason::ENHANCE_YOUR_CALM => "enhance-your-calm",
        _ => "protocol-error",
    })
}
