//! Reads that hold no buffer while they wait.

use bytes::BytesMut;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use tokio::io::{AsyncRead, ReadBuf};

/// Size of one read. The buffer is on the stack of a poll, so that an idle connection holds none.
const READ: usize = 4 << 10;

/// Appends what has come to `buffer`, waiting for it. Returns how many bytes; zero at the end of the stream.
pub(crate) async fn read_some(stream: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut chunk = [const { MaybeUninit::uninit() }; READ];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        Pin::new(&mut *stream).poll_read(cx, &mut chunk).map_ok(|()| {
            buffer.extend_from_slice(chunk.filled());
            chunk.filled().len()
        })
    })
    .await
}
