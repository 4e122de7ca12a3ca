//! One attempt to get a response from an endpoint: the request's body goes there while the response comes back.

use super::stream::{Progress, StreamError};
use super::{EndpointStream, Place, RequestHead};
use crate::connection::BodyFraming;
use crate::exchange::{Destination, Failure, RequestEdits, has_body, response_framing};
use crate::lane::endpoint::{BROKEN, Interrupted};
use crate::lane::pingora::fault;
use crate::lane::pingora::session::{ClientRequest, is_watched, view};
use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, StatusCode, Version, header, response};
use pingora_http::ResponseHeader;

/// A request and its stream to an endpoint.
pub(super) struct Attempt<'r> {
    request: &'r mut ClientRequest,
    endpoint: EndpointStream,
    /// Whether all of the request's body has been passed on, or nobody wants the rest.
    is_sent: bool,
    /// The connection has served before.
    is_reused: bool,
    /// Something of the response has come.
    is_heard: bool,
    /// The largest piece of the response that is passed on at a time.
    largest_piece: usize,
}

impl<'r> Attempt<'r> {
    /// Begins to send the request: its head, and what has been read of its body before.
    pub(super) fn new(
        request: &'r mut ClientRequest,
        place: Place,
        is_reused: bool,
        destination: &Destination,
    ) -> Result<Self, Interrupted> {
        let framing = request.body_framing();
        let head = request_head(request, framing);
        let scheme = if destination.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        let head = head.into_request(scheme, destination.address).ok_or(Failure::Internal)?;
        let is_sent = framing == BodyFraming::None;
        let begun = EndpointStream::begin(place, head, is_sent, destination.timeouts);
        let endpoint = begun.map_err(|error| upstream(request, &error, is_reused))?;
        let largest_piece = destination.largest_piece;
        let mut attempt = Self { request, endpoint, is_sent, is_reused, is_heard: false, largest_piece };
        let read_before = attempt.request.read_before();
        if read_before.is_some() || !attempt.is_sent && attempt.request.session.is_body_done() {
            attempt.pass_on(read_before)?;
        }
        Ok(attempt)
    }

    /// Gets the response, and passes it on to the client.
    pub(super) async fn run(mut self) -> Result<(), Interrupted> {
        let (head, is_ended) = self.response_head().await?;
        let framing = self.framing(&head, is_ended)?;
        if self.request.exchange.response_head(head.status.as_u16()).is_break() {
            return Err(Interrupted::Settled);
        }
        let head = self.response_header(head, framing);
        self.request.write_head(head, framing).await?;
        if framing == BodyFraming::None { Ok(()) } else { self.forward_body().await }
    }

    /// The final head, after interim ones (1xx) have been passed on, and whether that is all of the response.
    async fn response_head(&mut self) -> Result<(response::Parts, bool), Interrupted> {
        loop {
            match self.listen().await? {
                // It is for connections of HTTP/1.1.
                Progress::Interim(head) if head.status == StatusCode::SWITCHING_PROTOCOLS => return Err(BROKEN.into()),
                Progress::Interim(head) => self.request.write_interim(Box::new(head.into())).await?,
                Progress::Head(head, is_ended) => return Ok((head, is_ended)),
                _ => return Err(Failure::Internal.into()),
            }
        }
    }

    /// How the end of the response's body is found. [`BodyFraming::None`] if its head is all of it: behind a body without
    /// bytes there may be trailers.
    fn framing(&self, head: &response::Parts, is_ended: bool) -> Result<BodyFraming, Interrupted> {
        let values = |name| head.headers.get_all(name).iter().map(HeaderValue::as_bytes);
        let framing =
            response_framing(Version::HTTP_2, values(header::CONTENT_LENGTH), values(header::TRANSFER_ENCODING));
        let framing = framing.map_err(|_| BROKEN)?;
        let has_body = has_body(&self.request.session.req_header().method, head.status);
        Ok(match framing {
            _ if is_ended || !has_body => BodyFraming::None,
            BodyFraming::None => BodyFraming::Length(0),
            framing => framing,
        })
    }

    fn response_header(&self, head: response::Parts, framing: BodyFraming) -> Box<ResponseHeader> {
        let request = self.request.session.req_header();
        let says_nothing = framing == BodyFraming::None && !head.headers.contains_key(header::CONTENT_LENGTH);
        let is_empty = says_nothing && has_body(&request.method, head.status);
        let mut head = Box::new(ResponseHeader::from(head));
        if is_empty && request.version != Version::HTTP_2 {
            let _ = head.insert_header(header::CONTENT_LENGTH, 0);
        }
        head
    }

    /// Passes the body on. h2 sees to it that it has the length that its head says.
    async fn forward_body(&mut self) -> Result<(), Interrupted> {
        loop {
            match self.listen().await? {
                Progress::Data(piece, is_last) => {
                    self.forward_piece(piece, is_last).await?;
                    if is_last {
                        return Ok(());
                    }
                }
                Progress::End(trailers) => return self.end(trailers).await,
                _ => return Err(Failure::Internal.into()),
            }
        }
    }

    async fn forward_piece(&mut self, mut rest: Bytes, is_last: bool) -> Result<(), Interrupted> {
        loop {
            let piece = rest.split_to(rest.len().min(self.largest_piece));
            let bytes = piece.len();
            self.request.write_piece(piece, is_last && rest.is_empty()).await?;
            self.endpoint.taken(bytes);
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    async fn end(&mut self, trailers: Option<HeaderMap>) -> Result<(), Interrupted> {
        match trailers {
            Some(trailers) if self.request.session.is_http2() => self.request.write_trailers(trailers).await,
            _ => self.request.write_piece(Bytes::new(), true).await,
        }
    }

    /// Waits until something comes of the endpoint, and passes on the request's body meanwhile.
    async fn listen(&mut self) -> Result<Progress, Interrupted> {
        loop {
            let Self { request, endpoint, is_sent, .. } = &mut *self;
            let takes_body = !*is_sent && !endpoint.is_sending();
            let watches = takes_body || (*is_sent && is_watched(&mut request.session));
            let event = tokio::select! {
                biased;
                progress = endpoint.progress() => Event::Endpoint(progress),
                piece = request.session.read_body_or_idle(!takes_body), if watches => Event::Client(piece),
            };
            match event {
                Event::Endpoint(Ok(Progress::Sent)) => {}
                // It may have responded before it took no more.
                Event::Endpoint(Ok(Progress::SendFailed)) => self.is_sent = true,
                Event::Endpoint(Ok(progress)) => {
                    self.is_heard = true;
                    return Ok(progress);
                }
                Event::Endpoint(Err(error)) => return Err(self.broken(&error)),
                Event::Client(Ok(piece)) => self.pass_on(piece)?,
                Event::Client(Err(error)) => return Err(fault::of_client(&error).into()),
            }
        }
    }

    /// Passes on a piece of the request's body. `None` is its end.
    fn pass_on(&mut self, piece: Option<Bytes>) -> Result<(), Interrupted> {
        let (piece, is_last) = self.request.take_piece(piece)?;
        self.is_sent = is_last;
        self.endpoint.send(piece, is_last);
        Ok(())
    }

    /// The endpoint has failed.
    fn broken(&self, error: &StreamError) -> Interrupted {
        upstream(self.request, error, self.is_reused && !self.is_heard)
    }
}

enum Event {
    Endpoint(Result<Progress, StreamError>),
    Client(pingora_core::Result<Option<Bytes>>),
}

/// The head for the endpoint, which says of the body what was understood.
fn request_head(request: &ClientRequest, framing: BodyFraming) -> RequestHead {
    let original = request.session.req_header();
    let mut head = RequestHead::new(original);
    match framing {
        BodyFraming::Length(length) => head.set("content-length", length.into()),
        BodyFraming::None if head.has(&header::CONTENT_LENGTH) => head.set("content-length", 0.into()),
        BodyFraming::None => {}
        BodyFraming::Chunked | BodyFraming::UntilClose => head.remove(&header::CONTENT_LENGTH),
    }
    request.exchange.forward(&view(original), &mut head);
    head
}

/// What an error of the endpoint's is to the exchange. `is_stale` if its connection has served before, and nothing has come
/// of the response.
fn upstream(request: &ClientRequest, error: &StreamError, is_stale: bool) -> Interrupted {
    tracing::debug!(%error, "an endpoint of HTTP/2 did not respond");
    let session = &request.session;
    let is_unprocessed = error.is_unprocessed();
    let is_repeatable = is_unprocessed || fault::is_repeatable(&session.req_header().method);
    Interrupted::Failed(Failure::Upstream {
        timed_out: error.is_timeout(),
        stale: is_unprocessed || is_stale && error.is_cut_off(),
        replayable: is_repeatable && !session.retry_buffer_truncated(),
    })
}
