//! What ejects an endpoint.

use super::*;
use crate::config::Ejection;
use std::num::NonZero;
use std::time::Duration;

const REFUSED: Failure = Failure::Connect { timed_out: false };
const SLOW: Duration = Duration::from_secs(2);

/// A request whose endpoint is ejected after the first failure, and that endpoint.
fn attempting() -> (Lane, SocketAddr) {
    let mut update = update(&[1, 2], RoutePolicies::default());
    let (failures, time) = (NonZero::<u32>::MIN, Duration::from_secs(30));
    let policy = Ejection { failures, slower_than: Some(SLOW), time, max_percent: 50 };
    for backend in update.backends.iter_mut().filter_map(|(_, backend)| backend.as_mut()) {
        backend.ejection = Some(policy);
    }
    let mut lane = Lane::of(update, &Method::GET, &[]);
    let first = lane.attempt().address;
    (lane, first)
}

/// Whether other requests are not sent to an endpoint.
fn is_ejected(mut lane: Lane, first: SocketAddr) -> bool {
    let others = (0..4).map(|_| {
        lane.exchange = Exchange::begin(&lane.context, arrival(), &view(&lane.headers));
        lane.attempt().address
    });
    let others: Vec<_> = others.collect();
    !others.contains(&first)
}

/// Whether the endpoint of a request is ejected once this has come of it.
fn ejects(act: impl Fn(&mut Exchange)) -> bool {
    let (mut lane, first) = attempting();
    act(&mut lane.exchange);
    is_ejected(lane, first)
}

#[tokio::test(start_paused = true)]
async fn one_that_responds_too_late_has_failed() {
    for (after, ejected) in [(SLOW, false), (SLOW + Duration::from_millis(1), true)] {
        let (mut lane, first) = attempting();
        tokio::time::advance(after).await;
        assert!(lane.exchange.response_head(200, true).is_continue());
        assert_eq!(is_ejected(lane, first), ejected, "{after:?}");
    }
}

#[test]
fn an_endpoint_without_a_response_has_failed() {
    for failure in [REFUSED, BROKEN, failure(UpstreamFault::TimedOut), failure(UpstreamFault::Invalid)] {
        assert!(ejects(|exchange| exchange.failed(failure)), "{failure:?}");
    }
}

#[test]
fn so_has_one_that_is_not_available() {
    for status in [200, 404, 500, 501, 502, 503, 504, 505] {
        let answers = |exchange: &mut Exchange| assert!(exchange.response_head(status, true).is_continue());
        assert_eq!(ejects(answers), matches!(status, 502..=504), "{status}");
    }
}

#[test]
fn what_is_not_its_fault_is_no_failure() {
    for failure in [STALE, Failure::ClientGone, Failure::ClientTimeout, Failure::ClientMalformed, Failure::Internal] {
        assert!(!ejects(|exchange| exchange.failed(failure)), "{failure:?}");
    }
    let breaks_off = |exchange: &mut Exchange| {
        assert!(exchange.response_head(200, true).is_continue());
        exchange.failed(BROKEN);
    };
    assert!(!ejects(breaks_off), "its response has begun");
}
