//! One attempt to get a response from an endpoint: the request's body goes there while the response comes back.

use super::RequestHead;
use super::request_body::RequestBody;
use super::response::EndpointError;
use crate::connection::{BodyFramer, BodyFraming};
use crate::exchange::{Destination, EndpointProtocol, Failure, RequestEdits};
use crate::lane::client::ClientRequest;
use crate::lane::endpoint::{EndpointConnection, Interrupted, Progress, ReadAhead, Turn, is_connection_header};
use crate::lane::head::ResponseHead;
use bytes::Bytes;
use http::{HeaderValue, Version};
use std::io::{self, ErrorKind};

/// A request and the connection that it has got.
pub(super) struct Attempt<'r> {
    request: &'r mut ClientRequest,
    endpoint: EndpointConnection,
    body: RequestBody,
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
    /// It has responded, and the client has got it all. The connection, if it may serve another request.
    Whole(Option<EndpointConnection>),
    /// It has switched protocols, and the client has got the 101.
    Switched(EndpointConnection),
}

impl<'r> Attempt<'r> {
    /// Begins to send the request: its head, and what has been read of its body before.
    pub(super) fn new(
        request: &'r mut ClientRequest,
        mut endpoint: EndpointConnection,
        is_reused: bool,
        destination: &Destination,
    ) -> Result<Self, Interrupted> {
        let is_http_10 = destination.protocol == EndpointProtocol::Http10;
        let protocols =
            if request.exchange.forwards_body() && !is_http_10 { request.requested_protocols() } else { String::new() };
        let mut head = request.request_head().ok_or(Failure::Internal)?;
        head.remove_if(|name| is_connection_header(name, &request.head.headers));
        if !protocols.is_empty() {
            head.set("Connection", HeaderValue::from_static("upgrade"));
            head.set("Upgrade", HeaderValue::from_str(&protocols).map_err(|_| Failure::Internal)?);
        }
        request.exchange.forward(&request.head.view(), &mut head);
        let body = RequestBody::begin(request.body_framing(), &mut head);
        let head = if is_http_10 { close(head).encode_http_10() } else { head.encode() };
        endpoint.queue().extend_from_slice(&head.ok_or(Failure::Internal)?);
        let ahead = ReadAhead::new(destination.largest_piece);
        let mut attempt = Self { request, endpoint, body, is_http_10, protocols, is_reused, is_heard: false, ahead };
        let read_before = attempt.request.start_body();
        if read_before.is_some() || !attempt.body.is_over() && attempt.request.is_body_taken() {
            attempt.pass_on(read_before)?;
        }
        Ok(attempt)
    }

    /// Gets the response, and passes it on to the client.
    pub(super) async fn run(mut self) -> Result<Responded, Interrupted> {
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
        if self.request.exchange.response_head(head.status.as_u16(), is_replayable).is_break() {
            return Err(Interrupted::Settled);
        }
        self.request.write_head(head, framing).await?;
        self.forward_body(framing, framing == BodyFraming::None).await?;
        let is_reusable = keeps_alive && self.body.is_done() && self.endpoint.is_idle();
        Ok(Responded::Whole(is_reusable.then_some(self.endpoint)))
    }

    /// The final head, after interim ones (1xx) have been passed on, and how its body ends.
    async fn response_head(&mut self) -> Result<(ResponseHead, BodyFraming), Interrupted> {
        loop {
            while let Some(head) = self.endpoint.take_head().map_err(|error| self.broken(&error.into()))? {
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
    let mut chosen = head.headers.all("upgrade").map(HeaderValue::as_bytes).peekable();
    head.version == Version::HTTP_11 && chosen.peek().is_some() && chosen.all(agrees)
}
