//! A client's stream between its socket and h2, which gets no field that it would end the connection for.

use super::frames::{Found, Frames};
use bytes::{Buf, BytesMut};
use pingora_core::protocols::Stream;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are read at once while a header block is not complete.
const CHUNK: usize = 4 << 10;

/// The stream. What it reads goes straight into h2's buffer and is looked at there; only a header block that is not complete,
/// or has to be replaced, is kept here.
#[derive(Debug)]
pub(super) struct Checked {
    stream: Stream,
    frames: Frames,
    /// Received, and not complete.
    incomplete: BytesMut,
    /// For h2 to read next.
    ready: BytesMut,
}

impl Checked {
    /// That of a client whose heads may be so long.
    pub(super) fn new(stream: Stream, head_limit: usize) -> Self {
        let frames = Frames::new(head_limit);
        Self { stream, frames, incomplete: BytesMut::new(), ready: BytesMut::new() }
    }

    /// Reads into h2's buffer. What may not be there yet is taken out of it again.
    fn poll_read_through(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let start = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let received = &buf.filled()[start..];
        let Found { pass, replace, by } = self.frames.find(received);
        if pass < received.len() {
            self.ready.extend_from_slice(&by);
            self.incomplete.extend_from_slice(&received[pass + replace..]);
            buf.set_filled(start + pass);
            self.sort();
        }
        Poll::Ready(Ok(()))
    }

    /// Reads more of what is not complete. Returns whether there is more.
    fn poll_read_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut chunk = [const { MaybeUninit::uninit() }; CHUNK];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut chunk))?;
        self.incomplete.extend_from_slice(chunk.filled());
        self.sort();
        Poll::Ready(Ok(!chunk.filled().is_empty()))
    }

    /// Moves what has become complete to what is ready.
    fn sort(&mut self) {
        while !self.incomplete.is_empty() {
            let Found { pass, replace, by } = self.frames.find(&self.incomplete);
            self.ready.extend_from_slice(&self.incomplete.split_to(pass));
            self.ready.extend_from_slice(&by);
            self.incomplete.advance(replace);
            if replace == 0 {
                return;
            }
        }
    }
}

impl AsyncRead for Checked {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            if !self.ready.is_empty() {
                let length = self.ready.len().min(buf.remaining());
                buf.put_slice(&self.ready.split_to(length));
                return Poll::Ready(Ok(()));
            }
            if self.frames.ended() {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            if !self.incomplete.is_empty() {
                if !ready!(self.poll_read_more(cx))? {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            let before = buf.filled().len();
            ready!(self.poll_read_through(cx, buf))?;
            if buf.filled().len() > before || (self.incomplete.is_empty() && self.ready.is_empty()) {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Checked {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
