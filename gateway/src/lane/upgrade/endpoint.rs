//! Connections to endpoints that we open ourselves, as Pingora's sessions want them.

use crate::exchange::Destination;
use crate::relay;
use crate::tls::unverified;
use async_trait::async_trait;
use pingora_core::protocols::raw_connect::ProxyDigest;
use pingora_core::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, Stream, TimingDigest,
    UniqueID, UniqueIDType,
};
use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Opens a connection to an endpoint. Its TLS has as long as its TCP, as in nginx.
pub(super) async fn connect(destination: &Destination) -> io::Result<Stream> {
    let timeouts = &destination.timeouts;
    let tcp = relay::connect(destination.address, timeouts.connect, timeouts.send.max(timeouts.read)).await?;
    let Some(tls) = &destination.tls else { return Ok(Box::new(EndpointStream(tcp))) };
    let secured = unverified::connect(tcp, destination.address.ip(), tls.server_name.as_deref());
    let secured = tokio::time::timeout(timeouts.connect, secured).await;
    Ok(Box::new(EndpointStream(secured.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??)))
}

/// A connection to an endpoint. Unlike Pingora's own it has no buffers: most of its life is a tunnel's.
#[derive(Debug)]
struct EndpointStream<T>(T);

impl<T: AsyncRead + Unpin> AsyncRead for EndpointStream<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for EndpointStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[async_trait]
impl<T: AsyncWrite + Unpin + Send> Shutdown for EndpointStream<T> {
    async fn shutdown(&mut self) {
        let _ = self.0.shutdown().await;
    }
}

// Only Pingora's pool asks who a connection is, and these are never pooled.
impl<T> UniqueID for EndpointStream<T> {
    fn id(&self) -> UniqueIDType {
        -1
    }
}

impl<T> Ssl for EndpointStream<T> {}
impl<T> Peek for EndpointStream<T> {}

impl<T> GetTimingDigest for EndpointStream<T> {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl<T> GetProxyDigest for EndpointStream<T> {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }
}

impl<T> GetSocketDigest for EndpointStream<T> {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        None
    }
}
