//! Which Events to write, and when: each once, after a while, and not too many at a time. Pure.

use super::event::Fact;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

/// How long something must be wrong before it is reported. Manifests are applied object by object, and what is missing for
/// a moment is nobody's mistake.
const SETTLED: Duration = Duration::from_secs(2);

/// For how long what was reported is remembered after it is no longer so: as long as API servers keep Events by default.
/// With the limits below, that bounds how much is remembered.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// Events that may be written at once.
const BURST: u32 = 25;

/// The time between Events after that.
const PERIOD: Duration = Duration::from_secs(1);

/// Facts on their way to be reported.
#[derive(Debug)]
pub(super) struct Queue {
    /// What is wrong and has not been reported.
    waiting: BTreeMap<Turn, Fact>,
    /// How many facts have waited.
    turns: u64,
    /// When each fact was reported last.
    reported: HashMap<u64, Instant>,
    /// What is wrong.
    present: HashSet<u64>,
    bucket: Bucket,
}

impl Queue {
    /// An empty queue.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            waiting: BTreeMap::new(),
            turns: 0,
            reported: HashMap::new(),
            present: HashSet::new(),
            bucket: Bucket { full_at: now },
        }
    }

    /// Takes in all that is wrong now. What no longer is, need not be reported.
    pub(super) fn update(&mut self, facts: Vec<Fact>, now: Instant) {
        // By what was wrong until now: what went away long after it was reported, and is back, is reported again.
        self.reported.retain(|id, reported| self.present.contains(id) || now.duration_since(*reported) < REMEMBERED);
        self.present = facts.iter().map(Fact::id).collect();
        self.waiting.retain(|_, fact| self.present.contains(&fact.id()));
        let mut known: HashSet<_> = self.waiting.values().map(Fact::id).collect();
        for fact in facts {
            if !self.reported.contains_key(&fact.id()) && known.insert(fact.id()) {
                self.line_up(now + SETTLED, fact);
            }
        }
    }

    /// How long until the next is to be reported; `None` if none is.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let (earliest, _) = self.waiting.last_key_value()?;
        Some(earliest.due.0.saturating_duration_since(now).max(self.bucket.wait(now)))
    }

    /// The next to be reported, if it is time. It counts as reported.
    pub(super) fn take(&mut self, now: Instant) -> Option<Fact> {
        if self.wait(now) != Some(Duration::ZERO) {
            return None;
        }
        let turn = *self.waiting.range(Turn { due: Reverse(now), number: 0 }..).next()?.0;
        let fact = self.waiting.remove(&turn)?;
        self.bucket.take(now);
        self.reported.insert(fact.id(), now);
        Some(fact)
    }

    /// Has a fact reported again, after the others, because it could not be.
    pub(super) fn put_back(&mut self, fact: Fact, now: Instant) {
        self.reported.remove(&fact.id());
        let last = self.waiting.last_key_value().map_or(now, |(turn, _)| turn.due.0.min(now));
        self.line_up(last, fact);
    }

    fn line_up(&mut self, due: Instant, fact: Fact) {
        self.turns += 1;
        self.waiting.insert(Turn { due: Reverse(due), number: self.turns }, fact);
    }
}

/// When it is whose turn: what was wrong last comes first, because whoever did it looks now, and a flood must not hold it
/// up (after a restart, all that is wrong is one); facts of one moment come in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    /// From when on it may be reported.
    due: Reverse<Instant>,
    number: u64,
}

/// A token bucket, by the time at which it would be full again.
#[derive(Debug)]
struct Bucket {
    full_at: Instant,
}

impl Bucket {
    fn wait(&self, now: Instant) -> Duration {
        self.full_at.saturating_duration_since(now).saturating_sub(PERIOD * (BURST - 1))
    }

    fn take(&mut self, now: Instant) {
        self.full_at = self.full_at.max(now) + PERIOD;
    }
}

#[cfg(test)]
mod tests;
