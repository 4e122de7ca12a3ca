use super::{Http1Session, Http2Session};
use crate::connection::BodyFraming;
use crate::exchange::Failure;
use crate::lane::head::ResponseHead;
use bytes::Bytes;
use h2::Reason;
use http::HeaderMap;

/// What has brought a request, and takes its response.
// One of HTTP/1 is what nearly all are: a box for it would only cost.
#[allow(clippy::large_enum_variant)]
pub(in crate::lane) enum ClientSession {
    Http1(Http1Session),
    Http2(Box<Http2Session>),
}

impl ClientSession {
    /// Whether it is a stream of HTTP/2.
    pub(in crate::lane) fn is_http2(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    /// Whether all of the request's body has been taken.
    pub(in crate::lane) fn is_body_done(&self) -> bool {
        match self {
            Self::Http1(session) => session.is_body_done(),
            Self::Http2(session) => session.is_body_done(),
        }
    }

    /// Takes the next piece of the request's body. `None` is its end. Nothing is lost if the future is dropped.
    pub(in crate::lane) async fn read_body(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Http1(session) => session.read_body().await,
            Self::Http2(session) => session.read_body().await,
        }
    }

    /// The trailers of the request, once its body has been taken.
    pub(in crate::lane) fn trailers(&self) -> Option<HeaderMap> {
        match self {
            Self::Http1(session) => session.trailers(),
            Self::Http2(session) => session.trailers(),
        }
    }

    /// Asks the client for the body, if it waits for that.
    pub(in crate::lane) async fn invite_body(&mut self) -> Result<(), Failure> {
        match self {
            Self::Http1(session) => session.invite_body().await,
            Self::Http2(_) => Ok(()),
        }
    }

    /// Whether [`ClientSession::closed`] can tell that the client is gone: nothing of the request is unread.
    pub(in crate::lane) fn is_watched(&self) -> bool {
        self.is_http2() || self.is_body_done()
    }

    /// Waits until the client is gone. What it sends meanwhile stays.
    pub(in crate::lane) async fn closed(&mut self) -> Failure {
        match self {
            Self::Http1(session) => session.closed().await,
            Self::Http2(session) => session.closed().await,
        }
    }

    /// Waits for something, or until the client is gone, where that can be seen.
    pub(in crate::lane) async fn or_gone<T>(&mut self, waited_for: impl Future<Output = T>) -> Result<T, Failure> {
        let is_watched = self.is_watched();
        tokio::select! {
            biased;
            done = waited_for => Ok(done),
            gone = self.closed(), if is_watched => Err(gone),
        }
    }

    /// The connection serves no other request.
    pub(super) fn close_after_response(&mut self) {
        if let Self::Http1(session) = self {
            session.close_after_response();
        }
    }

    /// Writes an interim response (1xx), where the client understands one.
    pub(super) async fn write_interim(&mut self, head: &ResponseHead) -> Result<(), Failure> {
        match self {
            Self::Http1(session) => session.write_interim(head).await,
            Self::Http2(_) => Ok(()), // not every client of HTTP/2 understands one
        }
    }

    /// Writes the head of the response. [`BodyFraming::None`] if that is all of it.
    pub(super) async fn write_head(&mut self, head: &ResponseHead, body: BodyFraming) -> Result<(), Failure> {
        let is_all = body == BodyFraming::None;
        match self {
            Self::Http1(session) => {
                session.write_head(head, body);
                if is_all { session.flush().await } else { Ok(()) }
            }
            Self::Http2(session) => session.write_head(head, is_all),
        }
    }

    /// Writes a piece of the response's body.
    pub(super) async fn write_body(&mut self, piece: Bytes, is_last: bool) -> Result<(), Failure> {
        match self {
            Self::Http1(session) => session.write_body(&piece, is_last).await,
            Self::Http2(session) => session.write_body(piece, is_last).await,
        }
    }

    /// Ends the response, with trailers where the client takes them.
    pub(in crate::lane) async fn write_trailers(&mut self, trailers: HeaderMap) -> Result<(), Failure> {
        match self {
            Self::Http1(session) => session.write_trailers(&trailers).await,
            Self::Http2(session) => session.write_trailers(trailers),
        }
    }

    /// Sends all that has been written. To be called before anything is waited for.
    pub(in crate::lane) async fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Http1(session) => session.flush().await,
            Self::Http2(_) => Ok(()),
        }
    }

    /// Ends the request without a response: the connection is closed, or the stream reset.
    pub(in crate::lane) async fn close(&mut self) {
        match self {
            Self::Http1(session) => session.close().await,
            Self::Http2(session) => session.reset(Reason::INTERNAL_ERROR),
        }
    }
}
