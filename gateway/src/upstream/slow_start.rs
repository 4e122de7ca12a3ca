//! How the share of a new endpoint grows (`slow-start`).

use super::endpoints::EndpointState;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The part of its share that a new endpoint begins with.
const FIRST: f64 = 0.1;

/// That some endpoints are new.
#[derive(Debug)]
pub(super) struct SlowStart {
    /// How long the share of one grows.
    time: Duration,
    /// When the youngest has all of it.
    over: Instant,
}

impl SlowStart {
    /// That of these endpoints; `None` where none of them is new.
    pub(super) fn of(time: Duration, endpoints: &[Arc<EndpointState>]) -> Option<Self> {
        let over = endpoints.iter().filter_map(|endpoint| endpoint.new_since()).max()? + time;
        (over > Instant::now()).then_some(Self { time, over })
    }

    /// The endpoint whose turn it is, or in place of a new one, as often as it has no full share, one of the others: by
    /// chance, each by its own share.
    pub(super) fn choose<'a>(
        &self,
        chosen: &'a Arc<EndpointState>,
        endpoints: impl Iterator<Item = &'a Arc<EndpointState>> + Clone,
    ) -> &'a Arc<EndpointState> {
        let now = Instant::now();
        if now >= self.over || fastrand::f64() < self.share(chosen, now) {
            return chosen;
        }
        let others = endpoints.filter(|endpoint| !Arc::ptr_eq(endpoint, chosen));
        let mut left = fastrand::f64() * others.clone().map(|endpoint| self.share(endpoint, now)).sum::<f64>();
        let mut by_share = others.skip_while(|endpoint| {
            left -= self.share(endpoint, now);
            left > 0.0
        });
        by_share.next().unwrap_or(chosen)
    }

    /// The part of its share that an endpoint gets: it grows evenly.
    fn share(&self, endpoint: &EndpointState, now: Instant) -> f64 {
        let Some(since) = endpoint.new_since() else { return 1.0 };
        let passed = now.saturating_duration_since(since).as_secs_f64() / self.time.as_secs_f64();
        (FIRST + (1.0 - FIRST) * passed).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Backend, Balance, ServiceBackend};
    use crate::upstream::Upstream;
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use tokio::time::advance;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const TIME: Duration = Duration::from_secs(60);
    const REQUESTS: usize = 3_000;

    fn address(last: u8) -> SocketAddr {
        (Ipv4Addr::new(10, 0, 0, last), 8080).into()
    }

    fn set(upstream: &Upstream, balance: Balance, endpoints: u8) {
        let backend = Backend { balance, slow_start: Some(TIME), ..Backend::at([]) };
        let endpoint = |last| crate::config::Endpoint { address: address(last), pod: None };
        upstream.set(&backend, &(1..=endpoints).map(endpoint).collect::<Vec<_>>());
    }

    /// How many requests the third of three endpoints gets.
    fn of_third(upstream: &Upstream) -> usize {
        let picks = (0..REQUESTS).filter_map(|_| upstream.pick(CLIENT, &[]));
        picks.filter(|pick| pick.address() == address(3)).count()
    }

    #[tokio::test(start_paused = true)]
    async fn the_share_of_a_new_endpoint_grows_from_a_tenth() {
        fastrand::seed(1);
        for balance in [Balance::RoundRobin, Balance::LeastRequest] {
            let upstream = Upstream::new(ServiceBackend::tcp("ns", "svc", "80").into());
            set(&upstream, balance, 2);
            set(&upstream, balance, 3);
            for (share, tolerance) in [(10, 5), (55, 10), (100, 10)] {
                let (found, expected) = (of_third(&upstream), REQUESTS / 3 * share / 100);
                assert!(found.abs_diff(expected) <= REQUESTS / 3 * tolerance / 100, "{balance:?}, {share} %: {found}");
                advance(TIME / 2).await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn endpoints_that_are_there_from_the_start_are_not_new() {
        let upstream = Upstream::new(ServiceBackend::tcp("ns", "svc", "80").into());
        set(&upstream, Balance::RoundRobin, 3);
        assert_eq!(of_third(&upstream), REQUESTS / 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_endpoint_alone_gets_all() {
        let upstream = Upstream::new(ServiceBackend::tcp("ns", "svc", "80").into());
        set(&upstream, Balance::RoundRobin, 2);
        set(&upstream, Balance::RoundRobin, 3);
        let picks = (0..100).filter_map(|_| upstream.pick(CLIENT, &[address(1), address(2)]));
        assert_eq!(picks.filter(|pick| pick.address() == address(3)).count(), 100);
    }
}
