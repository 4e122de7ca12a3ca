//! Relays bytes in both directions between two streams until both have ended, and what that needs of sockets.

mod connect;
mod read;

pub(crate) use connect::{connect, set_user_timeout};
pub(crate) use read::{poll_read_up_to, read_some, read_up_to};

use crate::connection::{Deadline, Stage};
use bytes::{Buf, BytesMut};
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Size of one read. The buffer is on the stack of a poll, so that an idle relay holds none.
const READ: usize = 16 << 10;

/// Bytes that have been relayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RelayedBytes {
    /// From the client to the endpoint.
    pub(crate) received: u64,
    /// From the endpoint to the client.
    pub(crate) sent: u64,
}

/// Bytes that were read from either side before the relay started. They are relayed first, and counted.
#[derive(Debug, Default)]
pub(crate) struct Early {
    pub(crate) from_client: BytesMut,
    pub(crate) from_endpoint: BytesMut,
}

/// How a relay has ended.
#[derive(Debug)]
pub(crate) enum RelayEnd {
    /// Both sides have closed their stream.
    Finished,
    /// No byte was relayed for too long.
    Idle,
    /// The client's side failed.
    Client(io::Error),
    /// The endpoint's side failed.
    Endpoint(io::Error),
}

/// Relays bytes in both directions until both sides have ended, one fails, or no byte comes for `idle`; those that were
/// read `early` are first. When one side ends, the other is shut down for writing and may still send. An endpoint that
/// takes no more bytes may have sent some before, and the client still gets them. `relayed` is kept up to date, however
/// the relay ends.
pub(crate) async fn relay<C, E>(
    early: Early,
    client: &mut C,
    endpoint: &mut E,
    idle: Duration,
    deadline: &Deadline,
    relayed: &mut RelayedBytes,
) -> RelayEnd
where
    C: AsyncRead + AsyncWrite + Unpin,
    E: AsyncRead + AsyncWrite + Unpin,
{
    relayed.received += early.from_client.len() as u64;
    relayed.sent += early.from_endpoint.len() as u64;
    let (mut up, mut down) = (Direction::after(early.from_client), Direction::after(early.from_endpoint));
    let mut refused = None;
    deadline.arm(idle);
    let end = poll_fn(|cx| {
        let before = *relayed;
        let up = match &refused {
            None => up.poll(client, endpoint, &mut relayed.received, cx),
            Some(_) => Poll::Ready(Ok(())),
        };
        let up = match up {
            Poll::Ready(Err(Failed::Writing(error))) => {
                refused = Some(error);
                Poll::Ready(Ok(()))
            }
            up => up.map_err(Failed::of_client_to_endpoint),
        };
        let down = down.poll(endpoint, client, &mut relayed.sent, cx).map_err(Failed::of_endpoint_to_client);
        if *relayed != before {
            deadline.arm(idle);
        }
        match (up, down) {
            (Poll::Ready(Err(end)), _) | (_, Poll::Ready(Err(end))) => Poll::Ready(end),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => {
                Poll::Ready(refused.take().map_or(RelayEnd::Finished, RelayEnd::Endpoint))
            }
            _ => deadline.poll_expired(cx, Stage::Stopped).map(|()| RelayEnd::Idle),
        }
    })
    .await;
    deadline.disarm();
    end
}

/// One of the two directions.
#[derive(Debug, Default)]
struct Direction {
    /// Read and not written yet.
    held: BytesMut,
    /// Written and perhaps not flushed yet.
    unflushed: bool,
    ended: bool,
    /// The end has been forwarded.
    closed: bool,
}

/// Where a direction failed.
enum Failed {
    Reading(io::Error),
    Writing(io::Error),
}

impl Failed {
    fn of_client_to_endpoint(self) -> RelayEnd {
        match self {
            Self::Reading(error) => RelayEnd::Client(error),
            Self::Writing(error) => RelayEnd::Endpoint(error),
        }
    }

    fn of_endpoint_to_client(self) -> RelayEnd {
        match self {
            Self::Reading(error) => RelayEnd::Endpoint(error),
            Self::Writing(error) => RelayEnd::Client(error),
        }
    }
}

impl Direction {
    fn after(held: BytesMut) -> Self {
        Self { held, ..Self::default() }
    }

    /// Relays what is there. Ready once the end has been forwarded. Counts what has been read in `relayed`.
    fn poll(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        relayed: &mut u64,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Failed>> {
        while !self.closed {
            ready!(self.poll_held(to, cx)).map_err(Failed::Writing)?;
            if self.ended {
                ready!(Pin::new(&mut *to).poll_shutdown(cx)).map_err(Failed::Writing)?;
                self.closed = true;
                break;
            }
            let mut chunk = [const { MaybeUninit::uninit() }; READ];
            let mut chunk = ReadBuf::uninit(&mut chunk);
            match Pin::new(&mut *from).poll_read(cx, &mut chunk) {
                Poll::Ready(read) => read.map_err(Failed::Reading)?,
                Poll::Pending => {
                    ready!(self.poll_flush(to, cx)).map_err(Failed::Writing)?;
                    return Poll::Pending;
                }
            }
            self.ended = chunk.filled().is_empty();
            *relayed += chunk.filled().len() as u64;
            self.write(chunk.filled(), to, cx).map_err(Failed::Writing)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes as much as the stream takes, and holds the rest.
    fn write(&mut self, bytes: &[u8], to: &mut (impl AsyncWrite + Unpin), cx: &mut Context<'_>) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match Pin::new(&mut *to).poll_write(cx, rest) {
                Poll::Ready(written) => rest = &rest[some(written?)?..],
                Poll::Pending => {
                    self.held.extend_from_slice(rest);
                    break;
                }
            }
            self.unflushed = true;
        }
        Ok(())
    }

    fn poll_held(&mut self, to: &mut (impl AsyncWrite + Unpin), cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let written = some(ready!(Pin::new(&mut *to).poll_write(cx, &self.held))?)?;
            self.held.advance(written);
            self.unflushed = true;
            if self.held.is_empty() {
                self.held = BytesMut::new(); // gives the memory back
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, to: &mut (impl AsyncWrite + Unpin), cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(Pin::new(to).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

fn some(written: usize) -> io::Result<usize> {
    if written == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(written) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Deadlines;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn each_side_may_end_first_and_the_other_goes_on() {
        let (mut here, mut client) = duplex(7);
        let (mut there, mut endpoint) = duplex(5);
        let deadlines = Arc::new(Deadlines::default());
        let deadline = deadlines.register(1);
        let mut relayed = RelayedBytes::default();
        let ask = async {
            here.write_all(b"a request that takes several reads").await?;
            here.shutdown().await?;
            let mut answer = String::new();
            here.read_to_string(&mut answer).await?;
            io::Result::Ok(answer)
        };
        let answer = async {
            let mut heard = String::new();
            there.read_to_string(&mut heard).await?;
            there.write_all(heard.to_uppercase().as_bytes()).await?;
            there.shutdown().await
        };
        let relay = relay(Early::default(), &mut client, &mut endpoint, LONG, &deadline, &mut relayed);
        let (end, heard, answered) = tokio::join!(relay, ask, answer);
        assert!(matches!(end, RelayEnd::Finished), "{end:?}");
        answered.expect("an answer that arrives");
        assert_eq!(heard.expect("an answer"), "A REQUEST THAT TAKES SEVERAL READS");
        assert_eq!(relayed, RelayedBytes { received: 34, sent: 34 });
    }

    #[tokio::test]
    async fn what_came_early_goes_first() {
        let (mut here, mut client) = duplex(3);
        let (mut there, mut endpoint) = duplex(3);
        let deadlines = Arc::new(Deadlines::default());
        let deadline = deadlines.register(1);
        let early = Early { from_client: "early request, ".into(), from_endpoint: "early response, ".into() };
        let mut relayed = RelayedBytes::default();
        let (mut heard, mut answered) = (String::new(), String::new());
        let ask = async {
            here.write_all(b"request").await?;
            here.shutdown().await?;
            here.read_to_string(&mut answered).await
        };
        let answer = async {
            there.read_to_string(&mut heard).await?;
            there.write_all(b"response").await?;
            there.shutdown().await
        };
        let relay = relay(early, &mut client, &mut endpoint, LONG, &deadline, &mut relayed);
        let (end, asked, replied) = tokio::join!(relay, ask, answer);
        assert!(matches!(end, RelayEnd::Finished), "{end:?}");
        asked.expect("an answer");
        replied.expect("an answer that arrives");
        assert_eq!((heard.as_str(), answered.as_str()), ("early request, request", "early response, response"));
        assert_eq!(relayed, RelayedBytes { received: 22, sent: 24 });
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_it() {
        let (_here, mut client) = duplex(64);
        let (_there, mut endpoint) = duplex(64);
        let deadlines = Arc::new(Deadlines::default());
        let deadline = deadlines.register(1);
        let sweep = tokio::spawn(deadlines.clone().sweep());
        let mut relayed = RelayedBytes::default();
        let end =
            relay(Early::default(), &mut client, &mut endpoint, Duration::from_secs(60), &deadline, &mut relayed).await;
        assert!(matches!(end, RelayEnd::Idle), "{end:?}");
        sweep.abort();
    }

    #[tokio::test]
    async fn what_an_endpoint_has_sent_before_it_left_arrives() {
        let (mut here, mut client) = duplex(3);
        let (mut there, mut endpoint) = duplex(64);
        let deadlines = Arc::new(Deadlines::default());
        let deadline = deadlines.register(1);
        there.write_all(b"all that it had to say").await.expect("room for it");
        drop(there);
        let mut relayed = RelayedBytes::default();
        let talk = async {
            here.write_all(b"x").await?;
            let mut heard = String::new();
            here.read_to_string(&mut heard).await?;
            io::Result::Ok(heard)
        };
        let relay = async {
            let end = relay(Early::default(), &mut client, &mut endpoint, LONG, &deadline, &mut relayed).await;
            drop(client);
            end
        };
        let (end, heard) = tokio::join!(relay, talk);
        assert!(matches!(end, RelayEnd::Endpoint(_)), "{end:?}");
        assert_eq!(heard.expect("a connection"), "all that it had to say");
    }

    #[tokio::test]
    async fn a_failure_names_its_side() {
        let (here, mut client) = duplex(64);
        let (mut there, mut endpoint) = duplex(64);
        let deadlines = Arc::new(Deadlines::default());
        let deadline = deadlines.register(1);
        drop(here);
        there.write_all(b"nobody listens").await.expect("room for it");
        let mut relayed = RelayedBytes::default();
        let end = relay(Early::default(), &mut client, &mut endpoint, LONG, &deadline, &mut relayed).await;
        assert!(matches!(end, RelayEnd::Client(_)), "{end:?}");
    }
}
