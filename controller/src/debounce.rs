//! When to build: soon after changes stop coming, and not much later when they never stop.

use std::time::{Duration, Instant};

/// Turns changes into "build now". Pure: the caller brings the time.
#[derive(Clone, Debug)]
pub struct Debounce {
    quiet: Duration,
    ceiling: Duration,
    is_open: bool,
    pending: Option<Pending>,
}

/// The times of the first and of the latest change that no build has taken yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    first: Instant,
    latest: Instant,
}

impl Debounce {
    /// Builds once nothing changed for `quiet`, and at most `ceiling` after the first change; nothing before
    /// [`Debounce::open`].
    pub fn new(quiet: Duration, ceiling: Duration) -> Self {
        Self { quiet, ceiling, is_open: false, pending: None }
    }

    /// Lets builds happen from now on: everything that exists is known.
    pub fn open(&mut self) {
        self.is_open = true;
    }

    /// Records that something changed.
    pub fn record(&mut self, now: Instant) {
        let first = self.pending.map_or(now, |pending| pending.first);
        self.pending = Some(Pending { first, latest: now });
    }

    /// When to build, unless something changes before; `None` when there is nothing to build.
    pub fn due(&self) -> Option<Instant> {
        let pending = self.pending.filter(|_| self.is_open)?;
        Some((pending.latest + self.quiet).min(pending.first + self.ceiling))
    }

    /// Whether to build now. True once for the changes recorded so far.
    pub fn release(&mut self, now: Instant) -> bool {
        let is_due = self.due().is_some_and(|due| due <= now);
        if is_due {
            self.pending = None;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUIET: Duration = Duration::from_millis(20);
    const CEILING: Duration = Duration::from_millis(200);

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn open() -> (Debounce, Instant) {
        let mut debounce = Debounce::new(QUIET, CEILING);
        debounce.open();
        (debounce, Instant::now())
    }

    #[test]
    fn nothing_is_built_without_a_change() {
        let (mut debounce, start) = open();
        assert_eq!(debounce.due(), None);
        assert!(!debounce.release(start + CEILING));
    }

    #[test]
    fn a_burst_is_built_once_after_the_quiet_period() {
        let (mut debounce, start) = open();
        debounce.record(start);
        debounce.record(start + ms(15));
        assert!(!debounce.release(start + ms(34)));
        assert!(debounce.release(start + ms(35)));
        assert!(!debounce.release(start + ms(1000)));
    }

    #[test]
    fn nothing_is_built_before_everything_is_known() {
        let mut debounce = Debounce::new(QUIET, CEILING);
        let start = Instant::now();
        debounce.record(start);
        assert_eq!(debounce.due(), None);
        assert!(!debounce.release(start + ms(5000)));
        debounce.open();
        assert!(debounce.release(start + ms(5000)));
    }

    proptest! {
        #[test]
        fn no_change_waits_longer_than_the_ceiling(gaps in prop::collection::vec(0u64..40, 1..100)) {
            let (mut debounce, start) = open();
            let (mut now, mut oldest) = (start, None);
            for gap in gaps {
                now += ms(gap);
                // A caller sleeps until `due`, so that it asks at that time, before the next change.
                if let Some(due) = debounce.due().filter(|due| *due <= now) {
                    prop_assert!(due <= oldest.expect("a change is pending") + CEILING);
                    prop_assert!(debounce.release(due));
                    oldest = None;
                }
                debounce.record(now);
                oldest = oldest.or(Some(now));
            }
            prop_assert!(debounce.due().expect("a change is pending") <= now + QUIET);
        }
    }
}
