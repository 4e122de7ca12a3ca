//! How long to wait before the API server is asked again.

use std::time::Duration;

/// How long to wait between tries: longer each time, and not at the same time as everyone else.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The longest wait after the first failure.
    pub(crate) const FIRST: Duration = Duration::from_millis(500);

    /// The longest wait.
    pub(crate) const CAP: Duration = Duration::from_secs(30);

    /// The wait after one more failure: half of it for sure, the rest by chance.
    pub(crate) fn next(&mut self) -> Duration {
        let longest = Self::FIRST.saturating_mul(1 << self.failures.min(16)).min(Self::CAP);
        self.failures = self.failures.saturating_add(1);
        longest.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// How many failures there were in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// All is well: the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
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
