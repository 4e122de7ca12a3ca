//! The requests that have just ended, for those who watch.

use super::record::Record;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

/// A request that has ended. Of its headers it has none but the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its number: a later one has a higher number. The first is 1.
    pub number: u64,
    /// How many requests have ended since the one before it and are not kept.
    pub skipped: u64,
    /// When it ended.
    pub at: SystemTime,
    /// The address of its client.
    pub client: IpAddr,
    /// `GET`; empty when the request line could not be read.
    pub method: Box<str>,
    /// `http` or `https`.
    pub scheme: Box<str>,
    /// Its host; empty if unknown.
    pub host: Box<str>,
    /// Path and query as the access log has them, the first 1024 bytes.
    pub target: Box<str>,
    /// The status of the response.
    pub status: u16,
    /// Why we answered ourselves; `None` for a backend's answer.
    pub reply: Option<&'static str>,
    /// From its first byte to the last of the response.
    pub duration: Duration,
    /// The Service that its route leads to, as `namespace/name`; empty without a route.
    pub service: Box<str>,
    /// The endpoint that was tried last.
    pub endpoint: Option<SocketAddr>,
}

/// Keeps requests while somebody looks, which costs a request one load otherwise.
#[derive(Debug, Default)]
pub struct Tail {
    is_watched: AtomicBool,
    /// How many requests were not kept since the last that was.
    skipped: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    requests: VecDeque<Ended>,
    /// The number of the last.
    last: u64,
    /// Until when somebody looks.
    until: Option<Instant>,
    /// When the second began that is counted, and how many requests were kept in it.
    second: Option<(Instant, usize)>,
}

impl Tail {
    /// How many requests are kept.
    pub const KEPT: usize = 200;
    /// How many of one second are kept.
    pub const PER_SECOND: usize = 50;
    /// For how long requests are kept after somebody has looked.
    pub const PATIENCE: Duration = Duration::from_secs(60);
    /// How long a request waits for others that are kept or looked at; then it is not kept.
    const WAIT: Duration = Duration::from_micros(100);
    /// The longest target that is kept, in bytes.
    const TARGET: usize = 1024;

    /// The requests after the one of this number, oldest first. From now on requests are kept, for [`Self::PATIENCE`].
    pub fn look(&self, after: u64) -> Vec<Ended> {
        let mut kept = self.kept.lock();
        kept.until = Some(Instant::now() + Self::PATIENCE);
        self.is_watched.store(true, Relaxed);
        kept.requests.iter().filter(|request| request.number > after).cloned().collect()
    }

    /// Keeps a request, if somebody looks. Then it waits for others hardly longer than they take to be kept.
    pub(super) fn add(&self, record: &Record<'_>) {
        if self.is_watched.load(Relaxed) {
            self.keep(record, Instant::now());
        }
    }

    #[cold]
    fn keep(&self, record: &Record<'_>, now: Instant) {
        let Some(mut kept) = self.kept.try_lock_for(Self::WAIT) else {
            self.skipped.fetch_add(1, Relaxed);
            return;
        };
        if kept.until.is_none_or(|until| until < now) {
            *kept = Kept { last: kept.last, ..Kept::default() };
            self.is_watched.store(false, Relaxed);
            self.skipped.store(0, Relaxed);
            return;
        }
        if !kept.has_room(now) {
            self.skipped.fetch_add(1, Relaxed);
            return;
        }
        kept.last += 1;
        let ended = ended(record, kept.last, self.skipped.swap(0, Relaxed));
        kept.requests.push_back(ended);
        if kept.requests.len() > Self::KEPT {
            kept.requests.pop_front();
        }
    }
}

impl Kept {
    /// Whether this second has room for one more, which is taken.
    fn has_room(&mut self, now: Instant) -> bool {
        let current = self.second.filter(|(began, _)| now.saturating_duration_since(*began) < Duration::from_secs(1));
        let (began, count) = current.unwrap_or((now, 0));
        self.second = Some((began, count + 1));
        count < Tail::PER_SECOND
    }
}

fn ended(record: &Record<'_>, number: u64, skipped: u64) -> Ended {
    let request = &record.request;
    let owner = request.labels.map(|labels| &labels.owner).filter(|owner| !owner.service.is_empty());
    Ended {
        number,
        skipped,
        at: SystemTime::now(),
        client: request.client,
        method: request.method.into(),
        scheme: String::from_utf8_lossy(request.scheme).into(),
        host: request.host.into(),
        target: String::from_utf8_lossy(&request.target[..request.target.len().min(Tail::TARGET)]).into(),
        status: record.status,
        reply: record.reply,
        duration: record.duration,
        service: owner.map(|owner| format!("{}/{}", owner.namespace, owner.service)).unwrap_or_default().into(),
        endpoint: record.attempts.last().map(|attempt| attempt.address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::fixture::{connection, headers, record};

    fn targets(tail: &Tail, after: u64) -> Vec<(u64, u64)> {
        tail.look(after).iter().map(|request| (request.number, request.skipped)).collect()
    }

    #[test]
    fn nothing_is_kept_before_somebody_looks() {
        let (tail, connection, headers) = (Tail::default(), connection(), headers(&[]));
        let record = record(&connection, &headers);
        tail.add(&record);
        assert_eq!(tail.look(0), []);
        tail.add(&record);
        tail.add(&record);
        assert_eq!(targets(&tail, 0), [(1, 0), (2, 0)]);
        assert_eq!(targets(&tail, 1), [(2, 0)]);
    }

    #[test]
    fn a_second_has_room_for_some_and_all_for_more() {
        let (tail, connection, headers) = (Tail::default(), connection(), headers(&[]));
        let now = Instant::now();
        let record = record(&connection, &headers);
        tail.look(0);
        (0..Tail::PER_SECOND + 3).for_each(|_| tail.keep(&record, now));
        assert_eq!(tail.look(0).len(), Tail::PER_SECOND);
        tail.keep(&record, now + Duration::from_secs(1));
        assert_eq!(targets(&tail, Tail::PER_SECOND as u64), [(Tail::PER_SECOND as u64 + 1, 3)]);
        for second in 2..8 {
            (0..Tail::PER_SECOND).for_each(|_| tail.keep(&record, now + Duration::from_secs(second)));
        }
        assert_eq!(tail.look(0).len(), Tail::KEPT);
    }

    #[test]
    fn what_nobody_looks_at_any_more_is_forgotten() {
        let (tail, connection, headers) = (Tail::default(), connection(), headers(&[]));
        let record = record(&connection, &headers);
        tail.look(0);
        tail.add(&record);
        tail.keep(&record, Instant::now() + Tail::PATIENCE + Duration::from_secs(1));
        assert!(!tail.is_watched.load(Relaxed));
        assert_eq!(tail.look(0), []);
    }

    #[test]
    fn a_long_target_is_cut() {
        let (tail, connection, headers) = (Tail::default(), connection(), headers(&[]));
        let target = [b'a'; 2 * Tail::TARGET];
        let mut record = record(&connection, &headers);
        record.request.target = &target;
        tail.look(0);
        tail.add(&record);
        assert_eq!(tail.look(0)[0].target.len(), Tail::TARGET);
    }
}
