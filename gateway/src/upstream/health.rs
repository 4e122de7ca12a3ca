//! Whether an endpoint is ejected because it has failed (as Envoy's outlier detection has it).

use super::moments::nanoseconds;
use crate::config::Ejection;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// An endpoint is ejected for so many times `eject-time` at most.
const LONGEST: u32 = 10;

/// What an endpoint's attempts have come to. Times are those since the endpoint has been known.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Failures in a row.
    failures: AtomicU32,
    /// Until when it is ejected, in nanoseconds.
    ejected_until: AtomicU64,
    /// By how many times `eject-time` it was ejected last.
    last: AtomicU32,
}

impl Health {
    pub(super) fn is_ejected(&self, now: Duration) -> bool {
        self.ejected_until.load(Ordering::Relaxed) > nanoseconds(now)
    }

    pub(super) fn succeed(&self) {
        // Nearly always there is none, and nothing is written.
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Whether that is a failure too many.
    pub(super) fn fail(&self, policy: &Ejection) -> bool {
        self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= policy.failures.get()
    }

    /// Ejects it. Returns for how long: each time soon after another one for one `eject-time` more. Each `eject-time` in which
    /// it was not ejected makes up for one of those.
    ///
    /// One thread at a time may call this.
    pub(super) fn eject(&self, policy: &Ejection, now: Duration) -> Duration {
        let served = nanoseconds(now).saturating_sub(self.ejected_until.load(Ordering::Relaxed));
        let forgiven = u32::try_from(served / nanoseconds(policy.time).max(1)).unwrap_or(u32::MAX);
        let times = self.last.load(Ordering::Relaxed).saturating_sub(forgiven).saturating_add(1).min(LONGEST);
        let time = policy.time.saturating_mul(times);
        self.last.store(times, Ordering::Relaxed);
        self.failures.store(0, Ordering::Relaxed);
        self.ejected_until.store(nanoseconds(now.saturating_add(time)), Ordering::Relaxed);
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZero;

    const POLICY: Ejection = Ejection {
        failures: NonZero::new(3).expect("not zero"),
        slower_than: None,
        time: Duration::from_secs(30),
        max_percent: 50,
    };

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn only_failures_in_a_row_count() {
        let health = Health::default();
        assert!(!health.fail(&POLICY) && !health.fail(&POLICY));
        health.succeed();
        assert!(!health.fail(&POLICY) && !health.fail(&POLICY) && health.fail(&POLICY));
    }

    #[test]
    fn each_time_soon_after_another_is_longer() {
        let health = Health::default();
        assert!(!health.is_ejected(s(0)));
        assert_eq!(health.eject(&POLICY, s(100)), s(30));
        assert!(health.is_ejected(s(100)) && health.is_ejected(s(129)) && !health.is_ejected(s(130)));
        assert_eq!(health.eject(&POLICY, s(140)), s(60));
        assert!(health.is_ejected(s(199)) && !health.is_ejected(s(200)));
        assert_eq!(health.eject(&POLICY, s(230)), s(60), "it has served for 30 s");
        assert_eq!(health.eject(&POLICY, s(10_000)), s(30), "that is long ago");
        let mut now = s(10_000);
        for _ in 0..20 {
            now += health.eject(&POLICY, now);
        }
        assert_eq!(health.eject(&POLICY, now), s(300));
    }
}
