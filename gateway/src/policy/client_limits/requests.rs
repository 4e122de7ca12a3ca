//! What clients have asked for lately.

use super::client_key::ClientKey;
use super::rates::{Excess, Rates};
use lru::LruCache;
use parking_lot::Mutex;
use std::hash::BuildHasher;
use std::time::Duration;
use tokio::time::Instant;

type RandomState = foldhash::fast::RandomState;

/// Locks among which clients are spread.
const LOCKS: usize = 16;

type Clients = LruCache<ClientKey, Excess, RandomState>;

/// The clients that have something in excess of the rates, over all workers. If there are too many, those are forgotten
/// whose last request is longest ago.
#[derive(Debug)]
pub(super) struct RequestCounts {
    shards: Box<[Mutex<Clients>]>,
    /// How many clients one of them has at most.
    most: usize,
    hasher: RandomState,
    started: Instant,
}

impl RequestCounts {
    /// Nothing yet, of so many clients at most.
    pub(super) fn new(clients: usize) -> Self {
        let shard = |_| Mutex::new(LruCache::unbounded_with_hasher(RandomState::default()));
        Self {
            shards: (0..LOCKS).map(shard).collect(),
            most: clients.div_ceil(LOCKS),
            hasher: RandomState::default(),
            started: Instant::now(),
        }
    }

    /// Counts a request of a client, unless it is too much: how long it waits.
    pub(super) fn count(&self, client: ClientKey, rates: &Rates, now: Instant) -> Option<Duration> {
        let now = self.milliseconds(now);
        let mut clients = self.shard(client).lock();
        if let Some(excess) = clients.get_mut(&client) {
            return rates.count(excess, now).then(|| rates.wait(excess));
        }
        // As in nginx: two go for one that comes, so that the number of clients follows what is needed.
        for _ in 0..2 {
            let Some((_, oldest)) = clients.peek_lru() else { break };
            if clients.len() < self.most && !rates.have_forgiven(oldest, now) {
                break;
            }
            clients.pop_lru();
        }
        clients.put(client, Excess::of_first_request(now));
        Some(Duration::ZERO)
    }

    /// Whether one more request of a client would be counted now.
    pub(super) fn has_room(&self, client: ClientKey, rates: &Rates, now: Instant) -> bool {
        let now = self.milliseconds(now);
        self.shard(client).lock().get(&client).is_none_or(|excess| rates.count(&mut { *excess }, now))
    }

    fn shard(&self, client: ClientKey) -> &Mutex<Clients> {
        &self.shards[self.hasher.hash_one(client) as usize % LOCKS]
    }

    fn milliseconds(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};
    use std::num::NonZero;
    use std::time::Duration;

    const CLIENTS: usize = 40_960;

    fn rates() -> Rates {
        let one = NonZero::<u32>::MIN;
        Rates::new(Some(one), None, one).expect("a rate")
    }

    fn client(number: u32) -> ClientKey {
        IpAddr::from(Ipv4Addr::from(number)).into()
    }

    fn known(counts: &RequestCounts) -> usize {
        counts.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    #[test]
    fn each_client_has_its_own_burst() {
        let counts = RequestCounts::new(CLIENTS);
        let now = counts.started;
        for number in 0..100 {
            let let_through = (0..5).filter(|_| counts.count(client(number), &rates(), now).is_some()).count();
            assert_eq!(let_through, 2, "client {number}");
        }
    }

    #[test]
    fn clients_that_are_forgiven_make_room() {
        let counts = RequestCounts::new(CLIENTS);
        for second in 0..10 {
            let now = counts.started + Duration::from_secs(10 * second);
            for number in 0..1000 {
                assert!(counts.count(client(1000 * second as u32 + number), &rates(), now).is_some());
            }
        }
        assert!(known(&counts) < 2500, "{} are known", known(&counts));
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let counts = RequestCounts::new(CLIENTS);
        let now = counts.started;
        let refused = |number| counts.count(client(number), &rates(), now).is_none();
        for number in 0..200_000 {
            assert!(!refused(number) && !refused(number) && refused(number));
            assert!(refused(0), "who keeps asking stays known");
        }
        assert!(known(&counts) <= CLIENTS, "{} are known", known(&counts));
        assert!(refused(0) && refused(199_999));
        assert!(!refused(1), "forgotten");
    }
}
