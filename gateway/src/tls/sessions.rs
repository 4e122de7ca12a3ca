//! Sessions that clients may resume, where there are no tickets.

use rustls::server::{ServerSessionMemoryCache, StoresServerSessions};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Sessions that are kept. Some hundred bytes each.
const SESSIONS: usize = 10_000;

/// All sessions, each with the time until which it counts. They outlive settings.
pub(super) struct Store {
    kept: Arc<ServerSessionMemoryCache>,
    /// What times are counted from.
    started: Instant,
}

/// The sessions under settings that let them last so long.
#[derive(Debug)]
pub(super) struct Sessions {
    store: Arc<Store>,
    timeout: Duration,
}

impl Default for Store {
    fn default() -> Self {
        Self { kept: ServerSessionMemoryCache::new(SESSIONS), started: Instant::now() }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    fn put(&self, key: Vec<u8>, session: &[u8], until: Duration) -> bool {
        self.kept.put(key, [&until.as_secs().to_be_bytes(), session].concat())
    }

    /// The session of what is kept, unless it is over.
    fn session(&self, kept: &[u8], now: Instant) -> Option<Vec<u8>> {
        let (until, session) = kept.split_first_chunk()?;
        let until = Duration::from_secs(u64::from_be_bytes(*until));
        (now.duration_since(self.started) < until).then(|| session.to_vec())
    }
}

impl Sessions {
    pub(super) fn new(store: Arc<Store>, timeout: Duration) -> Self {
        Self { store, timeout }
    }

    /// How long a session can be resumed.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.store.put(key, &value, self.store.started.elapsed().saturating_add(self.timeout))
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.store.session(&self.store.kept.get(key)?, Instant::now())
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.store.session(&self.store.kept.take(key)?, Instant::now())
    }

    fn can_cache(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_end_with_their_time() {
        let store = Store::default();
        let now = store.started + Duration::from_secs(9);
        assert!(store.put(b"key".to_vec(), b"session", Duration::from_secs(10)));
        let kept = store.kept.get(b"key").expect("kept");
        assert_eq!(store.session(&kept, now).as_deref(), Some(&b"session"[..]));
        assert_eq!(store.session(&kept, now + Duration::from_secs(1)), None);
        assert_eq!(store.session(b"short", now), None);
    }

    #[test]
    fn sessions_outlive_a_change_of_their_time() {
        let store = Arc::<Store>::default();
        let long = Sessions::new(Arc::clone(&store), Duration::from_secs(600));
        assert!(long.put(b"key".to_vec(), b"session".to_vec()));
        let other = Sessions::new(store, Duration::from_secs(60));
        assert_eq!(other.get(b"key").as_deref(), Some(&b"session"[..]));
        assert_eq!(other.take(b"key").as_deref(), Some(&b"session"[..]));
        assert_eq!(other.get(b"key"), None);
    }
}
