//! One request's stream on a connection to an endpoint.

use super::Place;
use crate::config::Timeouts;
use crate::exchange::{Failure, UpstreamFault};
use crate::lane::client::poll_room;
use crate::lane::endpoint::{Patience, is_cut_off};
use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, response};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A stream. If it is dropped before its end, the endpoint is told so.
pub(super) struct EndpointStream {
    response: Response,
    body: SendStream<Bytes>,
    /// What of the request's body is to be sent, and whether it is the last of it.
    output: Option<(Bytes, bool)>,
    /// What comes behind the last of it.
    trailers: Option<HeaderMap>,
    timeouts: Timeouts,
    patience: Patience,
    // Last, so that the stream has ended when its place is free.
    place: Place,
}

enum Response {
    Head(ResponseFuture),
    Body(RecvStream),
}

/// What has come of a stream.
#[derive(Debug)]
pub(super) enum Progress {
    /// An interim response (1xx).
    Interim(response::Parts),
    /// The head of the response, and whether that is all of it.
    Head(response::Parts, bool),
    /// A piece of its body, and whether that is the end of the response. The endpoint may send as much again once it is
    /// [taken](EndpointStream::taken).
    Data(Bytes, bool),
    /// Its end, with its trailers.
    End(Option<HeaderMap>),
    /// All of the output is sent.
    Sent,
    /// The endpoint takes no more output.
    SendFailed,
}

/// Why there is no response, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    #[error(transparent)]
    H2(#[from] h2::Error),
    #[error("nothing moves")]
    Timeout,
}

impl StreamError {
    /// What it says of the endpoint. As in nginx, a stream that is reset is no broken connection; nor is one that h2 gave up,
    /// since what the endpoint has sent violates HTTP/2.
    fn fault(&self) -> UpstreamFault {
        match self {
            Self::Timeout => UpstreamFault::TimedOut,
            Self::H2(error) if error.is_io() || self.is_unprocessed() => UpstreamFault::Closed,
            Self::H2(_) => UpstreamFault::Invalid,
        }
    }

    /// Whether the endpoint has certainly not processed the request (RFC 9113, section 8.7): it refused the stream, or its
    /// GOAWAY has an earlier one as its last stream. h2 reports a GOAWAY only to streams after that one.
    fn is_unprocessed(&self) -> bool {
        let Self::H2(error) = self else { return false };
        error.is_remote() && (error.is_go_away() || error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM))
    }

    /// What it is to the exchange. `is_stale` if the connection has served before, and nothing has come of the response;
    /// `replayable` if the request can be sent again.
    pub(super) fn failure(&self, is_stale: bool, replayable: bool) -> Failure {
        let untouched = self.is_unprocessed();
        let stale = untouched || is_stale && self.is_cut_off();
        Failure::Upstream { fault: self.fault(), stale, untouched, replayable }
    }

    /// Whether the connection was closed.
    fn is_cut_off(&self) -> bool {
        matches!(self, Self::H2(error) if error.get_io().is_some_and(is_cut_off))
    }
}

impl EndpointStream {
    /// Sends the head of a request, and with it the end of the request unless a body follows.
    pub(super) fn begin(
        place: Place,
        request: Request<()>,
        is_ended: bool,
        timeouts: Timeouts,
    ) -> Result<Self, StreamError> {
        let (response, body) = place.send(request, is_ended)?;
        let response = Response::Head(response);
        Ok(Self { response, body, output: None, trailers: None, timeouts, patience: Patience::default(), place })
    }

    /// Whether there is something left to send.
    pub(super) fn is_sending(&self) -> bool {
        self.output.is_some()
    }

    /// Sends a piece of the request's body. To be called when nothing is left to send. A piece without bytes is not sent
    /// where more follows: endpoints put up with few such frames, and close the connection of all for one client.
    /// Behind the last piece go the trailers.
    pub(super) fn send(&mut self, piece: Bytes, is_last: bool, trailers: Option<HeaderMap>) {
        self.trailers = trailers;
        self.output = (is_last || !piece.is_empty()).then_some((piece, is_last));
        self.patience.renew();
    }

    /// So many bytes of the response's body have been passed on.
    pub(super) fn taken(&mut self, bytes: usize) {
        if let Response::Body(body) = &mut self.response {
            let _ = body.flow_control().release_capacity(bytes); // fails only for more than has come
        }
    }

    /// Waits for what comes of the endpoint and sends the output, whichever can be done first. Nothing may move for
    /// `proxy-read-timeout`, or where there is output for `proxy-send-timeout`. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// The stream or its connection failed, or the endpoint took too long.
    pub(super) async fn progress(&mut self) -> Result<Progress, StreamError> {
        poll_fn(|cx| self.poll_progress(cx)).await
    }

    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Result<Progress, StreamError>> {
        // What it has sent comes first: it may respond without waiting for the whole request.
        if let Poll::Ready(received) = self.poll_receive(cx) {
            self.patience.renew();
            return Poll::Ready(Ok(received?));
        }
        if self.is_sending()
            && let Poll::Ready(sent) = self.poll_send(cx)
        {
            self.patience.renew();
            self.output = None;
            return Poll::Ready(Ok(sent.map_or(Progress::SendFailed, |()| Progress::Sent)));
        }
        let time = if self.is_sending() { self.timeouts.send } else { self.timeouts.read };
        ready!(self.patience.poll(time, cx));
        self.place.retire_connection();
        Poll::Ready(Err(StreamError::Timeout))
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Progress, h2::Error>> {
        match &mut self.response {
            Response::Head(response) => {
                if let Some(interim) = ready!(response.poll_informational(cx)) {
                    return Poll::Ready(interim.map(|interim| Progress::Interim(interim.into_parts().0)));
                }
                let (head, body) = ready!(Pin::new(response).poll(cx))?.into_parts();
                let is_ended = body.is_end_stream();
                self.response = Response::Body(body);
                Poll::Ready(Ok(Progress::Head(head, is_ended)))
            }
            Response::Body(body) => match ready!(body.poll_data(cx)) {
                Some(piece) => Poll::Ready(piece.map(|piece| Progress::Data(piece, body.is_end_stream()))),
                None => Poll::Ready(ready!(body.poll_trailers(cx)).map(Progress::End)),
            },
        }
    }

    /// Sends as much of the output as the endpoint takes, to its end.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamClosed>> {
        while let Some((piece, is_last)) = &mut self.output {
            let part = piece.split_to(match piece.len() {
                0 => 0,
                length => length.min(ready!(poll_room(&mut self.body, length, cx)).ok_or(StreamClosed)?),
            });
            let is_over = piece.is_empty();
            let is_end = *is_last && is_over;
            self.body.send_data(part, is_end && self.trailers.is_none()).map_err(|_| StreamClosed)?;
            if let Some(trailers) = self.trailers.take_if(|_| is_end) {
                self.body.send_trailers(trailers).map_err(|_| StreamClosed)?;
            }
            self.patience.renew();
            if is_over {
                self.output = None;
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The endpoint takes no more of the request.
struct StreamClosed;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::http2::EndpointConnection;
    use h2::server::{self, SendResponse};
    use http::Response;
    use std::sync::Arc;
    use tokio::io::duplex;

    /// A stream whose request has a body, to an endpoint that does this with it, and its connection.
    async fn stream<A>(answer: A) -> (EndpointStream, Arc<EndpointConnection>)
    where
        A: FnOnce(&mut SendResponse<Bytes>) -> Result<(), h2::Error> + Send + 'static,
    {
        let (io, endpoint) = duplex(1 << 20);
        tokio::spawn(async move {
            let mut streams = server::handshake(endpoint).await?;
            let Some(stream) = streams.accept().await else { return Ok(()) };
            let (request, mut respond) = stream?;
            answer(&mut respond)?;
            while streams.accept().await.is_some() {}
            drop((request, respond)); // they are kept until now
            Ok::<_, h2::Error>(())
        });
        let connection = EndpointConnection::open(io).await.expect("HTTP/2");
        let request = Request::post("http://h/").body(()).expect("a request");
        let place = connection.place().expect("a place");
        (EndpointStream::begin(place, request, false, Timeouts::default()).expect("a stream"), connection)
    }

    #[tokio::test]
    async fn all_parts_of_a_response_come_in_their_order() {
        let (mut stream, _) = stream(|respond| {
            let head = |status: u16| Response::builder().status(status).body(()).expect("a head");
            respond.send_informational(head(103))?;
            let mut body = respond.send_response(head(200), false)?;
            body.send_data(Bytes::from_static(b"ab"), false)?;
            body.send_trailers([(http::header::ETAG, http::HeaderValue::from_static("1"))].into_iter().collect())
        })
        .await;
        assert!(matches!(stream.progress().await, Ok(Progress::Interim(head)) if head.status == 103));
        assert!(matches!(stream.progress().await, Ok(Progress::Head(head, false)) if head.status == 200));
        assert!(matches!(stream.progress().await, Ok(Progress::Data(data, false)) if data == "ab"));
        assert!(matches!(stream.progress().await, Ok(Progress::End(Some(trailers))) if trailers.len() == 1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_may_be_silent_and_gets_no_other_request_then() {
        let (mut stream, connection) = stream(|_| Ok(())).await;
        assert!(connection.is_open());
        assert_eq!(stream.progress().await.expect_err("silence").fault(), UpstreamFault::TimedOut);
        assert!(!connection.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_takes_nothing_is_too_slow() {
        let (mut stream, _) = stream(|_| Ok(())).await;
        stream.send(Bytes::new(), false, None);
        assert!(!stream.is_sending(), "an empty piece is no frame");
        stream.send(Bytes::from_static(b"a"), false, None);
        assert!(matches!(stream.progress().await, Ok(Progress::Sent)));
        stream.send(vec![0; 1 << 20].into(), true, None);
        assert_eq!(stream.progress().await.expect_err("no room").fault(), UpstreamFault::TimedOut);
        assert!(stream.is_sending());
    }

    #[tokio::test]
    async fn what_was_refused_was_not_processed() {
        for (reason, is_unprocessed, fault) in [
            (Reason::REFUSED_STREAM, true, UpstreamFault::Closed),
            (Reason::INTERNAL_ERROR, false, UpstreamFault::Invalid),
        ] {
            let (mut stream, _) = stream(move |respond| {
                respond.send_reset(reason);
                Ok(())
            })
            .await;
            let error = stream.progress().await.expect_err("a reset");
            assert_eq!((error.is_unprocessed(), error.fault()), (is_unprocessed, fault));
        }
    }
}
