//! Reads that hold no buffer while they wait.

use bytes::{BufMut, BytesMut};
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// Bytes that are read onto the stack of a poll, so that an idle connection holds no buffer. More of them are expected to have
/// come already, and are read where they stay.
const ON_STACK: usize = 16 << 10;
/// Bytes of one read of what is expected to be short, such as a head.
const SOME: usize = 4 << 10;

/// Appends what has come to `buffer`, waiting for it. Returns how many bytes; zero at the end of the stream.
pub(crate) async fn read_some(stream: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> io::Result<usize> {
    read_up_to(stream, buffer, SOME).await
}

/// The same for at most so many bytes.
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
    if most > ON_STACK {
        return poll_read_in_place(stream, buffer, most, cx);
    }
    let mut chunk = [const { MaybeUninit::uninit() }; ON_STACK];
    let mut chunk = ReadBuf::uninit(&mut chunk[..most]);
    Pin::new(stream).poll_read(cx, &mut chunk).map_ok(|()| {
        buffer.extend_from_slice(chunk.filled());
        chunk.filled().len()
    })
}

/// The same without a copy. Gives the room back that is not needed.
fn poll_read_in_place(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    most: usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    buffer.reserve(most);
    let read = pin!(stream.read_buf(&mut buffer.limit(most))).poll(cx);
    if buffer.capacity() > 2 * buffer.len() {
        *buffer = BytesMut::from(&buffer[..]);
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::{AsyncWriteExt, duplex};

    proptest! {
        /// However much is asked for and however much has come, nothing is lost, and no more is held than twice what has come.
        #[test]
        fn all_that_comes_is_read(pieces in prop::collection::vec((1usize..100_000, 1usize..100_000), 1..8)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                let (mut stream, mut peer) = duplex(128 << 10);
                let (mut buffer, mut sent) = (BytesMut::new(), Vec::new());
                for (length, most) in pieces {
                    sent.extend((0..length).map(|at| (at % 251) as u8));
                    peer.write_all(&sent[sent.len() - length..]).await.expect("room for it");
                    while buffer.len() < sent.len() {
                        let before = buffer.len();
                        let read = read_up_to(&mut stream, &mut buffer, most).await.expect("more has come");
                        assert!(read > 0 && read <= most && buffer.len() == before + read);
                    }
                    assert!(most <= ON_STACK || buffer.capacity() <= 2 * buffer.len());
                }
                assert_eq!(buffer, sent);
            });
        }
    }

    #[tokio::test]
    async fn who_waits_holds_nothing() {
        let (mut stream, _peer) = duplex(16);
        let mut buffer = BytesMut::new();
        for most in [ON_STACK, 2 * ON_STACK] {
            let read = poll_fn(|cx| Poll::Ready(poll_read_up_to(&mut stream, &mut buffer, most, cx))).await;
            assert!(read.is_pending() && buffer.capacity() == 0, "{most}");
        }
    }
}
