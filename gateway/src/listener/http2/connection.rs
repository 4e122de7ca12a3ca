//! The life of an HTTP/2 connection: accept streams and spawn each, until either side ends it.

use super::limits::{self, Abuse, Tally};
use super::refusal::refuse;
use super::{end, head};
use crate::connection::{Arrival, ClientConnection, Deadline, Stage};
use crate::lane::pingora::SEND;
use crate::listener::Refusal;
use crate::listener::worker::Worker;
use crate::table::Settings;
use crate::telemetry::{self, ConnectionState, OpenConnection};
use bytes::Bytes;
use h2::Reason;
use pingora_core::protocols::http::v2::server::{H2Accept, HttpSession, handshake};
use pingora_core::protocols::{Digest, Stream};
use pingora_core::{Error, Result};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long a client that has been told to go may take to go, once nothing of its is left to do.
const CLOSING: Duration = Duration::from_secs(5);

type H2 = h2::server::Connection<Stream, Bytes>;

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
    let shaken = deadline.limit(Stage::Closing, handshake(stream, Some(limits::options(&settings)))).await;
    deadline.disarm();
    let fault = match shaken {
        Some(Ok(mut h2)) => {
            let mut streams = Streams::new(connection.clone(), settings, open, deadline, worker);
            let fault = streams.run(&mut h2).await;
            drop(h2);
            // None of them can go on, but all have something to write down.
            while streams.running.join_next().await.is_some() {}
            fault
        }
        Some(Err(error)) => fault_of(&error).map(|_| "invalid-preface"),
        None if worker.context.leaving().is_announced() => None,
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
    /// What Pingora wants to know of the connection: nothing that we ask it for.
    digest: Arc<Digest>,
    /// The client was asked to go, and finishes what it has begun.
    leaving: bool,
    /// What had been sent when the deadline was armed; `None` while streams run.
    quiet: Option<u64>,
    /// There has been no room for the rest of an answer since then, and the deadline has passed once.
    stalled: bool,
}

// Made to be taken apart at once: no box for each request.
#[allow(clippy::large_enum_variant)]
enum Event {
    Accepted(Result<Option<H2Accept>>),
    Abuse(Abuse),
    /// Nothing has happened for long enough, or the worker drains.
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
        let (running, tally, digest) = Default::default();
        Self {
            connection,
            settings,
            open,
            deadline,
            worker,
            running,
            tally,
            digest,
            leaving: false,
            quiet: None,
            stalled: false,
        }
    }

    /// Runs until the connection is at its end. Returns what the client did wrong, if that is why.
    async fn run(&mut self, h2: &mut H2) -> Option<&'static str> {
        loop {
            match self.event(h2).await {
                Event::Accepted(Ok(Some(H2Accept::Session(session)))) => self.start(session),
                Event::Accepted(Ok(Some(H2Accept::Rejected))) => self.count_refused(Refusal::MALFORMED),
                Event::Accepted(Ok(None)) => return None,
                Event::Accepted(Err(error)) => {
                    let fault = fault_of(&error);
                    if fault.is_some() {
                        self.connection.leave_input_unread(); // so that it reads what we said last
                    }
                    return fault;
                }
                Event::Abuse((reason, code)) => {
                    self.end(h2, code).await;
                    return Some(reason);
                }
                Event::Late if !self.leaving => self.ask_to_go(h2),
                Event::Late if h2.has_streams() && !self.stalled => self.wait_for_room(),
                Event::Late => return None,
            }
            if !self.leaving && self.tally.requests >= limits::requests(&self.settings) {
                self.ask_to_go(h2);
            }
        }
    }

    /// Drives the connection until something is to be done.
    async fn event(&mut self, h2: &mut H2) -> Event {
        let mut accept = pin!(HttpSession::from_h2_conn(h2, self.digest.clone()));
        poll_fn(|cx| {
            let accepted = accept.as_mut().poll(cx);
            while let Poll::Ready(Some(_)) = self.running.poll_join_next(cx) {}
            if let Some(abuse) = self.tally.abuse(&self.connection) {
                return Poll::Ready(Event::Abuse(abuse));
            }
            if let Poll::Ready(accepted) = accepted {
                return Poll::Ready(Event::Accepted(accepted));
            }
            self.rest();
            self.deadline.poll_expired(cx, self.stays_until()).map(|()| Event::Late)
        })
        .await
    }

    /// How far the worker's end may come before this connection's does. Some clients take a GOAWAY before their first
    /// request for a failure of the connection, so they may make it.
    fn stays_until(&self) -> Stage {
        match self.tally.requests {
            _ if self.leaving => Stage::Stopped,
            0 => Stage::Closing,
            _ => Stage::Draining,
        }
    }

    /// Lets the deadline run while no stream does and nothing more goes out.
    fn rest(&mut self) {
        let quiet = self.running.is_empty().then(|| self.connection.sent());
        if quiet == self.quiet {
            return;
        }
        let client = &self.settings.client;
        match quiet {
            None => self.deadline.disarm(),
            Some(_) if self.leaving => self.deadline.arm(CLOSING),
            Some(_) if self.tally.requests == 0 => self.deadline.arm(client.header_timeout),
            Some(_) => self.deadline.arm(client.keep_alive),
        }
        self.open.set(if quiet.is_some() { ConnectionState::Waiting } else { ConnectionState::Writing });
        self.quiet = quiet;
        self.stalled = false;
    }

    /// Goes on waiting for a client that reads slowly: the ends of answers wait in h2 when their streams are done for us.
    fn wait_for_room(&mut self) {
        self.stalled = true;
        self.deadline.arm(SEND);
    }

    /// Serves a request, or says why not.
    fn start(&mut self, mut session: HttpSession) {
        let started = Instant::now();
        self.tally.requests += 1;
        let limits = (&self.settings.client).into();
        let adopted = head::adopt(session.req_header_mut(), limits);
        let head = adopted.unwrap_or_default();
        let (connection, number) = (self.connection.clone(), self.tally.requests);
        let arrival = Arrival { connection, head, started, number, sent_before: 0 };
        self.connection.count_requested(head.length);
        match adopted {
            Ok(_) => drop(self.running.spawn(self.worker.lane.clone().stream(session, Box::new(arrival)))),
            Err(refusal) => {
                self.count_refused(refusal);
                self.running.spawn(refuse(session, arrival, refusal, self.worker.clone()));
            }
        }
    }

    fn count_refused(&mut self, refusal: Refusal) {
        tracing::debug!(client = %self.connection.peer, reason = refusal.reason, "HTTP/2 request refused");
        self.tally.refused += 1;
        self.worker.context.telemetry().event(telemetry::Event::RefusedHead, refusal.reason);
    }

    /// Sends GOAWAY: what is running, and on its way to us, is still served.
    fn ask_to_go(&mut self, h2: &mut H2) {
        self.connection.leave_input_unread(); // clients give back their windows until they have read everything
        h2.graceful_shutdown();
        self.leaving = true;
        self.deadline.disarm();
        self.quiet = None;
    }

    /// Ends the connection and all of its streams, and says why.
    async fn end(&self, h2: &mut H2, code: Reason) {
        self.connection.leave_input_unread();
        h2.abrupt_shutdown(code);
        self.deadline.arm(CLOSING);
        let _ = self.deadline.limit(Stage::Stopped, poll_fn(|cx| h2.poll_closed(cx))).await;
    }
}

/// What a client did wrong that has ended its connection: a fixed label. `None` if it was the network, or the client that
/// left.
fn fault_of(error: &Error) -> Option<&'static str> {
    let error = error.root_cause().downcast_ref::<h2::Error>()?;
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
