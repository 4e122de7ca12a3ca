//! Reads that hold no buffer while they wait.

use bytes::BytesMut;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

/// Bytes of one read at most. They are read onto the stack of a poll, so that an idle connection holds no buffer.
const MOST: usize = 16 << 10;
/// Bytes of one read of what is expected to be short, such as a head.
const SOME: usize = 4 << 10;

/// Appends what has come to `buffer`, waiting for it. Returns how many bytes; zero at the end of the stream.
pub(crate) async fn read_some(stream: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> io::Result<usize> {
    read_up_to(stream, buffer, SOME).await
}

/// The same for at most so many bytes, which are at most 16 KiB.
pub(crate) async fn read_up_to(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    most: usize,
) -> io::Result<usize> {
    poll_fn(|cx| poll_read_up_to(stream, buffer, most, cx)).await
}

/// As [`read_up_to`].
pub(crate) fn poll_read_up_to(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    most: usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut chunk = [const { MaybeUninit::uninit() }; MOST];
    let mut chunk = ReadBuf::uninit(&mut chunk[..most.min(MOST)]);
    Pin::new(stream).poll_read(cx, &mut chunk).map_ok(|()| {
        buffer.extend_from_slice(chunk.filled());
        chunk.filled().len()
    })
}
