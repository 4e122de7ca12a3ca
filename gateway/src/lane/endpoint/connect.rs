use crate::exchange::{Destination, EndpointProtocol};
use crate::relay;
use crate::tls::{HTTP_2, backend};
use std::fmt::Debug;
use std::io::{self, ErrorKind};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// TCP, or TLS over it.
pub(in crate::lane) trait Transport: AsyncRead + AsyncWrite + Debug + Unpin + Send + Sync {}

impl<T: AsyncRead + AsyncWrite + Debug + Unpin + Send + Sync> Transport for T {}

pub(in crate::lane) type Io = Box<dyn Transport>;

/// Connects to an endpoint. The TLS handshake has the same timeout as TCP's, as in nginx.
///
/// # Errors
/// If the endpoint cannot be reached in time, its certificate is not what it has to be, or it does not agree on HTTP/2 where
/// that is to be used.
pub(in crate::lane) async fn connect(destination: &Destination) -> io::Result<Io> {
    let timeouts = destination.timeouts;
    let tcp = relay::connect(destination.address, timeouts.connect, timeouts.send.max(timeouts.read)).await?;
    let Some(tls) = &destination.tls else { return Ok(Box::new(tcp)) };
    let protocol = (destination.protocol == EndpointProtocol::Http2).then_some(HTTP_2);
    let settings = tls.settings.as_deref();
    let secured = backend::connect(tcp, destination.address.ip(), settings, tls.server_name.as_deref(), protocol);
    Ok(Box::new(timeout(timeouts.connect, secured).await.map_err(|_| io::Error::from(ErrorKind::TimedOut))??))
}

/// Whether the endpoint has closed the connection.
pub(in crate::lane) fn is_cut_off(error: &io::Error) -> bool {
    let ends =
        [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::ConnectionAborted];
    ends.contains(&error.kind())
}
