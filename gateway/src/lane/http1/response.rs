//! The responses of HTTP/1.1 that come over a connection.

use crate::connection::{BodyFramer, BodyFraming, MalformedBody};
use crate::exchange::{InvalidHead, UpstreamFault};
use crate::lane::endpoint::{self, EndpointConnection};
use crate::lane::head::ResponseHead;
use bytes::Bytes;
use std::io::{self, ErrorKind};

/// Why there is no response, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum EndpointError {
    /// The connection failed, was closed, or timed out.
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Head(#[from] InvalidHead),
    #[error(transparent)]
    Body(#[from] MalformedBody),
}

impl EndpointError {
    /// What it says of the endpoint.
    pub(super) fn fault(&self) -> UpstreamFault {
        match self {
            Self::Io(error) if error.kind() == ErrorKind::TimedOut => UpstreamFault::TimedOut,
            Self::Io(_) => UpstreamFault::Closed,
            Self::Head(_) | Self::Body(_) => UpstreamFault::Invalid,
        }
    }

    /// Whether the connection was closed.
    pub(super) fn is_cut_off(&self) -> bool {
        matches!(self, Self::Io(error) if endpoint::is_cut_off(error))
    }
}

impl EndpointConnection {
    /// Takes the next response head of up to `largest` bytes, which may be an interim one (1xx), from what has been read. `None`
    /// if it is not complete.
    ///
    /// # Errors
    /// It is malformed or too large.
    pub(super) fn take_head(&mut self, largest: usize) -> Result<Option<ResponseHead>, InvalidHead> {
        if self.input().is_empty() { Ok(None) } else { ResponseHead::take(self.input(), largest) }
    }

    /// Checks what has been read of a response body.
    ///
    /// # Errors
    /// The body is malformed.
    pub(super) fn check_body(&mut self, framing: BodyFraming) -> Result<(), MalformedBody> {
        BodyFramer::of_answer(framing).take(self.input()).map(|_| ())
    }

    /// Takes the next piece of a response body from what has been read. `None` if the body has ended, or more has to be
    /// read.
    ///
    /// # Errors
    /// The body is malformed.
    pub(super) fn take_body(&mut self, body: &mut BodyFramer) -> Result<Option<Bytes>, MalformedBody> {
        let piece = body.decode(self.input())?;
        self.settle_input();
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Timeouts;
    use crate::exchange::MAX_RESPONSE_HEAD;
    use crate::lane::endpoint::{Progress, READ, Turn};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    async fn head(connection: &mut EndpointConnection) -> ResponseHead {
        loop {
            if let Some(head) = connection.take_head(MAX_RESPONSE_HEAD).expect("a head") {
                return head;
            }
            assert!(matches!(connection.progress(READ, Turn::Endpoint).await, Ok(Progress::Read(_))));
        }
    }

    #[tokio::test]
    async fn a_response_is_read_to_its_end() {
        let (io, mut endpoint) = duplex(64);
        let mut connection = EndpointConnection::new(Box::new(io), Timeouts::default());
        let serve = async {
            let mut request = [0; 3];
            endpoint.read_exact(&mut request).await.expect("a request");
            for piece in ["HTTP/1.1 103 x\r\n\r\nHTTP/1", ".1 200 OK\r\n\r\na", "b"] {
                endpoint.write_all(piece.as_bytes()).await.expect("room for it");
                tokio::task::yield_now().await;
            }
            drop(endpoint);
            request
        };
        let ask = async {
            connection.queue().extend_from_slice(b"GET");
            assert_eq!(connection.progress(READ, Turn::Endpoint).await.expect("sent"), Progress::Sent);
            let statuses = [head(&mut connection).await.status, head(&mut connection).await.status];
            let (mut body, mut data) = (BodyFramer::of_answer(BodyFraming::UntilClose), Vec::new());
            while connection.progress(READ, Turn::Endpoint).await.expect("a body") != Progress::Closed {
                data.extend_from_slice(&connection.take_body(&mut body).expect("sound").unwrap_or_default());
            }
            (statuses.map(|status| status.as_u16()), data)
        };
        let (request, response) = tokio::join!(serve, ask);
        assert_eq!((request, response), (*b"GET", ([103, 200], b"ab".to_vec())));
    }
}
