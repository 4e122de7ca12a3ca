//! A connection to an endpoint.

use super::ResponseHead;
use crate::config::Timeouts;
use crate::connection::{BodyFramer, MalformedBody};
use crate::exchange::{Destination, InvalidHead};
use crate::relay::{self, read_some};
use crate::tls::backend;
use bytes::{Bytes, BytesMut};
use std::fmt::Debug;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// TCP, or TLS over it.
pub(in crate::lane) trait Transport: AsyncRead + AsyncWrite + Debug + Unpin + Send + Sync {}

impl<T: AsyncRead + AsyncWrite + Debug + Unpin + Send + Sync> Transport for T {}

pub(in crate::lane) type Io = Box<dyn Transport>;

/// A connection to an endpoint for one request. It holds no buffer while it waits.
#[derive(Debug)]
pub(in crate::lane) struct EndpointConnection {
    io: Io,
    /// Bytes that have been read and not decoded yet.
    buffer: BytesMut,
    timeouts: Timeouts,
}

/// Why there is no response, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(in crate::lane) enum EndpointError {
    /// The connection failed, was closed, or timed out.
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Head(#[from] InvalidHead),
    #[error(transparent)]
    Body(#[from] MalformedBody),
}

impl EndpointError {
    pub(in crate::lane) fn is_timeout(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == ErrorKind::TimedOut)
    }
}

impl EndpointConnection {
    /// Connects to an endpoint. The TLS handshake has the same timeout as TCP's, as in nginx.
    pub(in crate::lane) async fn connect(destination: &Destination) -> io::Result<Self> {
        let timeouts = destination.timeouts;
        let tcp = relay::connect(destination.address, timeouts.connect, timeouts.send.max(timeouts.read)).await?;
        let io: Io = match &destination.tls {
            Some(tls) => {
                let (settings, name) = (tls.settings.as_deref(), tls.server_name.as_deref());
                let secured = backend::connect(tcp, destination.address.ip(), settings, name);
                Box::new(within(timeouts.connect, secured).await?)
            }
            None => Box::new(tcp),
        };
        Ok(Self { io, buffer: BytesMut::new(), timeouts })
    }

    /// Sends a request head, within `proxy-send-timeout`.
    pub(in crate::lane) async fn send(&mut self, head: &[u8]) -> Result<(), EndpointError> {
        let sent = async {
            self.io.write_all(head).await?;
            self.io.flush().await
        };
        Ok(within(self.timeouts.send, sent).await?)
    }

    /// Reads the next response head, which may be an interim one (1xx).
    pub(in crate::lane) async fn read_head(&mut self) -> Result<ResponseHead, EndpointError> {
        loop {
            if !self.buffer.is_empty()
                && let Some(head) = ResponseHead::take(&mut self.buffer)?
            {
                return Ok(head);
            }
            if self.read().await? == 0 {
                return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
            }
        }
    }

    /// Reads the next piece of a response body. `None` if the body has ended.
    pub(in crate::lane) async fn read_body(&mut self, body: &mut BodyFramer) -> Result<Option<Bytes>, EndpointError> {
        loop {
            let piece = body.decode(&mut self.buffer)?;
            if piece.is_some() || body.is_done() {
                return Ok(piece);
            }
            if self.read().await? == 0 {
                body.close()?;
            }
        }
    }

    /// The connection, and what has been read from it behind the last head.
    pub(in crate::lane) fn into_parts(self) -> (Io, BytesMut) {
        (self.io, self.buffer)
    }

    /// `proxy-read-timeout` is between two reads, as in nginx, so that a long response has as long as it takes. The length of
    /// a head is limited.
    async fn read(&mut self) -> io::Result<usize> {
        within(self.timeouts.read, read_some(&mut self.io, &mut self.buffer)).await
    }
}

async fn within<T>(time: Duration, future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(time, future).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::BodyFraming;
    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    fn connected() -> (EndpointConnection, DuplexStream) {
        let (io, endpoint) = duplex(64);
        let timeouts = Timeouts::default();
        (EndpointConnection { io: Box::new(io), buffer: BytesMut::new(), timeouts }, endpoint)
    }

    #[tokio::test]
    async fn a_response_is_read_to_its_end() {
        let (mut connection, mut endpoint) = connected();
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
            connection.send(b"GET").await.expect("sent");
            let statuses =
                [connection.read_head().await, connection.read_head().await].map(|head| head.expect("a head").status);
            let (mut body, mut data) = (BodyFramer::of_answer(BodyFraming::UntilClose), Vec::new());
            while let Some(piece) = connection.read_body(&mut body).await.expect("a body") {
                data.extend_from_slice(&piece);
            }
            (statuses.map(|status| status.as_u16()), data)
        };
        let (request, response) = tokio::join!(serve, ask);
        assert_eq!((request, response), (*b"GET", ([103, 200], b"ab".to_vec())));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_may_be_silent_or_leave() {
        let (mut connection, endpoint) = connected();
        assert!(connection.read_head().await.expect_err("silence").is_timeout());
        drop(endpoint);
        let closed = connection.read_head().await.expect_err("closed");
        assert!(
            matches!(&closed, EndpointError::Io(error) if error.kind() == ErrorKind::UnexpectedEof)
                && !closed.is_timeout()
        );
    }
}
