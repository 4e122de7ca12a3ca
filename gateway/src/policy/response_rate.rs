//! `limit-rate`: sends the body of a response no faster than that.

use crate::config::ResponseRate;
use std::num::NonZero;
use std::time::Duration;
use tokio::time::Instant;

/// A response may catch up on so much of the time in which its backend, its client or a timer was late.
const CATCHES_UP: Duration = Duration::from_secs(1);

/// When the pieces of a response go out.
#[derive(Debug)]
pub(crate) struct Pace {
    bytes_per_second: NonZero<u64>,
    /// Bytes that still go out at once.
    free: u64,
    /// When the next byte may go out.
    next: Instant,
}

impl Pace {
    /// The pace of a response that begins now.
    pub(crate) fn new(bytes_per_second: NonZero<u64>, free: u64, now: Instant) -> Self {
        Self { bytes_per_second, free, next: now }
    }

    /// How long the next piece of the body has to wait. One of so many bytes goes out after that.
    pub(crate) fn pause(&mut self, bytes: usize, now: Instant) -> Option<Duration> {
        let paced = (bytes as u64).saturating_sub(self.free);
        self.free = self.free.saturating_sub(bytes as u64);
        if paced == 0 {
            return None;
        }
        let due = self.next.max(now.checked_sub(CATCHES_UP).unwrap_or(now));
        self.next = due + Duration::from_secs_f64(paced as f64 / self.bytes_per_second.get() as f64);
        due.checked_duration_since(now).filter(|pause| !pause.is_zero())
    }
}

/// The largest piece in which a response is to come of its backend, so that no piece takes longer than a second.
pub(crate) fn largest_piece(rate: ResponseRate) -> usize {
    rate.bytes_per_second.map_or(usize::MAX, |rate| usize::try_from(rate.get()).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pace(bytes_per_second: u64, after: u64, now: Instant) -> Pace {
        Pace::new(NonZero::new(bytes_per_second).expect("a rate"), after, now)
    }

    #[test]
    fn each_piece_waits_for_the_one_before() {
        let start = Instant::now();
        let mut pace = pace(1000, 0, start);
        assert_eq!(pace.pause(500, start), None);
        assert_eq!(pace.pause(1000, start), Some(Duration::from_millis(500)));
        let later = start + Duration::from_millis(500);
        assert_eq!(pace.pause(1, later), Some(Duration::from_secs(1)));
        assert_eq!(pace.pause(0, later), None);
    }

    #[test]
    fn the_first_bytes_do_not_wait() {
        let start = Instant::now();
        let mut pace = pace(1000, 5000, start);
        assert_eq!([pace.pause(4000, start), pace.pause(2000, start)], [None; 2]);
        assert_eq!(pace.pause(1000, start), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_response_that_was_held_up_catches_up_on_a_second() {
        let start = Instant::now();
        let mut pace = pace(1000, 0, start);
        let later = start + Duration::from_secs(60);
        assert_eq!([pace.pause(500, later), pace.pause(500, later), pace.pause(500, later)], [None; 3]);
        assert_eq!(pace.pause(500, later), Some(Duration::from_millis(500)));
    }

    #[test]
    fn pieces_take_no_longer_than_a_second() {
        let rate = |rate| ResponseRate { bytes_per_second: NonZero::new(rate), after: 7 };
        assert_eq!((largest_piece(rate(0)), largest_piece(rate(1024))), (usize::MAX, 1024));
    }

    proptest! {
        #[test]
        fn no_more_goes_out_than_the_rate_and_one_second(
            rate in 1..100_000u64,
            steps in prop::collection::vec((0..20_000usize, 0..3000u64), 1..100),
        ) {
            let start = Instant::now();
            let mut pace = pace(rate, 0, start);
            let (mut now, mut before) = (start, 0);
            for (bytes, idle) in steps {
                now += Duration::from_millis(idle);
                now += pace.pause(bytes, now).unwrap_or_default();
                let allowed = rate as f64 * ((now - start).as_secs_f64() + 1.0) + 1.0;
                prop_assert!(before as f64 <= allowed, "{before} bytes before this one, {allowed} are allowed");
                before += bytes;
            }
        }
    }
}
