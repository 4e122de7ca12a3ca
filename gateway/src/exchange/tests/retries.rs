//! When another endpoint is tried.

use super::*;
use crate::config::{Again, Deadlines, Retries, RetryCondition, RetryConditions};
use crate::telemetry::fixture::sample;
use std::num::NonZero;
use std::time::Duration;

const REFUSED: Failure = Failure::Connect { timed_out: false };
const LATE: Failure = failure(UpstreamFault::TimedOut);
const INVALID: Failure = failure(UpstreamFault::Invalid);

/// A lane with a request whose backend has endpoints from 1 to this.
fn lane(method: &Method, endpoints: u8, retries: Retries) -> Lane {
    let endpoints: Vec<_> = (1..=endpoints).collect();
    let backend = BackendPolicies { retries, ..BackendPolicies::DEFAULT };
    Lane::of(update_with(&endpoints, RoutePolicies::default(), backend), method, &[])
}

fn on(conditions: &[RetryCondition]) -> Retries {
    let on = conditions.iter().fold(RetryConditions::NONE, |set, condition| set.with(*condition));
    Retries { on, ..Retries::DEFAULT }
}

/// Whether a request with this method is sent to another endpoint after this failure of the first.
fn goes_on(method: &Method, retries: Retries, failure: Failure) -> bool {
    let mut lane = lane(method, 2, retries);
    let first = lane.attempt().address;
    lane.exchange.failed(failure);
    match lane.exchange.next_step() {
        Step::Attempt(second) => second.address != first,
        Step::Reply(_) => false,
        step => panic!("{step:?}"),
    }
}

#[test]
fn endpoints_that_cannot_be_reached_are_tried_once_each() {
    let mut lane = Lane::new(&[1, 2], RoutePolicies::default());
    let first = lane.attempt().address;
    lane.exchange.failed(REFUSED);
    let second = lane.attempt().address;
    assert_ne!(first, second);
    lane.exchange.failed(Failure::Connect { timed_out: true });
    assert_eq!(lane.reply(), (504, Reason::UpstreamTimeout));
    assert_eq!(lane.reply(), (504, Reason::UpstreamTimeout), "it stays so");
    let (line, metrics) = lane.finish(Some(504));
    assert_eq!(line, "504 502, 504 7 107 shop");
    assert!(metrics.contains("reason=\"upstream-timeout\""), "{metrics}");
}

#[test]
fn tries_are_limited() {
    for (tries, attempts) in [(1, 1), (2, 2), (3, 3), (9, 5), (0, 5)] {
        let mut lane = lane(&Method::GET, 5, Retries { tries: NonZero::new(tries), ..Retries::DEFAULT });
        for _ in 0..attempts {
            lane.attempt();
            lane.exchange.failed(REFUSED);
        }
        assert_eq!(lane.reply(), (502, Reason::UpstreamFailed), "{tries}");
    }
    assert_eq!(Retries::DEFAULT.tries, NonZero::new(3));
}

#[tokio::test(start_paused = true)]
async fn the_time_for_tries_is_limited() {
    const SECOND: Duration = Duration::from_secs(1);
    let mut lane = lane(&Method::GET, 3, Retries { timeout: Some(2 * SECOND), ..Retries::DEFAULT });
    for _ in 0..2 {
        lane.attempt();
        tokio::time::advance(SECOND).await;
        lane.exchange.failed(REFUSED);
    }
    assert_eq!(lane.reply(), (502, Reason::UpstreamFailed), "two seconds after the first began");
}

#[tokio::test(start_paused = true)]
async fn deadlines_are_those_of_an_attempt_and_of_all_of_them() {
    const SECOND: Duration = Duration::from_secs(1);
    let deadlines = Deadlines { request: Some(3 * SECOND), attempt: Some(2 * SECOND) };
    let backend = BackendPolicies { deadlines, ..BackendPolicies::DEFAULT };
    let mut lane = Lane::of(update_with(&[1, 2, 3], RoutePolicies::default(), backend), &Method::GET, &[]);
    let start = tokio::time::Instant::now();
    assert_eq!(lane.attempt().deadline, Some(start + 2 * SECOND));
    tokio::time::advance(2 * SECOND).await;
    lane.exchange.failed(LATE);
    assert_eq!(lane.attempt().deadline, Some(start + 3 * SECOND));
    tokio::time::advance(SECOND).await;
    lane.exchange.failed(LATE);
    assert_eq!(lane.reply(), (504, Reason::UpstreamTimeout), "no third endpoint is tried");
    assert_eq!(Lane::new(&[1], RoutePolicies::default()).attempt().deadline, None);
}

/// The pause before another attempt.
fn pause(lane: &mut Lane) -> Duration {
    match lane.exchange.next_step() {
        Step::Wait(pause) => pause,
        step => panic!("no pause: {step:?}"),
    }
}

#[test]
fn endpoints_are_tried_again_once_each_has_been() {
    const PAUSE: Duration = Duration::from_millis(25);
    let again = Some(Again { pause: PAUSE, before_each: false });
    let mut lane = lane(&Method::GET, 2, Retries { tries: NonZero::new(5), again, ..on(&[RetryCondition::Http503]) });
    let mut tried = Vec::new();
    for attempt in 0..4 {
        tried.push(lane.attempt().address);
        assert!(lane.exchange.response_head(503, true).is_break(), "{attempt}");
        match attempt {
            1 => assert_eq!(pause(&mut lane), PAUSE, "the first"),
            3 => assert!((PAUSE..=2 * PAUSE).contains(&pause(&mut lane))),
            _ => {}
        }
    }
    assert!(tried[0] != tried[1] && tried[2] != tried[3], "{tried:?}");
    lane.attempt();
    assert!(lane.exchange.response_head(503, true).is_continue(), "five tries");
}

#[test]
fn pauses_grow_to_ten_times_the_first() {
    const PAUSE: Duration = Duration::from_secs(1);
    let again = Some(Again { pause: PAUSE, before_each: true });
    let mut lane = lane(&Method::GET, 1, Retries { tries: NonZero::new(100), again, ..Retries::DEFAULT });
    for longest in [1, 2, 4, 8, 10, 10] {
        lane.attempt();
        lane.exchange.failed(REFUSED);
        let pause = pause(&mut lane);
        assert!((PAUSE..=longest * PAUSE).contains(&pause), "{pause:?} of {longest}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_pause_is_longer_than_the_time_of_the_request() {
    const SECOND: Duration = Duration::from_secs(1);
    let again = Some(Again { pause: 2 * SECOND, before_each: true });
    let retries = Retries { again, ..Retries::DEFAULT };
    let deadlines = Deadlines { request: Some(SECOND), attempt: None };
    let backend = BackendPolicies { retries, deadlines, ..BackendPolicies::DEFAULT };
    let mut lane = Lane::of(update_with(&[1, 2], RoutePolicies::default(), backend), &Method::GET, &[]);
    lane.attempt();
    lane.exchange.failed(REFUSED);
    assert_eq!(lane.reply(), (502, Reason::UpstreamFailed));
}

#[test]
fn each_failure_has_its_word() {
    let failures = [
        (REFUSED, RetryCondition::Error),
        (BROKEN, RetryCondition::Error),
        (Failure::Connect { timed_out: true }, RetryCondition::Timeout),
        (LATE, RetryCondition::Timeout),
        (INVALID, RetryCondition::InvalidHeader),
    ];
    for (failure, its_own) in failures {
        for condition in RetryCondition::ALL {
            let goes_on = goes_on(&Method::GET, on(&[condition]), failure);
            assert_eq!(goes_on, condition == its_own, "{failure:?} {condition:?}");
        }
        let by_default = goes_on(&Method::GET, Retries::DEFAULT, failure);
        assert_eq!(by_default, its_own != RetryCondition::InvalidHeader, "{failure:?}");
    }
}

#[test]
fn what_an_endpoint_may_have_acted_on_is_not_sent_again_if_that_does_it_twice() {
    const UNTOUCHED: Failure =
        Failure::Upstream { fault: UpstreamFault::Closed, stale: false, untouched: true, replayable: true };
    let by_word = Retries { on: Retries::DEFAULT.on.with(RetryCondition::NonIdempotent), ..Retries::DEFAULT };
    let by_key = Retries { non_idempotent: true, ..Retries::DEFAULT };
    let methods = [b"POST", b"LOCK" as &[u8], b"PATCH"].map(|name| Method::from_bytes(name).expect("a method"));
    for method in &methods {
        assert!(!goes_on(method, Retries::DEFAULT, BROKEN) && !goes_on(method, Retries::DEFAULT, LATE), "{method}");
        assert!(goes_on(method, Retries::DEFAULT, REFUSED) && goes_on(method, Retries::DEFAULT, UNTOUCHED), "{method}");
        assert!(goes_on(method, by_word, BROKEN) && goes_on(method, by_key, BROKEN), "{method}");
        assert!(!goes_on(method, on(&[RetryCondition::NonIdempotent]), BROKEN), "it is a condition beside others");
    }
    assert!(goes_on(&Method::PUT, Retries::DEFAULT, BROKEN) && goes_on(&Method::DELETE, Retries::DEFAULT, LATE));
}

#[test]
fn a_body_that_is_lost_is_not_sent_again() {
    let lost = Failure::Upstream { fault: UpstreamFault::Closed, stale: true, untouched: false, replayable: false };
    assert!(!goes_on(&Method::PUT, Retries { non_idempotent: true, ..Retries::DEFAULT }, lost));
    let mut lane = lane(&Method::PUT, 2, on(&[RetryCondition::Http503]));
    lane.attempt();
    assert!(lane.exchange.response_head(503, false).is_continue());
}

#[test]
fn responses_with_a_status_are_passed_over_while_there_is_another_endpoint() {
    let mut lane = lane(&Method::GET, 2, on(&[RetryCondition::Http503, RetryCondition::Http404]));
    let first = lane.attempt().address;
    assert!(lane.exchange.response_head(503, true).is_break());
    assert_ne!(lane.attempt().address, first);
    assert!(lane.exchange.response_head(404, true).is_continue(), "no other is left");
    assert!(!lane.exchange.is_settled());
    let (line, metrics) = lane.finish(Some(404));
    assert_eq!(line, "404 503, 404 7 107 shop");
    assert_eq!(sample(&metrics, "adit_retries_total", "reason=\"http_503\""), Some(1.0), "{metrics}");
}

#[test]
fn each_status_has_its_word() {
    for status in [200, 301, 400, 403, 404, 429, 500, 501, 502, 503, 504] {
        for condition in RetryCondition::ALL {
            let mut lane = lane(&Method::GET, 2, on(&[condition]));
            lane.attempt();
            let passed_over = lane.exchange.response_head(status, true).is_break();
            assert_eq!(passed_over, RetryCondition::of_status(status) == Some(condition), "{status} {condition:?}");
        }
    }
    let mut post = lane(&Method::POST, 2, on(&[RetryCondition::Http503]));
    post.attempt();
    assert!(post.exchange.response_head(503, true).is_continue(), "the endpoint has got it");
}

#[test]
fn a_stale_connection_is_not_its_endpoints_fault() {
    let off = Retries { on: RetryConditions::NONE, ..Retries::DEFAULT };
    for retries in [Retries { tries: NonZero::new(1), ..Retries::DEFAULT }, off] {
        let mut lane = lane(&Method::GET, 1, retries);
        assert!(!lane.attempt().fresh);
        lane.exchange.connected(true);
        lane.exchange.failed(STALE);
        let again = lane.attempt();
        assert!(again.fresh && again.address == address(1), "the only endpoint, over a new connection");
        lane.exchange.connected(false);
        lane.exchange.failed(STALE);
        assert_eq!(lane.reply(), (502, Reason::UpstreamFailed), "once is enough");
        let (line, metrics) = lane.finish(Some(502));
        assert_eq!(line, "502 502, 502 7 107 shop");
        assert_eq!(sample(&metrics, "adit_retries_total", "reason=\"stale\""), Some(1.0), "{metrics}");
    }
    let mut post = lane(&Method::POST, 2, Retries::DEFAULT);
    post.attempt();
    post.exchange.failed(STALE);
    assert_eq!(post.reply(), (502, Reason::UpstreamFailed), "the endpoint may have got it");
}

#[test]
fn nothing_is_sent_again_after_a_byte_of_the_answer() {
    for failure in [STALE, BROKEN, LATE] {
        let mut lane = Lane::new(&[1, 2], RoutePolicies::default());
        lane.attempt();
        assert!(lane.exchange.response_head(200, true).is_continue());
        lane.exchange.failed(failure);
        assert_eq!(lane.reply().0, if failure == LATE { 504 } else { 502 });
        assert_eq!(lane.finish(Some(200)).0, "200 200 7 107 shop");
    }
    let mut lane = Lane::new(&[1, 2], RoutePolicies::default());
    lane.attempt();
    assert!(lane.exchange.interim_response().is_continue());
    lane.exchange.failed(BROKEN);
    assert_eq!(lane.reply().0, 502, "an interim response has gone out");
}

/// Of so many requests whose first endpoint fails so, how many go to the other one.
fn sent_again(lane: &mut Lane, requests: usize, failure: Failure) -> usize {
    let mut again = 0;
    for _ in 0..requests {
        lane.exchange = Exchange::begin(&lane.context, arrival(), &view(&lane.headers));
        lane.attempt();
        lane.exchange.failed(failure);
        again += usize::from(matches!(lane.exchange.next_step(), Step::Attempt(_)));
    }
    again
}

#[test]
fn a_backend_has_a_budget_of_retries() {
    let with = |percent| lane(&Method::GET, 2, Retries { budget: NonZero::new(percent), ..Retries::DEFAULT });
    let mut backend = with(25);
    assert_eq!(sent_again(&mut backend, 100, BROKEN), 100, "they were saved up");
    sent_again(&mut backend, 100, BROKEN);
    assert_eq!(sent_again(&mut backend, 400, BROKEN), 100, "a quarter");
    assert_eq!(sent_again(&mut backend, 400, REFUSED), 400, "the other endpoint gets no more than its requests");
    let (_, metrics) = backend.finish(Some(502));
    assert!(metrics.contains("adit_refused_retries_total{reason=\"budget\""), "{metrics}");
    assert_eq!(sent_again(&mut with(0), 400, BROKEN), 400, "no limit");
    assert_eq!(sent_again(&mut lane(&Method::GET, 2, Retries::DEFAULT), 400, BROKEN), 400, "one for each request");
}

#[test]
fn a_response_is_passed_on_where_the_budget_is_spent() {
    let retries = Retries { budget: NonZero::new(1), ..on(&[RetryCondition::Error, RetryCondition::Http503]) };
    let mut lane = lane(&Method::GET, 2, retries);
    sent_again(&mut lane, 150, BROKEN);
    lane.exchange = Exchange::begin(&lane.context, arrival(), &view(&lane.headers));
    lane.attempt();
    assert!(lane.exchange.response_head(503, true).is_continue());
}

#[test]
fn a_default_backend_has_tries_of_its_own() {
    let policies = RoutePolicies { default_backend: Some(service("auth")), ..RoutePolicies::default() };
    let mut lane = Lane::new(&[], policies);
    let first = lane.attempt().address;
    lane.exchange.failed(REFUSED);
    let second = lane.attempt().address;
    assert!([first, second] == [address(88), address(89)] || [first, second] == [address(89), address(88)]);
    lane.exchange.failed(REFUSED);
    assert_eq!(lane.reply(), (502, Reason::UpstreamFailed));
}
