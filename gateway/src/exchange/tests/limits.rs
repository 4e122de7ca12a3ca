use super::{BROKEN, Lane, arrival, view};
use crate::config::{
    ClientLimits, LimitZone, Limits, RequestLimit, RequestZone, ResponseRate, RoutePolicies, SnippetLimits, Template,
};
use crate::exchange::{Exchange, Failure, Step};
use crate::request::Reason;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::advance;

const TOO_FAST: (u16, Reason) = (503, Reason::RequestLimit);
const TOO_MANY: (u16, Reason) = (503, Reason::ConnectionLimit);

/// A lane with a first request, of a client with limits.
fn lane(change: impl FnOnce(&mut ClientLimits)) -> Lane {
    let mut limits = ClientLimits {
        zone: "default/shop".into(),
        per_second: None,
        per_minute: None,
        burst_multiplier: NonZero::<u32>::MIN,
        connections: None,
        exempt: [].into(),
    };
    change(&mut limits);
    Lane::new(&[1], RoutePolicies { client_limits: Some(limits), ..RoutePolicies::default() })
}

impl Lane {
    /// One more request of the same client.
    fn another(&self) -> Exchange {
        Exchange::begin(&self.context, arrival(), &view(&self.headers))
    }
}

/// Why a request is refused.
fn refusal(mut exchange: Exchange) -> Option<(u16, Reason)> {
    match exchange.next_step() {
        Step::Attempt(_) => None,
        Step::Reply(reply) => Some((reply.status, reply.reason)),
        step => panic!("neither forwarded nor refused: {step:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_is_forgiven_as_time_goes_by() {
    let lane = lane(|limits| limits.per_second = NonZero::new(2));
    for expected in [None, None, Some(TOO_FAST), Some(TOO_FAST)] {
        assert_eq!(refusal(lane.another()), expected);
    }
    advance(Duration::from_millis(499)).await;
    assert_eq!(refusal(lane.another()), Some(TOO_FAST));
    advance(Duration::from_millis(1)).await;
    for expected in [None, Some(TOO_FAST)] {
        assert_eq!(refusal(lane.another()), expected);
    }
    advance(Duration::from_secs(60)).await;
    assert_eq!([(); 5].map(|()| refusal(lane.another())), [None, None, None, Some(TOO_FAST), Some(TOO_FAST)]);
}

#[test]
fn a_client_without_limits_is_not_counted() {
    let lane = lane(|limits| {
        (limits.per_minute, limits.connections) = (NonZero::new(1), NonZero::new(1));
        limits.exempt = ["10.0.0.200/32".parse().expect("a network")].into();
    });
    let others: Vec<_> = (0..20).map(|_| lane.another()).collect();
    assert!(others.into_iter().all(|other| refusal(other).is_none()));
}

#[test]
fn a_request_counts_until_it_ends() {
    for failure in [None, Some(Failure::ClientGone), Some(BROKEN)] {
        let mut lane = lane(|limits| limits.connections = NonZero::new(1));
        lane.attempt();
        assert_eq!(refusal(lane.another()), Some(TOO_MANY));
        match failure {
            Some(failure) => lane.exchange.failed(failure),
            None => assert!(lane.exchange.response_head(200, true).is_continue()),
        }
        assert_eq!(refusal(lane.another()), Some(TOO_MANY), "its response is on its way");
        let context = lane.context.clone();
        let headers = lane.headers.clone();
        lane.finish(Some(200));
        assert_eq!(refusal(Exchange::begin(&context, arrival(), &view(&headers))), None, "{failure:?}");
    }
}

#[test]
fn a_request_that_is_dropped_counts_no_longer() {
    let lane = lane(|limits| limits.connections = NonZero::new(2));
    let second = lane.another();
    assert_eq!(refusal(lane.another()), Some(TOO_MANY));
    drop(second);
    assert_eq!(refusal(lane.another()), None);
}

#[tokio::test(start_paused = true)]
async fn a_response_is_paced() {
    let response_rate = ResponseRate { bytes_per_second: NonZero::new(1000), after: 500 };
    let mut lane = Lane::new(&[1], RoutePolicies { response_rate, ..RoutePolicies::default() });
    assert_eq!(lane.attempt().largest_piece, 1000);
    assert!(lane.exchange.response_head(200, true).is_continue());
    assert_eq!(lane.exchange.pause(700), None);
    assert_eq!(lane.exchange.pause(1000), Some(Duration::from_millis(200)));
    advance(Duration::from_millis(200)).await;
    assert_eq!(lane.exchange.pause(1), Some(Duration::from_secs(1)));
    let mut unlimited = Lane::new(&[1], RoutePolicies::default());
    assert_eq!(unlimited.attempt().largest_piece, usize::MAX);
    assert_eq!(unlimited.exchange.pause(1 << 30), None);
}

/// A lane with a first request, of a route whose snippets let a client make one request a minute.
fn limited_by_snippet(change: impl FnOnce(&mut SnippetLimits)) -> Lane {
    let key = Template::parse("$remote_addr").expect("a key");
    let zone = LimitZone { name: "clients".into(), key, clients: 100 };
    let zone = RequestZone { zone, rate: NonZero::<u32>::MIN, per_minute: true };
    let limit = RequestLimit { zone: Arc::new(zone), burst: 0, delay: 0 };
    let requests = Limits { limits: [limit].into(), ..Limits::default() };
    let mut limits = SnippetLimits { requests, ..SnippetLimits::default() };
    change(&mut limits);
    Lane::new(&[1], RoutePolicies { snippet_limits: Some(limits), ..RoutePolicies::default() })
}

#[test]
fn snippets_limit_requests() {
    assert_eq!(refusal(limited_by_snippet(|_| {}).another()), Some(TOO_FAST));
    let with_status = limited_by_snippet(|limits| limits.requests.status = Some(429));
    assert_eq!(refusal(with_status.another()), Some((429, Reason::RequestLimit)));
    let tried = limited_by_snippet(|limits| limits.requests.dry_run = true);
    assert_eq!(refusal(tried.another()), None);
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_their_turn() {
    let with_burst = |limits: &mut SnippetLimits| {
        let limit = RequestLimit { burst: 2, delay: 1, ..limits.requests.limits[0].clone() };
        limits.requests.limits = [limit].into();
    };
    let lane = limited_by_snippet(with_burst);
    assert_eq!(refusal(lane.another()), None, "one goes on at once");
    let mut waiting = lane.another();
    assert!(matches!(waiting.next_step(), Step::Wait(time) if time == Duration::from_millis(62_500)));
    assert_eq!(refusal(waiting), None, "it waits once");
    assert_eq!(refusal(lane.another()), Some(TOO_FAST));
    let tried = limited_by_snippet(|limits| {
        with_burst(limits);
        limits.requests.dry_run = true;
    });
    assert_eq!([(); 4].map(|()| refusal(tried.another())), [None; 4]);
}
