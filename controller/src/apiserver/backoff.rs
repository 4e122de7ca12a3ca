//! How long to wait before the API server is asked again.

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use std::time::Duration;

/// How long to wait between tries: longer each time, and not at the same time as everyone else.
#[derive(Debug)]
pub(crate) struct Backoff {
    waits: ExponentialBackoff,
    failures: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        // The jitter adds up to as much again.
        let half = ExponentialBuilder::new().with_min_delay(Self::FIRST / 2).with_max_delay(Self::CAP / 2);
        Self { waits: half.with_jitter().without_max_times().build(), failures: 0 }
    }
}

impl Backoff {
    /// The longest wait after the first failure.
    pub(crate) const FIRST: Duration = Duration::from_millis(500);

    /// The longest wait.
    pub(crate) const CAP: Duration = Duration::from_secs(30);

    /// The wait after one more failure: half of the longest for sure, the rest by chance.
    pub(crate) fn next(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.waits.next().unwrap_or(Self::CAP)
    }

    /// How many failures there were in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// All is well: the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_cap_and_begin_anew() {
        let mut backoff = Backoff::default();
        for longest in [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000] {
            let wait = backoff.next().as_millis();
            assert!((longest / 2..=longest).contains(&wait), "{wait} of {longest}");
        }
        backoff.failures = u32::MAX;
        assert!(backoff.next() <= Backoff::CAP);
        backoff.reset();
        assert!(backoff.next() <= Backoff::FIRST);
    }
}
