//! Connections to endpoints that further requests may share.

use super::{EndpointConnection, Place};
use crate::config::UpstreamConnections;
use crate::exchange::{Destination, Failure};
use crate::lane::endpoint::Key;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// How often connections are looked at: whether they have been idle for too long, or have ended.
const SWEEP: Duration = Duration::from_secs(1);

/// The connections of a worker. A request gets the first one that has room, so that those that are not needed grow old.
#[derive(Debug)]
pub(super) struct Pool {
    /// Behind a lock that no other thread takes: what a task holds has to be `Sync`.
    connections: Mutex<HashMap<Key, Vec<Kept>>>,
    /// There is a connection to look at.
    filled: Notify,
    /// The most connections that are idle.
    limit: usize,
}

#[derive(Debug)]
struct Kept {
    connection: Arc<EndpointConnection>,
    keep_alive: UpstreamConnections,
}

impl Kept {
    /// Whether it has been idle for too long, has served as many or as long as it may, or has ended.
    fn is_over(&self, now: Instant) -> bool {
        let is_old = |since: Instant| now.duration_since(since) >= self.keep_alive.idle_timeout;
        !self.connection.is_open()
            || self.connection.is_worn(&self.keep_alive, now)
            || self.connection.idle_since().is_some_and(is_old)
    }
}

impl Pool {
    /// A pool that keeps at most `limit` idle connections. To be made in the runtime whose connections it keeps.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        let pool = Arc::new(Self { connections: Mutex::default(), filled: Notify::new(), limit });
        tokio::spawn(sweep(pool.clone()));
        pool
    }

    /// A place on a connection that is open.
    pub(super) fn take(&self, destination: &Destination) -> Option<Place> {
        let (connections, now) = (self.connections.lock(), Instant::now());
        let mut open = connections.get(&Key::of(destination))?.iter().filter(|kept| !kept.is_over(now));
        open.find_map(|kept| kept.connection.place())
    }

    /// A place on a connection that is open or is opened now, and whether the connection has served before.
    ///
    /// # Errors
    /// As of [`Self::connect`].
    pub(super) async fn place(&self, destination: &Destination) -> Result<(Place, bool), Failure> {
        match self.take(destination) {
            Some(place) => Ok((place, true)),
            None => Ok((self.connect(destination).await?, false)),
        }
    }

    /// Opens another connection, and keeps it. Returns a place on it.
    ///
    /// # Errors
    /// The endpoint cannot be reached in time, or takes no streams.
    pub(super) async fn connect(&self, destination: &Destination) -> Result<Place, Failure> {
        let connection = EndpointConnection::connect(destination).await.map_err(|error| {
            tracing::debug!(%error, address = %destination.address, "an endpoint of HTTP/2 cannot be reached");
            Failure::Connect { timed_out: error.kind() == ErrorKind::TimedOut }
        })?;
        let place = connection.place().ok_or(Failure::Connect { timed_out: false })?;
        self.put(connection, destination);
        Ok(place)
    }

    /// Keeps a connection.
    pub(super) fn put(&self, connection: Arc<EndpointConnection>, destination: &Destination) {
        if self.limit == 0 {
            return;
        }
        let kept = Kept { connection, keep_alive: destination.keep_alive };
        self.connections.lock().entry(Key::of(destination)).or_default().push(kept);
        self.filled.notify_one();
    }

    /// Closes what has been idle for too long, or has ended; and where more are idle than may be, those that have been so
    /// for longest. Returns how many connections are left.
    fn sweep(&self, now: Instant) -> usize {
        let mut connections = self.connections.lock();
        let mut idle: Vec<_> = connections.values().flatten().filter_map(|kept| kept.connection.idle_since()).collect();
        idle.sort_unstable_by(|a, b| b.cmp(a));
        let bound = idle.get(self.limit).copied();
        let is_surplus = |kept: &Kept| kept.connection.idle_since().is_some_and(|since| Some(since) <= bound);
        for kept in connections.values_mut() {
            kept.retain(|kept| !kept.is_over(now) && !is_surplus(kept));
        }
        connections.retain(|_, kept| !kept.is_empty());
        connections.values().map(Vec::len).sum()
    }
}

/// Sweeps a pool whenever it has connections, for as long as the worker runs.
async fn sweep(pool: Arc<Pool>) {
    loop {
        pool.filled.notified().await;
        loop {
            sleep(SWEEP).await;
            if pool.sweep(Instant::now()) == 0 {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Timeouts;
    use crate::exchange::BackendTls;
    use crate::exchange::EndpointProtocol;
    use bytes::Bytes;
    use h2::server;
    use tokio::io::{DuplexStream, duplex};
    use tokio::task::JoinHandle;
    use tokio::time::advance;

    fn destination(port: u16, pool_key: u64) -> Destination {
        Destination {
            address: ([127, 0, 0, 1], port).into(),
            tls: None,
            protocol: EndpointProtocol::Http2,
            pool_key,
            timeouts: Timeouts::default(),
            deadline: None,
            keep_alive: UpstreamConnections::default(),
            largest_head: 0,
            largest_piece: usize::MAX,
            fresh: false,
        }
    }

    /// Keeps a new connection to an endpoint that takes so many streams. The endpoint leaves when what is returned is
    /// aborted.
    async fn keep(pool: &Pool, destination: &Destination, streams: u32) -> JoinHandle<()> {
        let (io, endpoint) = duplex(64 << 10);
        let served = tokio::spawn(serve(endpoint, streams));
        let connection = EndpointConnection::open(io).await.expect("HTTP/2");
        while connection.limit() != streams as usize {
            tokio::task::yield_now().await; // until its SETTINGS have come
        }
        pool.put(connection, destination);
        served
    }

    async fn serve(endpoint: DuplexStream, streams: u32) {
        let mut builder = server::Builder::new();
        builder.max_concurrent_streams(streams);
        let mut served = builder.handshake::<_, Bytes>(endpoint).await.expect("HTTP/2");
        while served.accept().await.is_some() {}
    }

    fn count(pool: &Pool) -> usize {
        pool.connections.lock().values().map(Vec::len).sum()
    }

    #[tokio::test]
    async fn connections_are_shared_between_equal_destinations_only() {
        let pool = Pool::new(8);
        let _endpoint = keep(&pool, &destination(80, 1), 2).await;
        assert!(pool.take(&destination(81, 1)).is_none() && pool.take(&destination(80, 2)).is_none());
        let tls = Some(BackendTls::default());
        assert!(pool.take(&Destination { tls, ..destination(80, 1) }).is_none());
        let first = pool.take(&destination(80, 1)).expect("a place");
        let _second = pool.take(&destination(80, 1)).expect("another place");
        assert!(pool.take(&destination(80, 1)).is_none(), "the endpoint takes two");
        drop(first);
        let third = pool.take(&destination(80, 1)).expect("the first place");
        third.retire_connection();
        drop(third);
        assert!(pool.take(&destination(80, 1)).is_none(), "it is retired");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_serve_so_many_requests_and_so_long() {
        let pool = Pool::new(8);
        let keep_alive = UpstreamConnections { requests: 2, ..UpstreamConnections::default() };
        let twice = Destination { keep_alive, ..destination(80, 1) };
        let _endpoint = keep(&pool, &twice, 8).await;
        let places = [(); 3].map(|()| pool.take(&twice));
        assert_eq!(places.map(|place| place.is_some()), [true, true, false]);
        let keep_alive = UpstreamConnections { lifetime: Duration::from_secs(9), ..UpstreamConnections::default() };
        let briefly = Destination { keep_alive, ..destination(81, 1) };
        let _endpoint = keep(&pool, &briefly, 8).await;
        assert!(pool.take(&briefly).is_some());
        advance(Duration::from_secs(10)).await;
        assert!(pool.take(&briefly).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_is_idle_for_longest_makes_room() {
        let pool = Pool::new(1);
        let mut endpoints = Vec::new();
        for port in [80, 81, 82] {
            endpoints.push(keep(&pool, &destination(port, 1), 2).await);
            advance(Duration::from_millis(1)).await;
        }
        let busy = pool.take(&destination(80, 1));
        pool.sweep(Instant::now());
        assert!(busy.is_some() && pool.take(&destination(80, 1)).is_some());
        assert_eq!([81, 82].map(|port| pool.take(&destination(port, 1)).is_some()), [false, true]);
        let none = Pool::new(0);
        endpoints.push(keep(&none, &destination(80, 1), 2).await);
        assert!(none.take(&destination(80, 1)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_have_ended_or_grown_old_are_closed() {
        let pool = Pool::new(8);
        let left = keep(&pool, &destination(80, 1), 2).await;
        let stays = keep(&pool, &destination(81, 1), 2).await;
        let _busy = keep(&pool, &destination(82, 1), 2).await;
        let place = pool.take(&destination(82, 1));
        left.abort();
        sleep(2 * SWEEP).await;
        assert_eq!(count(&pool), 2);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(count(&pool), 1);
        assert!(stays.await.is_ok(), "the endpoint has seen the end");
        drop(place);
        sleep(Duration::from_secs(62)).await;
        assert_eq!(count(&pool), 0);
    }
}
