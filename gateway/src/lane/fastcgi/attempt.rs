//! One attempt to get a response from a program: the request's body goes there while the response comes back.

use super::response::{Response, ResponseError};
use crate::buffer::BodyQueue;
use crate::connection::BodyFraming;
use crate::exchange::{Destination, Failure, RequestEdits, has_body, response_framing};
use crate::fastcgi::{CgiHead, InvalidCgiHead, begin_request, end_input, params, standard_input};
use crate::lane::client::ClientRequest;
use crate::lane::endpoint::{
    EndpointConnection, Interrupted, Progress, READ, ReadAhead, Turn, without_connection_headers,
};
use crate::lane::head::ResponseHead;
use bytes::Bytes;
use http::{Version, header};
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;

/// A request and the connection to a program that it has got.
pub(super) struct Attempt<'r> {
    request: &'r mut ClientRequest,
    endpoint: EndpointConnection,
    response: Response,
    /// Whether all of the request's body has been passed on, or nobody wants the rest.
    is_sent: bool,
    ahead: ReadAhead,
    /// The largest piece of the response that is passed on at a time.
    largest_piece: usize,
}

impl<'r> Attempt<'r> {
    /// Begins to send the request: its params, and what has been read of its body before.
    pub(super) fn new(
        request: &'r mut ClientRequest,
        mut endpoint: EndpointConnection,
        destination: &Destination,
    ) -> Result<Self, Interrupted> {
        let framing = request.body_framing();
        let ClientRequest { head, exchange, .. } = &mut *request;
        let mut headers = without_connection_headers(&head.headers);
        let length = match framing {
            BodyFraming::Length(length) => Some(length),
            _ => headers.contains_key(header::CONTENT_LENGTH).then_some(0),
        };
        if let Some(length) = length {
            headers.set("Content-Length", length.into());
        }
        exchange.forward(&head.view(), &mut headers);
        let ControlFlow::Continue(all) = exchange.fastcgi_params(&head.view(), &headers, length) else {
            return Err(Interrupted::Settled);
        };
        let output = endpoint.queue();
        begin_request(output);
        params(&all, output);
        let is_sent = framing == BodyFraming::None;
        if is_sent {
            end_input(output);
        }
        let largest_piece = destination.largest_piece;
        let (response, ahead) = (Response::new(destination.address), ReadAhead::new(largest_piece));
        let mut attempt = Self { request, endpoint, response, is_sent, ahead, largest_piece };
        if !is_sent {
            let read_before = attempt.request.start_body();
            if read_before.is_some() || attempt.request.is_body_taken() {
                attempt.pass_on(read_before)?;
            }
        }
        Ok(attempt)
    }

    /// Gets the response, and passes it on to the client.
    pub(super) async fn run(mut self) -> Result<(), Interrupted> {
        let (head, start) = self.response_head().await?;
        let framing = self.framing(&head)?;
        let is_replayable = self.request.is_replayable();
        let head = ResponseHead::of_program(head);
        if self.request.exchange.response_head(&head, is_replayable).is_break() {
            return Err(Interrupted::Settled);
        }
        let queue = self.queue(&head, framing);
        self.request.write_head(head, framing).await?;
        let length = match framing {
            BodyFraming::None => return Ok(()), // what else comes is nobody's
            BodyFraming::Length(length) => Some(length),
            BodyFraming::Chunked | BodyFraming::UntilClose => None,
        };
        match queue {
            Some(queue) => self.forward_queued(start, length, &queue).await,
            None => self.forward_body(start, length).await,
        }
    }

    /// Where the body of the response waits for the client, if it is to. Who responds before it has got all of the request
    /// waits itself.
    fn queue(&self, head: &ResponseHead, framing: BodyFraming) -> Option<Box<BodyQueue>> {
        let may_wait = framing != BodyFraming::None && self.is_sent;
        if may_wait { self.request.exchange.response_queue(head) } else { None }
    }

    /// The head, and the start of the body.
    async fn response_head(&mut self) -> Result<(CgiHead, Bytes), Interrupted> {
        loop {
            if let Some(head) = self.response.take_head(self.endpoint.input()).map_err(|error| self.broken(&error))? {
                return Ok(head);
            }
            self.listen().await?;
        }
    }

    /// How the end of the body is found: by its length, or where the program says so.
    fn framing(&self, head: &CgiHead) -> Result<BodyFraming, Interrupted> {
        let none = std::iter::empty();
        let framing = response_framing(Version::HTTP_11, head.all("content-length"), none)
            .map_err(|_| self.broken(&InvalidCgiHead::Malformed.into()))?;
        let has_body = has_body(&self.request.head.method, head.status);
        Ok(if has_body { framing } else { BodyFraming::None })
    }

    /// Passes the body on: up to its length, as nginx, or to its end.
    async fn forward_body(&mut self, start: Bytes, length: Option<u64>) -> Result<(), Interrupted> {
        let (mut next, mut left) = (Some(start), length);
        loop {
            while let Some(piece) = next {
                let (piece, is_last) = cut(piece, &mut left);
                if is_last || !piece.is_empty() {
                    self.request.write_piece(piece, is_last).await?;
                }
                if is_last {
                    return Ok(());
                }
                next = self.take_output()?;
            }
            self.ahead.passed_on();
            self.endpoint.settle_input();
            if self.response.is_done() {
                break;
            }
            self.listen().await?;
            next = self.take_output()?;
        }
        match left {
            None => Ok(self.request.write_piece(Bytes::new(), true).await?),
            Some(_) => Err(self.broken(&ResponseError::Short)),
        }
    }

    /// The same as fast as the client takes it, while it is read as fast as it comes.
    async fn forward_queued(self, start: Bytes, length: Option<u64>, queue: &BodyQueue) -> Result<(), Interrupted> {
        let Self { request, endpoint, response, ahead, largest_piece, .. } = self;
        drop(ahead); // what it has read is the queue's
        let reading = read_body(endpoint, response, start, length, queue);
        if let Err(error) = request.write_queued(queue, largest_piece, reading).await? {
            return Err(broken(request, &error));
        }
        Ok(request.write_piece(Bytes::new(), true).await?)
    }

    fn take_output(&mut self) -> Result<Option<Bytes>, Interrupted> {
        self.response.take_output(self.endpoint.input()).map_err(|error| self.broken(&error))
    }

    /// Waits until something comes of the program, and passes on the request's body meanwhile.
    async fn listen(&mut self) -> Result<(), Interrupted> {
        self.request.session.flush().await?;
        loop {
            let Self { request, endpoint, is_sent, ahead, .. } = &mut *self;
            let comes_from_client = !*is_sent && !request.is_buffered();
            let turn = match comes_from_client {
                true => Turn::Client(request.exchange.settings().client.body_timeout),
                false => Turn::Endpoint,
            };
            let takes_body = !*is_sent && !endpoint.is_sending();
            let watches = takes_body || (!comes_from_client && request.session.is_watched());
            request.awaits_body = takes_body && comes_from_client;
            let event = tokio::select! {
                biased;
                progress = endpoint.progress(ahead.room(), turn) => Event::Endpoint(progress),
                piece = request.body_or_gone(!takes_body), if watches => Event::Client(piece),
            };
            match event {
                Event::Endpoint(Ok(Progress::Read(bytes))) => {
                    self.ahead.read(bytes);
                    return Ok(());
                }
                // It says so first when it has responded.
                Event::Endpoint(Ok(Progress::Closed)) => {
                    return Err(self.broken(&io::Error::from(ErrorKind::UnexpectedEof).into()));
                }
                Event::Endpoint(Ok(Progress::Sent)) => {}
                Event::Endpoint(Ok(Progress::ClientLate)) => return Err(Failure::ClientTimeout.into()),
                Event::Endpoint(Ok(Progress::SendFailed)) => {
                    // It may have responded before it stopped reading.
                    self.endpoint.stop_sending();
                    self.is_sent = true;
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
        let output = self.endpoint.queue();
        standard_input(&piece, output);
        if is_last {
            end_input(output);
        }
        self.is_sent = is_last;
        Ok(())
    }

    /// The program has failed.
    fn broken(&self, error: &ResponseError) -> Interrupted {
        broken(self.request, error)
    }
}

fn broken(request: &ClientRequest, error: &ResponseError) -> Interrupted {
    tracing::debug!(%error, "a FastCGI program did not respond");
    let (fault, replayable) = (error.fault(), request.is_replayable());
    Failure::Upstream { fault, stale: false, untouched: false, replayable }.into()
}

/// Reads the body of a response into the queue, up to its length or its end. The connection ends with that.
async fn read_body(
    mut endpoint: EndpointConnection,
    mut response: Response,
    start: Bytes,
    length: Option<u64>,
    queue: &BodyQueue,
) -> Result<(), ResponseError> {
    let (mut next, mut left) = (Some(start), length);
    loop {
        while let Some(piece) = next {
            let (piece, is_last) = cut(piece, &mut left);
            queue.push(&piece).await;
            if is_last {
                return Ok(());
            }
            next = response.take_output(endpoint.input())?;
        }
        endpoint.settle_input();
        if response.is_done() {
            return if left.is_none() { Ok(()) } else { Err(ResponseError::Short) };
        }
        match endpoint.progress(READ, Turn::Endpoint).await? {
            Progress::Closed => return Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
            Progress::SendFailed => endpoint.stop_sending(),
            Progress::Read(_) | Progress::Sent | Progress::ClientLate => {}
        }
        next = response.take_output(endpoint.input())?;
    }
}

/// What of a piece belongs to a body of which so much is `left`, if its length is known, and whether that is its end.
fn cut(mut piece: Bytes, left: &mut Option<u64>) -> (Bytes, bool) {
    let Some(left) = left else { return (piece, false) };
    piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
    *left -= piece.len() as u64;
    (piece, *left == 0)
}

enum Event {
    Endpoint(io::Result<Progress>),
    Client(Result<Option<Bytes>, Failure>),
}
