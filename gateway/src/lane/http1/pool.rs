//! Connections to endpoints that are kept for further requests.

use crate::exchange::Destination;
use crate::lane::endpoint::{EndpointConnection, Key};
use foldhash::fast::RandomState;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// How often idle connections are looked at: whether they have been idle for too long, or have ended.
const SWEEP: Duration = Duration::from_secs(1);

/// The idle connections of a worker. The one that was used last is used next, so that those that are not needed grow old.
#[derive(Debug)]
pub(super) struct Pool {
    /// Behind a lock that no other thread takes: what a task holds has to be `Sync`.
    idle: Mutex<Idle>,
    /// There is a connection to look at.
    filled: Notify,
    /// The most connections.
    limit: usize,
}

#[derive(Debug, Default)]
struct Idle {
    /// Of each kind the oldest comes first.
    connections: HashMap<Key, Vec<Kept>, RandomState>,
    count: usize,
}

#[derive(Debug)]
struct Kept {
    connection: EndpointConnection,
    since: Instant,
    until: Instant,
}

impl Pool {
    /// A pool of at most `limit` connections. To be made in the runtime whose connections it keeps.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        let pool = Arc::new(Self { idle: Mutex::default(), filled: Notify::new(), limit });
        tokio::spawn(sweep(pool.clone()));
        pool
    }

    /// A connection that was kept and is still open.
    pub(super) fn take(&self, destination: &Destination) -> Option<EndpointConnection> {
        let key = Key::of(destination);
        loop {
            let kept = self.idle.lock().take(&key)?;
            if kept.until > Instant::now()
                && let Some(connection) = kept.connection.revive(destination.timeouts)
            {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection that has served another request, unless it has served as many or as long as it may. If there are
    /// too many, the one that has been idle for longest is closed.
    pub(super) fn put(&self, mut connection: EndpointConnection, destination: &Destination) {
        let since = Instant::now();
        if self.limit == 0 || !connection.may_serve_again(&destination.keep_alive, since) {
            return;
        }
        let until = since.checked_add(destination.keep_alive.idle_timeout).unwrap_or(since + SWEEP * 86_400);
        let mut idle = self.idle.lock();
        if idle.count >= self.limit {
            idle.remove_oldest();
        }
        idle.put(Key::of(destination), Kept { connection, since, until });
        drop(idle);
        self.filled.notify_one();
    }
}

impl Idle {
    fn take(&mut self, key: &Key) -> Option<Kept> {
        let kept = self.connections.get_mut(key)?.pop()?;
        self.count -= 1;
        Some(kept)
    }

    fn put(&mut self, key: Key, kept: Kept) {
        self.connections.entry(key).or_default().push(kept);
        self.count += 1;
    }

    fn remove_oldest(&mut self) {
        let oldest = self.connections.values_mut().filter(|kept| !kept.is_empty()).min_by_key(|kept| kept[0].since);
        if let Some(kept) = oldest {
            kept.remove(0);
            self.count -= 1;
        }
    }

    /// Closes what has been idle for too long, or has ended.
    fn sweep(&mut self, now: Instant) {
        for kept in self.connections.values_mut() {
            kept.retain_mut(|kept| kept.until > now && kept.connection.is_open());
        }
        self.connections.retain(|_, kept| !kept.is_empty());
        self.count = self.connections.values().map(Vec::len).sum();
    }
}

/// Sweeps a pool whenever it has connections, for as long as the worker runs.
async fn sweep(pool: Arc<Pool>) {
    loop {
        pool.filled.notified().await;
        while pool.idle.lock().count > 0 {
            sleep(SWEEP).await;
            pool.idle.lock().sweep(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Timeouts, UpstreamConnections};
    use crate::exchange::EndpointProtocol;
    use tokio::io::{DuplexStream, duplex};
    use tokio::time::advance;

    fn destination(port: u16, pool_key: u64) -> Destination {
        Destination {
            address: ([127, 0, 0, 1], port).into(),
            tls: None,
            protocol: EndpointProtocol::Http11,
            pool_key,
            timeouts: Timeouts::default(),
            deadline: None,
            keep_alive: UpstreamConnections::default(),
            largest_head: 0,
            largest_piece: usize::MAX,
            fresh: false,
        }
    }

    /// Keeps a new connection. Returns the endpoint's end of it.
    fn keep(pool: &Pool, destination: &Destination) -> DuplexStream {
        let (io, endpoint) = duplex(64);
        pool.put(EndpointConnection::new(Box::new(io), destination.timeouts), destination);
        endpoint
    }

    #[tokio::test]
    async fn connections_are_shared_between_equal_destinations_only() {
        let pool = Pool::new(8);
        let _endpoint = keep(&pool, &destination(80, 1));
        assert!(pool.take(&destination(81, 1)).is_none() && pool.take(&destination(80, 2)).is_none());
        let tls = Some(crate::exchange::BackendTls::default());
        assert!(pool.take(&Destination { tls, ..destination(80, 1) }).is_none());
        assert!(pool.take(&destination(80, 1)).is_some() && pool.take(&destination(80, 1)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_connection_makes_room() {
        let pool = Pool::new(2);
        let mut endpoints = Vec::new();
        for port in [80, 81, 82] {
            endpoints.push(keep(&pool, &destination(port, 1)));
            advance(Duration::from_millis(1)).await;
        }
        assert_eq!([80, 81, 82].map(|port| pool.take(&destination(port, 1)).is_some()), [false, true, true]);
        assert!(Pool::new(0).take(&destination(80, 1)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn connections_serve_so_many_requests_and_so_long() {
        let pool = Pool::new(8);
        let keep_alive = UpstreamConnections { requests: 2, ..UpstreamConnections::default() };
        let twice = Destination { keep_alive, ..destination(80, 1) };
        let _endpoint = keep(&pool, &twice);
        pool.put(pool.take(&twice).expect("it has served one"), &twice);
        assert!(pool.take(&twice).is_none(), "it has served two");
        let keep_alive = UpstreamConnections { lifetime: Duration::from_secs(9), ..UpstreamConnections::default() };
        let briefly = Destination { keep_alive, ..destination(81, 1) };
        let _endpoint = keep(&pool, &briefly);
        advance(Duration::from_secs(8)).await;
        pool.put(pool.take(&briefly).expect("it is young"), &briefly);
        advance(Duration::from_secs(2)).await;
        pool.put(pool.take(&briefly).expect("it was young when it was kept"), &briefly);
        assert!(pool.take(&briefly).is_none(), "it is old");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_have_ended_or_grown_old_are_closed() {
        let pool = Pool::new(8);
        let left = keep(&pool, &destination(80, 1));
        let _stays = keep(&pool, &destination(81, 1));
        drop(left);
        sleep(2 * SWEEP).await;
        assert_eq!(pool.idle.lock().count, 1);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(pool.idle.lock().count, 0);
    }
}
