//! How long an endpoint takes to respond, as `load-balance: ewma` has it (ingress-nginx: `balancer/ewma.lua`).

use super::moments::nanoseconds;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// In so many seconds an average loses all but 1/e of its weight.
const DECAY: f64 = 10.0;

/// A moving average that forgets: what was long ago counts less. Times are those since the endpoint has been known.
///
/// Of two threads that record at the same moment one may be lost. So it is in ingress-nginx, and no request waits for another.
#[derive(Debug)]
pub(super) struct Latency {
    /// The average in seconds, as bits; [`f64::NAN`] as long as nothing is known.
    average: AtomicU64,
    /// When it was recorded, in nanoseconds.
    recorded: AtomicU64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { average: AtomicU64::new(f64::NAN.to_bits()), recorded: AtomicU64::default() }
    }
}

impl Latency {
    /// The average as it was recorded, in seconds.
    pub(super) fn average(&self) -> Option<f64> {
        Some(f64::from_bits(self.average.load(Ordering::Relaxed))).filter(|average| !average.is_nan())
    }

    /// What an endpoint costs that is chosen now. One of which nothing is known costs nothing, so that it is tried; and one
    /// that was not chosen for long costs less and less.
    pub(super) fn cost(&self, now: Duration) -> f64 {
        self.average().map_or(0.0, |average| average * self.weight(now))
    }

    /// A response has taken so long.
    pub(super) fn record(&self, took: Duration, now: Duration) {
        let took = took.as_secs_f64();
        let average = self.average().map_or(took, |average| {
            let weight = self.weight(now);
            average * weight + took * (1.0 - weight)
        });
        self.set(average, now);
    }

    /// Begins with this average, in seconds.
    pub(super) fn set(&self, average: f64, now: Duration) {
        self.average.store(average.to_bits(), Ordering::Relaxed);
        self.recorded.store(nanoseconds(now), Ordering::Relaxed);
    }

    /// The weight that the average has still.
    fn weight(&self, now: Duration) -> f64 {
        let age = nanoseconds(now).saturating_sub(self.recorded.load(Ordering::Relaxed));
        (-Duration::from_nanos(age).as_secs_f64() / DECAY).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn is(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
    }

    #[test]
    fn the_first_response_is_the_average() {
        let latency = Latency::default();
        assert_eq!((latency.average(), latency.cost(ms(99))), (None, 0.0));
        latency.record(ms(200), ms(100));
        is(latency.cost(ms(100)), 0.2);
    }

    /// What `ewma.lua` computes.
    #[test]
    fn what_was_long_ago_counts_less() {
        let latency = Latency::default();
        latency.record(ms(200), ms(0));
        is(latency.cost(ms(10_000)), 0.2 / std::f64::consts::E);
        latency.record(ms(1_000), ms(1_000));
        is(latency.cost(ms(1_000)), 0.2 * (-0.1_f64).exp() + (1.0 - (-0.1_f64).exp()));
        let average = latency.cost(ms(1_000));
        latency.record(ms(5_000), ms(500)); // a clock that another thread has read earlier
        is(latency.cost(ms(500)), average);
    }
}
