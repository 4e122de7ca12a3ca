//! One attempt to get a response from an endpoint: the request's body goes there while the response comes back.

use super::stream::{Progress, StreamError};
use super::{EndpointStream, Place, RequestHead};
use crate::connection::BodyFraming;
use crate::exchange::{Destination, Failure, InvalidHead, RequestEdits, ResponseEdits, has_body, response_framing};
use crate::lane::client::ClientRequest;
use crate::lane::endpoint::Interrupted;
use crate::lane::head::ResponseHead;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, Version, header, response};

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
        let head = head.into_request(destination.scheme(), destination.address).ok_or(Failure::Internal)?;
        let is_sent = framing == BodyFraming::None;
        let begun = EndpointStream::begin(place, head, is_sent, destination.timeouts);
        let endpoint = begun.map_err(|error| upstream(request, &error, is_reused))?;
        let largest_piece = destination.largest_piece;
        let mut attempt = Self { request, endpoint, is_sent, is_reused, is_heard: false, largest_piece };
        let read_before = attempt.request.start_body();
        if read_before.is_some() || !attempt.is_sent && attempt.request.is_body_taken() {
            attempt.pass_on(read_before)?;
        }
        Ok(attempt)
    }

    /// Gets the response, and passes it on to the client.
    pub(super) async fn run(mut self) -> Result<(), Interrupted> {
        let (head, is_ended) = self.response_head().await?;
        let framing = self.framing(&head, is_ended)?;
        let is_replayable = self.request.is_replayable();
        if self.request.exchange.response_head(&head, is_replayable).is_break() {
            return Err(Interrupted::Settled);
        }
        let head = self.client_head(head, framing)?;
        self.request.write_head(head, framing).await?;
        if framing == BodyFraming::None { Ok(()) } else { self.forward_body().await }
    }

    /// The final head, after interim ones (1xx) have been passed on, and whether that is all of the response.
    async fn response_head(&mut self) -> Result<(response::Parts, bool), Interrupted> {
        loop {
            match self.listen().await? {
                // It is for connections of HTTP/1.1.
                Progress::Interim(head) if head.status == StatusCode::SWITCHING_PROTOCOLS => {
                    return Err(self.request.invalid_response().into());
                }
                Progress::Interim(head) => self.request.forward_interim(ResponseHead::of_stream(head)?).await?,
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
        let framing = framing.map_err(|_| self.request.invalid_response())?;
        let has_body = has_body(&self.request.head.method, head.status);
        Ok(match framing {
            _ if is_ended || !has_body => BodyFraming::None,
            BodyFraming::None => BodyFraming::Length(0),
            framing => framing,
        })
    }

    /// The head for the client: one of HTTP/1 has to be told that the body is empty.
    fn client_head(&self, head: response::Parts, framing: BodyFraming) -> Result<ResponseHead, InvalidHead> {
        let request = &self.request.head;
        let mut head = ResponseHead::of_stream(head)?;
        let says_nothing = framing == BodyFraming::None && !head.has_length();
        if says_nothing && has_body(&request.method, head.status) && request.version != Version::HTTP_2 {
            head.set("Content-Length", 0.into());
        }
        Ok(head)
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
                Progress::End(trailers) => return Ok(self.request.write_trailers(trailers).await?),
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

    /// Waits until something comes of the endpoint, and passes on the request's body meanwhile.
    async fn listen(&mut self) -> Result<Progress, Interrupted> {
        self.request.session.flush().await?;
        loop {
            let Self { request, endpoint, is_sent, .. } = &mut *self;
            let takes_body = !*is_sent && !endpoint.is_sending();
            let watches = takes_body || ((*is_sent || request.is_buffered()) && request.session.is_watched());
            request.awaits_body = takes_body && !request.is_buffered();
            let event = tokio::select! {
                biased;
                progress = endpoint.progress() => Event::Endpoint(progress),
                piece = request.body_or_gone(!takes_body), if watches => Event::Client(piece),
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
                Event::Client(Err(failure)) => return Err(failure.into()),
            }
        }
    }

    /// Passes on a piece of the request's body. `None` is its end.
    fn pass_on(&mut self, piece: Option<Bytes>) -> Result<(), Interrupted> {
        let (piece, is_last) = self.request.take_piece(piece)?;
        self.is_sent = is_last;
        let trailers = if is_last { self.request.trailers() } else { None };
        self.endpoint.send(piece, is_last, trailers);
        Ok(())
    }

    /// The stream has failed: by the endpoint, unless it waits for the client.
    fn broken(&self, error: &StreamError) -> Interrupted {
        match error {
            StreamError::Timeout => self.request.late().into(),
            StreamError::H2(_) => upstream(self.request, error, self.is_reused && !self.is_heard),
        }
    }
}

enum Event {
    Endpoint(Result<Progress, StreamError>),
    Client(Result<Option<Bytes>, Failure>),
}

/// The head for the endpoint, which says of the body what was understood.
fn request_head(request: &ClientRequest, framing: BodyFraming) -> RequestHead {
    let mut head = RequestHead::new(&request.head);
    match framing {
        BodyFraming::Length(length) => head.set("content-length", length.into()),
        BodyFraming::None if head.has(&header::CONTENT_LENGTH) => head.set("content-length", 0.into()),
        BodyFraming::None => {}
        BodyFraming::Chunked | BodyFraming::UntilClose => head.remove(&header::CONTENT_LENGTH),
    }
    request.exchange.forward(&request.head.view(), &mut head);
    head
}

/// What an error of the endpoint's is to the exchange. `is_stale` if its connection has served before, and nothing has come
/// of the response.
fn upstream(request: &ClientRequest, error: &StreamError, is_stale: bool) -> Interrupted {
    tracing::debug!(%error, "an endpoint of HTTP/2 did not respond");
    error.failure(is_stale, request.is_replayable()).into()
}
