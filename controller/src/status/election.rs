//! Who leads: what to write to the Lease, and for how long that counts. Pure.
//!
//! As client-go's `leaderelection`, no time that another replica wrote is ever compared with our clock: a Lease is good
//! for its duration from when *we* first saw it as it is. So clocks may differ by any amount.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use std::time::{Duration, Instant};

/// One replica's view of the Lease.
#[derive(Debug)]
pub(super) struct Election {
    identity: String,
    /// How long the Lease is good without being renewed.
    ttl: Duration,
    /// What was last seen, and when it was first seen like that.
    seen: Option<(LeaseSpec, Instant)>,
    /// When we began the renewal that succeeded last, and what it made of the Lease; `None` while another leads.
    held: Option<(Lease, Instant)>,
}

impl Election {
    pub(super) fn new(identity: impl Into<String>, ttl: Duration) -> Self {
        Self { identity: identity.into(), ttl, seen: None, held: None }
    }

    /// How often to try, whether to renew or to take over (as ingress-nginx).
    pub(super) fn retry(&self) -> Duration {
        self.ttl / 4
    }

    /// How long one may go without renewing before one no longer leads (as ingress-nginx). Others wait for twice as long.
    pub(super) fn deadline(&self) -> Duration {
        self.ttl / 2
    }

    /// For how long we lead without renewing again; `None` if we do not.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let (_, renewed) = self.held.as_ref()?;
        (*renewed + self.deadline()).checked_duration_since(now).filter(|left| !left.is_zero())
    }

    pub(super) fn is_leading(&self, now: Instant) -> bool {
        self.left(now).is_some()
    }

    /// What a leader may write without looking first; the API server refuses it if anybody else wrote since.
    pub(super) fn renewal(&self, now: Instant, time: Timestamp) -> Option<Lease> {
        let (lease, _) = self.held.as_ref().filter(|_| self.is_leading(now))?;
        Some(self.taken(lease.clone(), time))
    }

    /// What to write after a look at the Lease; `None` while it is another's.
    pub(super) fn bid(&mut self, found: Lease, now: Instant, time: Timestamp) -> Option<Lease> {
        let spec = found.spec.clone().unwrap_or_default();
        let since = match &self.seen {
            Some((seen, since)) if *seen == spec => *since,
            _ => now,
        };
        let is_free = holder(&spec).is_none_or(|holder| holder == self.identity);
        let is_good = now < since + promised(&spec).unwrap_or(self.ttl);
        self.seen = Some((spec, since));
        if !is_free {
            self.held = None;
        }
        (is_free || !is_good).then(|| self.taken(found, time))
    }

    /// The API server has taken what was to be written; we began to ask at this time.
    pub(super) fn won(&mut self, written: Lease, asked: Instant) {
        self.held = Some((written, asked));
    }

    /// What gives the Lease away, if it is ours: whoever looks next takes it.
    pub(super) fn release(&mut self, mut found: Lease, time: Timestamp) -> Option<Lease> {
        self.held = None;
        let spec = found.spec.as_mut().filter(|spec| holder(spec) == Some(&self.identity))?;
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(time));
        Some(found)
    }

    fn taken(&self, mut lease: Lease, time: Timestamp) -> Lease {
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_ref() != Some(&self.identity) {
            spec.lease_transitions =
                Some(spec.lease_transitions.map_or(0, |transitions| transitions.saturating_add(1)));
            spec.acquire_time = Some(MicroTime(time));
            spec.holder_identity = Some(self.identity.clone());
        }
        spec.lease_duration_seconds = Some(i32::try_from(self.ttl.as_secs()).unwrap_or(i32::MAX).max(1));
        spec.renew_time = Some(MicroTime(time));
        lease
    }
}

/// Nobody, if it was released.
fn holder(spec: &LeaseSpec) -> Option<&str> {
    spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// How long the holder said that others should wait.
fn promised(spec: &LeaseSpec) -> Option<Duration> {
    spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(30);
    const SECOND: Duration = Duration::from_secs(1);

    /// A replica whose clock is wrong by some seconds, and the Lease that the API server has.
    struct Replica {
        election: Election,
        skew: i64,
    }

    impl Replica {
        fn new(name: &str, skew: i64) -> Self {
            Self { election: Election::new(name, TTL), skew }
        }

        fn time(&self) -> Timestamp {
            Timestamp::from_second(1_000_000_000 + self.skew).expect("a time")
        }

        /// Looks at the Lease, and takes it if it may.
        fn tries(&mut self, lease: &mut Lease, now: Instant) -> bool {
            let bid = self.election.bid(lease.clone(), now, self.time());
            if let Some(bid) = bid {
                *lease = bid.clone();
                self.election.won(bid, now);
            }
            self.election.is_leading(now)
        }
    }

    fn holder_of(lease: &Lease) -> &str {
        lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).expect("a holder")
    }

    #[test]
    fn the_first_leads_and_the_second_waits_until_it_is_silent() {
        let (mut a, mut b, start) = (Replica::new("a", 0), Replica::new("b", 0), Instant::now());
        let mut lease = Lease::default();
        assert!(a.tries(&mut lease, start));
        assert!(!b.tries(&mut lease, start));
        for second in 1..100 {
            let now = start + second * SECOND;
            let time = Timestamp::from_second(1_000_000_000 + i64::from(second)).expect("a time");
            lease = a.election.renewal(now, time).expect("a leader renews");
            a.election.won(lease.clone(), now);
            assert!(!b.tries(&mut lease, now), "after {second} s");
        }
        let silence = start + 99 * SECOND;
        assert!(!b.tries(&mut lease, silence + 29 * SECOND));
        assert!(b.tries(&mut lease, silence + 30 * SECOND));
        assert_eq!(holder_of(&lease), "b");
        assert_eq!(lease.spec.as_ref().and_then(|spec| spec.lease_transitions), Some(1));
        assert!(!a.tries(&mut lease, silence + 30 * SECOND));
    }

    #[test]
    fn there_are_never_two_leaders_whatever_their_clocks_say() {
        for skew in [-100_000, -31, 31, 100_000] {
            let (mut a, mut b, start) = (Replica::new("a", 0), Replica::new("b", skew), Instant::now());
            let mut lease = Lease::default();
            assert!(a.tries(&mut lease, start));
            // The leader is cut off, and the other sees what it wrote last a little later.
            let seen = start + 5 * SECOND;
            assert!(!b.tries(&mut lease, seen), "a skew of {skew} s");
            for second in 0..30 {
                let now = seen + second * SECOND;
                assert!(!b.tries(&mut lease, now) || !a.election.is_leading(now), "a skew of {skew} s");
            }
            assert!(b.tries(&mut lease, seen + TTL), "a skew of {skew} s");
        }
    }

    #[test]
    fn a_leader_that_cannot_renew_ceases_well_before_others_may_begin() {
        let (mut a, start) = (Replica::new("a", 0), Instant::now());
        assert!(a.tries(&mut Lease::default(), start));
        assert!(a.election.is_leading(start + TTL / 2 - SECOND));
        assert!(!a.election.is_leading(start + TTL / 2));
        assert_eq!(a.election.renewal(start + TTL / 2, a.time()), None);
    }

    #[test]
    fn what_is_released_is_taken_at_once() {
        let (mut a, mut b, start) = (Replica::new("a", 0), Replica::new("b", 0), Instant::now());
        let mut lease = Lease::default();
        assert!(a.tries(&mut lease, start) && !b.tries(&mut lease, start));
        lease = a.election.release(lease, a.time()).expect("a lease to release");
        assert!(!a.election.is_leading(start));
        assert_eq!(holder_of(&lease), "");
        assert!(b.tries(&mut lease, start + SECOND));
        assert_eq!(a.election.release(lease, a.time()), None, "of another");
    }

    #[test]
    fn a_process_that_starts_again_in_its_pod_goes_on() {
        let (mut before, mut after, start) = (Replica::new("a", 0), Replica::new("a", 7), Instant::now());
        let mut lease = Lease::default();
        assert!(before.tries(&mut lease, start) && after.tries(&mut lease, start));
        assert_eq!(lease.spec.as_ref().and_then(|spec| spec.lease_transitions), Some(0));
    }

    #[test]
    fn the_holders_own_duration_counts() {
        let (mut b, start) = (Replica::new("b", 0), Instant::now());
        let spec =
            LeaseSpec { holder_identity: Some("a".into()), lease_duration_seconds: Some(100), ..LeaseSpec::default() };
        let mut lease = Lease { spec: Some(spec), ..Lease::default() };
        assert!(!b.tries(&mut lease, start));
        assert!(!b.tries(&mut lease, start + 99 * SECOND));
        assert!(b.tries(&mut lease, start + 100 * SECOND));
    }

    #[test]
    fn a_lease_that_another_took_is_lost_at_once() {
        let (mut a, start) = (Replica::new("a", 0), Instant::now());
        let mut lease = Lease::default();
        assert!(a.tries(&mut lease, start));
        lease.spec.get_or_insert_default().holder_identity = Some("b".into());
        assert!(!a.tries(&mut lease, start + SECOND));
    }
}
