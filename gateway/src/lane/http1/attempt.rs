//! One attempt to get a response from an endpoint: the request's body goes there while the response comes back.

use super::RequestHead;
use super::request_body::RequestBody;
use super::response::EndpointError;
use crate::buffer::BodyQueue;
use crate::connection::{BodyFramer, BodyFraming};
use crate::exchange::{Destination, EndpointProtocol, Failure, InvalidHead, RequestEdits};
use crate::headers::Fields;
use crate::lane::client::ClientRequest;
use crate::lane::endpoint::{CONNECTION_HEADERS, EndpointConnection, Interrupted, Progress, READ, ReadAhead, Turn};
use crate::lane::head::ResponseHead;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Version};
use std::io::{self, ErrorKind};

/// A request and the connection that it has got.
pub(super) struct Attempt<'r> {
    request: &'r mut ClientRequest,
    endpoint: EndpointConnection,
    body: RequestBody,
    destination: &'r Destination,
    /// The endpoint gets HTTP/1.0, so that the connection serves no other request.
    is_http_10: bool,
    /// The protocols that the client asks for.
    protocols: String,
    /// The connection has served before.
    is_reused: bool,
    /// A byte of the response has come.
    is_heard: bool,
    ahead: ReadAhead,
}

/// What an endpoint has done.
pub(super) enum Responded {
    /// It has responded, and the client has got it all.
    Whole,
    /// It has switched protocols, and the client has got the 101.
    Switched(EndpointConnection),
}

impl<'r> Attempt<'r> {
    /// Begins to send the request: its head, and what has been read of its body before.
    pub(super) fn new(
        request: &'r mut ClientRequest,
        mut endpoint: EndpointConnection,
        is_reused: bool,
        destination: &'r Destination,
    ) -> Result<Self, Interrupted> {
        let is_http_10 = destination.protocol == EndpointProtocol::Http10;
        let protocols =
            if request.exchange.forwards_body() && !is_http_10 { request.requested_protocols() } else { String::new() };
        let mut head = request.request_head();
        head.remove_all(&CONNECTION_HEADERS);
        if !protocols.is_empty() {
            head.set("Connection", HeaderValue::from_static("upgrade"));
            head.set("Upgrade", HeaderValue::from_str(&protocols).map_err(|_| Failure::Internal)?);
        }
        request.exchange.forward(&request.head.view(), &mut head);
        let body = RequestBody::begin(request.body_framing(), &mut head);
        let output = endpoint.queue();
        let written = if is_http_10 { close(head).write_http_10(output) } else { head.write(output) };
        written.ok_or(Failure::Internal)?;
        let ahead = ReadAhead::new(destination.largest_piece);
        let mut attempt =
            Self { request, endpoint, body, destination, is_http_10, protocols, is_reused, is_heard: false, ahead };
        let read_before = attempt.request.start_body();
        if read_before.is_some() || !attempt.body.is_over() && attempt.request.is_body_taken() {
            attempt.pass_on(read_before)?;
        }
        Ok(attempt)
    }

    /// Gets the response, and passes it on to the client. The connection is handed to `keep` once it has brought all of that,
    /// if it may serve another request.
    pub(super) async fn run(mut self, keep: impl FnOnce(EndpointConnection)) -> Result<Responded, Interrupted> {
        let (head, framing) = self.response_head().await?;
        if head.status == 101 {
            self.switch_protocols(head).await?;
            return Ok(Responded::Switched(self.endpoint));
        }
        // Nothing is passed on of a response whose beginning is malformed already.
        self.endpoint.check_body(framing).map_err(|error| self.broken(&error.into()))?;
        // Who has been asked for an upgrade may switch later than it says.
        let keeps_alive =
            framing != BodyFraming::UntilClose && head.keeps_alive() && self.protocols.is_empty() && !self.is_http_10;
        let is_replayable = self.request.is_replayable();
        if self.request.exchange.response_head(&head, is_replayable).is_break() {
            return Err(Interrupted::Settled);
        }
        let queue = self.queue(&head, framing);
        self.request.write_head(head, framing).await?;
        let keep = |endpoint| {
            if keeps_alive {
                keep(endpoint);
            }
        };
        match queue {
            // Boxed, so that not all requests reserve memory for it.
            Some(queue) => Box::pin(self.forward_queued(framing, &queue, keep)).await?,
            None => {
                self.forward_body(framing, framing == BodyFraming::None).await?;
                if is_free(&self.endpoint, self.body) {
                    keep(self.endpoint);
                }
            }
        }
        Ok(Responded::Whole)
    }

    /// Where the body of the response waits for the client, if it is to. Who responds before it has got all of the request
    /// waits itself: one side at a time reads from the client, and writes to it.
    fn queue(&self, head: &ResponseHead, framing: BodyFraming) -> Option<Box<BodyQueue>> {
        let may_wait = framing != BodyFraming::None && self.body.is_over();
        if may_wait { self.request.exchange.response_queue(head) } else { None }
    }

    /// The final head, after interim ones (1xx) have been passed on, and how its body ends.
    async fn response_head(&mut self) -> Result<(ResponseHead, BodyFraming), Interrupted> {
        loop {
            while let Some(head) = self.take_head().map_err(|error| self.broken(&error.into()))? {
                match head.status.as_u16() {
                    101 if !is_switch_to(&head, &self.protocols) => return Err(self.request.invalid_response().into()),
                    100 | 102..=199 => self.request.forward_interim(head).await?,
                    _ => {
                        let framing = head.framing(&self.request.head.method);
                        return Ok((head, framing.map_err(|error| self.broken(&error.into()))?));
                    }
                }
            }
            if let Heard::End = self.listen().await? {
                return Err(self.broken(&io::Error::from(ErrorKind::UnexpectedEof).into()));
            }
        }
    }

    fn take_head(&mut self) -> Result<Option<ResponseHead>, InvalidHead> {
        self.endpoint.take_head(self.destination.largest_head)
    }

    async fn switch_protocols(&mut self, head: ResponseHead) -> Result<(), Interrupted> {
        let _ = self.request.exchange.response_head(101, false); // no error
        Ok(self.request.write_switch(head).await?)
    }

    async fn forward_body(&mut self, framing: BodyFraming, mut is_ended: bool) -> Result<(), Interrupted> {
        let mut body = BodyFramer::of_answer(framing);
        loop {
            while let Some(piece) = self.endpoint.take_body(&mut body).map_err(|error| self.broken(&error.into()))? {
                is_ended = body.is_done();
                self.request.write_piece(piece, is_ended).await?;
            }
            self.ahead.passed_on();
            if body.is_done() {
                break;
            }
            if let Heard::End = self.listen().await? {
                body.close().map_err(|error| self.broken(&error.into()))?;
            }
        }
        if !is_ended {
            self.request.write_trailers(body.trailers()).await?;
        }
        Ok(())
    }

    /// Passes on the body as fast as the client takes it, while it is read as fast as it comes.
    async fn forward_queued(
        self,
        framing: BodyFraming,
        queue: &BodyQueue,
        keep: impl FnOnce(EndpointConnection),
    ) -> Result<(), Interrupted> {
        let Self { request, mut endpoint, mut body, destination, ahead, .. } = self;
        drop(ahead); // what it has read is the queue's
        let reading = async move {
            let read = read_body(&mut endpoint, &mut body, framing, queue).await;
            if read.is_ok() && is_free(&endpoint, body) {
                keep(endpoint);
            }
            read
        };
        let read = request.write_queued(queue, destination.largest_piece, reading).await?;
        let trailers = read.map_err(|error| broken_off(&error))?;
        Ok(request.write_trailers(trailers).await?)
    }

    /// Waits until something comes of the endpoint, and passes on the request's body meanwhile.
    async fn listen(&mut self) -> Result<Heard, Interrupted> {
        self.request.session.flush().await?;
        loop {
            let Self { request, endpoint, body, ahead, .. } = &mut *self;
            let is_read = body.is_over() || request.is_buffered();
            let turn = match is_read {
                true => Turn::Endpoint,
                false => Turn::Client(request.exchange.settings().client.body_timeout),
            };
            let takes_body = !body.is_over() && !endpoint.is_sending();
            let watches = takes_body || (is_read && request.session.is_watched());
            request.awaits_body = takes_body && !is_read;
            let event = tokio::select! {
                biased;
                progress = endpoint.progress(ahead.room(), turn) => Event::Endpoint(progress),
                piece = request.body_or_gone(!takes_body), if watches => Event::Client(piece),
            };
            match event {
                Event::Endpoint(Ok(Progress::Read(bytes))) => {
                    self.is_heard = true;
                    self.ahead.read(bytes);
                    return Ok(Heard::Something);
                }
                Event::Endpoint(Ok(Progress::Closed)) => return Ok(Heard::End),
                Event::Endpoint(Ok(Progress::Sent)) => {}
                Event::Endpoint(Ok(Progress::ClientLate)) => return Err(Failure::ClientTimeout.into()),
                Event::Endpoint(Ok(Progress::SendFailed)) => {
                    // It may have responded before it stopped reading.
                    self.endpoint.stop_sending();
                    self.body.refuse();
                }
                Event::Endpoint(Err(error)) => return Err(self.broken(&error.into())),
                Event::Client(Ok(piece)) => self.pass_on(piece)?,
                Event::Client(Err(failure)) => return Err(failure.into()),
            }
        }
    }

    /// Passes on a piece of the request's body. `None` is its end.
    fn pass_on(&mut self, piece: Option<Bytes>) -> Result<(), Interrupted> {
        let (piece, is_last) = self.request.take_piece(piece)?;
        self.body.pass_on(&piece, self.endpoint.queue());
        if is_last {
            self.body.end(self.request.trailers().as_ref(), self.endpoint.queue());
        }
        Ok(())
    }

    /// The endpoint has failed.
    fn broken(&self, error: &EndpointError) -> Interrupted {
        tracing::debug!(%error, "an endpoint did not respond");
        Interrupted::Failed(Failure::Upstream {
            fault: error.fault(),
            stale: self.is_reused && !self.is_heard && error.is_cut_off(),
            untouched: false,
            replayable: self.request.is_replayable(),
        })
    }
}

/// What has come of an endpoint.
enum Heard {
    Something,
    End,
}

enum Event {
    Endpoint(io::Result<Progress>),
    Client(Result<Option<Bytes>, Failure>),
}

/// Reads the body of a response into the queue. Returns the trailers behind it.
async fn read_body(
    endpoint: &mut EndpointConnection,
    request_body: &mut RequestBody,
    framing: BodyFraming,
    queue: &BodyQueue,
) -> Result<Option<HeaderMap>, EndpointError> {
    let mut body = BodyFramer::of_answer(framing);
    loop {
        while let Some(piece) = endpoint.take_body(&mut body)? {
            queue.push(&piece).await;
        }
        if body.is_done() {
            return Ok(body.trailers());
        }
        match endpoint.progress(READ, Turn::Endpoint).await? {
            Progress::Closed => body.close()?,
            Progress::SendFailed => {
                endpoint.stop_sending();
                request_body.refuse();
            }
            Progress::Read(_) | Progress::Sent | Progress::ClientLate => {}
        }
    }
}

/// Whether nothing of the request or its response is left on the connection.
fn is_free(endpoint: &EndpointConnection, body: RequestBody) -> bool {
    body.is_done() && endpoint.is_idle()
}

/// The endpoint has failed within its response.
fn broken_off(error: &EndpointError) -> Interrupted {
    tracing::debug!(%error, "a response breaks off");
    Interrupted::Failed(Failure::Upstream { fault: error.fault(), stale: false, untouched: false, replayable: false })
}

/// A head of HTTP/1.0: the connection ends with the response.
fn close(mut head: RequestHead) -> RequestHead {
    head.set("Connection", HeaderValue::from_static("close"));
    head
}

/// Whether a 101 switches to some of the requested protocols, and to nothing else.
fn is_switch_to(head: &ResponseHead, requested: &str) -> bool {
    let is_requested = |chosen: &str| requested.split(", ").any(|protocol| protocol.eq_ignore_ascii_case(chosen));
    let agrees = |value: &[u8]| {
        std::str::from_utf8(value).is_ok_and(|list| list.split(',').all(|chosen| is_requested(chosen.trim())))
    };
    let mut chosen = head.headers.values("upgrade").peekable();
    head.version == Version::HTTP_11 && chosen.peek().is_some() && chosen.all(agrees)
}
