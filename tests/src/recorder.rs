//! A backend that writes down every byte it gets, so that a test can say what never arrived.

use crate::backend::accept;
use crate::connection::Connection;
use anyhow::Result;
use parking_lot::Mutex;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a backend has received: for each of its connections, in the order in which they were opened, all bytes.
#[derive(Clone, Debug, Default)]
pub struct Recording(Arc<Mutex<Vec<Vec<u8>>>>);

impl Recording {
    /// The bytes of each connection.
    pub fn connections(&self) -> Vec<String> {
        self.0.lock().iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    /// The bytes of all connections, one after another.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().concat()
    }

    /// The same as text.
    pub fn all(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Forgets what has been received until now.
    pub fn clear(&self) {
        self.0.lock().clear();
    }

    /// Writes bytes of a connection down.
    fn add(&self, index: usize, bytes: &[u8]) {
        let mut connections = self.0.lock();
        if connections.len() <= index {
            connections.resize_with(index + 1, Vec::new);
        }
        connections[index].extend_from_slice(bytes);
    }
}

/// Starts a backend that records what it gets and runs `script` on each connection, with its number from 1, until its
/// runtime ends.
///
/// # Errors
/// If a port cannot be had.
pub async fn recorded<S, F>(script: S) -> Result<(SocketAddr, Recording)>
where
    S: Fn(usize, Connection) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let recording = Recording::default();
    let of_backend = recording.clone();
    let address = accept(move |number, stream| {
        let recorded = Recorded { stream, index: number - 1, recording: of_backend.clone() };
        script(number, Connection::over(Box::new(recorded), None))
    })
    .await?;
    Ok((address, recording))
}

/// Starts one that answers each request, once it has come as a whole, with this answer, byte for byte.
///
/// # Errors
/// As [`recorded`].
pub async fn recorded_answering(answer: &'static str) -> Result<(SocketAddr, Recording)> {
    recorded(move |_, mut connection| async move {
        while let Some(head) = connection.request().await? {
            connection.request_body(&head).await?;
            connection.send(answer).await?;
        }
        Ok(())
    })
    .await
}

/// A connection whose input is written down.
#[derive(Debug)]
struct Recorded {
    stream: TcpStream,
    index: usize,
    recording: Recording,
}

impl AsyncRead for Recorded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.recording.add(self.index, &buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Recorded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
