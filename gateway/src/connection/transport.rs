use std::fmt::Debug;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

/// What carries the bytes of a connection: TCP, or TLS over it. The type is known wherever bytes flow, so that cleartext
/// pays nothing for TLS.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Debug + Send + Sync {
    /// The socket.
    fn tcp(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Transport for server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

impl Transport for client::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}
