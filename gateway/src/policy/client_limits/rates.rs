//! The leaky bucket of nginx (`ngx_http_limit_req_module`), number by number: thousandths of a request, and milliseconds.

use std::num::NonZero;
use std::time::Duration;

/// One request.
const REQUEST: u64 = 1000;

/// A rate, and how far a client may exceed it.
#[derive(Clone, Copy, Debug)]
struct Rate {
    /// Thousandths of a request in a second.
    per_second: u64,
    /// Thousandths of a request that a client may have in excess of that.
    burst: u64,
    /// How much excess is remembered at most.
    kept: u64,
    /// How much excess a request may have that does not wait.
    delay: u64,
}

impl Rate {
    /// So many requests in so many seconds.
    fn new(requests: NonZero<u32>, seconds: u64, burst_multiplier: NonZero<u32>) -> Self {
        let requests = u64::from(requests.get());
        let burst = (requests * u64::from(burst_multiplier.get())).saturating_mul(REQUEST);
        // A burst that has become smaller keeps nobody out for longer than it takes to be forgiven.
        Self { per_second: requests * REQUEST / seconds, burst, kept: burst, delay: u64::MAX }
    }

    /// The excess of a client with one more request, which comes so many milliseconds after the last.
    fn with_request(self, excess: u64, elapsed: u64) -> u64 {
        let forgiven = self.per_second.saturating_mul(elapsed) / 1000;
        excess.min(self.kept).saturating_add(REQUEST).saturating_sub(forgiven)
    }

    /// How long a request waits that leaves this excess, as nginx: ngx_http_limit_req_account.
    fn wait(self, excess: u64) -> Duration {
        Duration::from_millis(excess.saturating_sub(self.delay).saturating_mul(1000) / self.per_second.max(1))
    }
}

/// The rates of a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates([Option<Rate>; 2]);

/// What a client has in excess of the rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Excess {
    /// When its last request was counted, in milliseconds.
    at: u64,
    of: [u64; 2],
}

impl Excess {
    /// That of a client which makes its first request.
    pub(super) fn of_first_request(now: u64) -> Self {
        Self { at: now, of: [0; 2] }
    }
}

impl Rates {
    /// Rates per second and per minute; `None` without any.
    pub(super) fn new(
        per_second: Option<NonZero<u32>>,
        per_minute: Option<NonZero<u32>>,
        burst_multiplier: NonZero<u32>,
    ) -> Option<Self> {
        let rate = |requests: Option<NonZero<u32>>, seconds| Some(Rate::new(requests?, seconds, burst_multiplier));
        let rates = [rate(per_second, 1), rate(per_minute, 60)];
        rates.iter().any(Option::is_some).then_some(Self(rates))
    }

    /// The rate of a zone, and a burst of so many requests, of which those beyond `delay` wait. Other limits of the zone may have
    /// other bursts.
    pub(super) fn of_zone(requests: NonZero<u32>, per_minute: bool, burst: u32, delay: u32) -> Self {
        let per_second = u64::from(requests.get()) * REQUEST / if per_minute { 60 } else { 1 };
        let [burst, delay] = [burst, delay].map(|requests| u64::from(requests) * REQUEST);
        Self([Some(Rate { per_second, burst, kept: u64::MAX, delay }), None])
    }

    /// The part of one of so many replicas. Its rates are above zero, so that all is forgiven some time.
    pub(super) fn shared_by(self, replicas: NonZero<u32>) -> Self {
        let part = |whole: u64| whole / u64::from(replicas.get());
        let share = |rate: Rate| Rate {
            per_second: part(rate.per_second).max(1),
            burst: part(rate.burst),
            kept: part(rate.kept),
            delay: part(rate.delay),
        };
        if replicas.get() == 1 { self } else { Self(self.0.map(|rate| rate.map(share))) }
    }

    /// Counts a request, unless it is too much for one of the rates: then it counts for none.
    pub(super) fn count(&self, excess: &mut Excess, now: u64) -> bool {
        let with_request = self.with_request(excess, now);
        let is_too_much = |(rate, excess): (&Option<Rate>, &u64)| rate.is_some_and(|rate| *excess > rate.burst);
        if self.0.iter().zip(&with_request.of).any(is_too_much) {
            return false;
        }
        *excess = with_request;
        true
    }

    /// How long a request waits that has been counted.
    pub(super) fn wait(&self, excess: &Excess) -> Duration {
        let waits = self.0.iter().zip(&excess.of).map(|(rate, excess)| rate.map(|rate| rate.wait(*excess)));
        waits.flatten().max().unwrap_or_default()
    }

    /// Whether a client has so little in excess that it need not be known any more: its next request would leave it with
    /// none, as a first one does.
    pub(super) fn have_forgiven(&self, excess: &Excess, now: u64) -> bool {
        self.with_request(excess, now).of == [0; 2]
    }

    /// A clock that goes back stands still.
    fn with_request(&self, excess: &Excess, now: u64) -> Excess {
        let elapsed = now.saturating_sub(excess.at);
        let of = |index: usize| self.0[index].map_or(0, |rate: Rate| rate.with_request(excess.of[index], elapsed));
        Excess { at: excess.at.max(now), of: [of(0), of(1)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rates(per_second: u32, per_minute: u32, burst_multiplier: u32) -> Rates {
        let multiplier = NonZero::new(burst_multiplier).expect("not zero");
        Rates::new(NonZero::new(per_second), NonZero::new(per_minute), multiplier).expect("a rate")
    }

    /// How many of so many requests at one time are let through to a client that was not known.
    fn let_through(rates: Rates, requests: usize) -> usize {
        let mut excess = Excess::of_first_request(7);
        1 + (1..requests).filter(|_| rates.count(&mut excess, 7)).count()
    }

    #[test]
    fn a_burst_is_one_request_and_the_limit_times_the_multiplier() {
        assert_eq!(let_through(rates(5, 0, 5), 60), 26, "Q02");
        assert_eq!(let_through(rates(5, 0, 1), 30), 6, "Q03");
        assert_eq!(let_through(rates(0, 2, 5), 20), 11, "Q04");
        assert_eq!(let_through(rates(100, 2, 5), 60), 11, "both are given");
        assert_eq!(let_through(rates(u32::MAX, u32::MAX, u32::MAX), 1000), 1000);
    }

    #[test]
    fn replicas_share_rates_and_bursts() {
        let share = |rates: Rates, replicas| rates.shared_by(NonZero::new(replicas).expect("not zero"));
        assert_eq!(let_through(share(rates(6, 0, 5), 3), 60), 11);
        assert_eq!(let_through(share(rates(0, 1, 1), 4), 60), 1);
        let mut excess = Excess { at: 0, of: [0, 1000] };
        assert!(!share(rates(0, 1, 1), 100).count(&mut excess, 990_000), "a thousandth of a request in a second");
        assert!(share(rates(0, 1, 1), 100).count(&mut excess, 1_000_000));
    }

    #[test]
    fn what_is_refused_counts_for_no_rate() {
        let both = rates(5, 1, 1);
        let mut excess = Excess::of_first_request(0);
        assert!(both.count(&mut excess, 0));
        let full = excess;
        assert!((0..100).all(|_| !both.count(&mut excess, 0)), "one per minute is too much");
        assert_eq!(excess, full);
    }

    #[test]
    fn rates_are_forgiven_as_nginx_rounds_them() {
        let mut excess = Excess { at: 0, of: [0, 5000] };
        assert!(!rates(0, 1, 5).count(&mut excess, 62_499), "16 thousandths a second");
        assert!(rates(0, 1, 5).count(&mut excess, 62_500));
        let mut excess = Excess { at: 0, of: [1000, 0] };
        assert!(!rates(1, 0, 1).count(&mut excess, 999));
        assert!(rates(1, 0, 1).count(&mut excess, 1000));
    }

    #[test]
    fn a_clock_that_goes_back_forgives_nothing() {
        let mut excess = Excess { at: 1000, of: [1000, 0] };
        assert!(!rates(1, 0, 1).count(&mut excess, 0));
        let mut excess = Excess { at: 1000, of: [0, 0] };
        assert!(rates(1, 0, 1).count(&mut excess, 0));
        assert_eq!(excess, Excess { at: 1000, of: [1000, 0] });
    }

    #[test]
    fn a_request_waits_until_its_turn() {
        let waits = |burst, delay| {
            let rates = Rates::of_zone(NonZero::new(2).expect("not zero"), false, burst, delay);
            let mut excess = Excess::of_first_request(0);
            let wait = |_| rates.count(&mut excess, 0).then(|| rates.wait(&excess).as_millis());
            (0..4).map(wait).collect::<Vec<_>>()
        };
        assert_eq!(waits(3, 0), [Some(500), Some(1000), Some(1500), None]);
        assert_eq!(waits(3, 2), [Some(0), Some(0), Some(500), None]);
        assert_eq!(waits(3, u32::MAX), [Some(0), Some(0), Some(0), None]);
        assert_eq!(waits(0, 0), [None; 4]);
    }

    #[test]
    fn a_smaller_burst_keeps_nobody_out_for_what_was_allowed_before() {
        let mut excess = Excess { at: 0, of: [400_000, 0] };
        assert!(!rates(1, 0, 5).count(&mut excess, 999));
        assert!(rates(1, 0, 5).count(&mut excess, 1000));
    }

    /// nginx's bucket of one rate as its source has it, with signed numbers.
    struct Model {
        rate: i64,
        burst: i64,
        known: Option<(i64, i64)>,
    }

    impl Model {
        fn excess(&self, now: i64) -> (i64, i64) {
            let Some((excess, last)) = self.known else { return (0, now) };
            let ms = (now - last).max(0);
            let excess = (excess - self.rate * ms / 1000 + 1000).max(0);
            (excess, if ms == 0 { last } else { now })
        }
    }

    proptest! {
        #[test]
        fn buckets_are_nginxs(
            (per_second, per_minute, multiplier) in (1..20u32, 1..200u32, 1..6u32),
            steps in prop::collection::vec(prop_oneof![Just(0i64), 0..50i64, -20..3000i64], 1..200),
        ) {
            let rates = rates(per_second, per_minute, multiplier);
            let burst = |limit: u32| i64::from(limit * multiplier) * 1000;
            let mut models = [
                Model { rate: i64::from(per_second) * 1000, burst: burst(per_second), known: None },
                Model { rate: i64::from(per_minute) * 1000 / 60, burst: burst(per_minute), known: None },
            ];
            let (mut now, mut excess) = (1_000_000, None);
            for step in steps {
                now += step;
                let with_request = [models[0].excess(now), models[1].excess(now)];
                let expected = models.iter().zip(with_request).all(|(model, (excess, _))| excess <= model.burst);
                if expected {
                    models.iter_mut().zip(with_request).for_each(|(model, known)| model.known = Some(known));
                }
                let milliseconds = now.unsigned_abs();
                let counted = match &mut excess {
                    None => {
                        excess = Some(Excess::of_first_request(milliseconds));
                        true
                    }
                    Some(excess) => rates.count(excess, milliseconds),
                };
                prop_assert_eq!(counted, expected);
            }
        }

        #[test]
        fn who_is_forgiven_may_be_forgotten(excess in 0..6000u64, elapsed in 0..10_000u64, later in 0..3000u64) {
            let rates = rates(1, 0, 5);
            let mut known = Excess { at: 0, of: [excess, 0] };
            if rates.have_forgiven(&known, elapsed) {
                let mut forgotten = Excess::of_first_request(elapsed + later);
                prop_assert!(rates.count(&mut known, elapsed + later));
                let now = elapsed + later + 1;
                prop_assert_eq!(rates.count(&mut known, now), rates.count(&mut forgotten, now));
                prop_assert_eq!(known.of, forgotten.of);
            }
        }
    }
}
