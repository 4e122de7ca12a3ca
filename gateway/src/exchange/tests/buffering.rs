//! Responses that wait for their clients.

use super::Lane;
use super::edits::Response;
use crate::config::{ResponseBuffering, RoutePolicies};
use http::{HeaderMap, HeaderName, HeaderValue};

fn is_queued(on: bool, ignores_header: bool, wishes: &[&'static str]) -> bool {
    let response_buffering = ResponseBuffering { on, ignores_header, ..ResponseBuffering::default() };
    let mut lane = Lane::new(&[1], RoutePolicies { response_buffering, ..RoutePolicies::default() });
    lane.attempt();
    let name = HeaderName::from_static("x-accel-buffering");
    let headers = wishes.iter().map(|wish| (name.clone(), HeaderValue::from_static(wish)));
    lane.exchange.response_queue(&Response(200, HeaderMap::from_iter(headers))).is_some()
}

#[test]
fn a_response_chooses_unless_that_is_ignored() {
    for on in [false, true] {
        assert_eq!(is_queued(on, false, &[]), on);
        assert_eq!(is_queued(on, false, &["1"]), on);
        assert!(is_queued(on, false, &["YES"]) && is_queued(on, false, &["no", "yes"]));
        assert!(!is_queued(on, false, &["No"]));
        assert_eq!((is_queued(on, true, &["yes"]), is_queued(on, true, &["no"])), (on, on));
    }
}

#[test]
fn a_large_head_is_taken_where_the_buffer_says_so() {
    for (head, largest) in [(0, 64 << 10), (64 << 10, 64 << 10), (128 << 10, 128 << 10), (1 << 40, 256 << 10)] {
        let response_buffering = ResponseBuffering { head, ..ResponseBuffering::default() };
        let mut lane = Lane::new(&[1], RoutePolicies { response_buffering, ..RoutePolicies::default() });
        assert_eq!(lane.attempt().largest_head, largest);
    }
}

#[test]
fn an_endpoint_that_has_sent_all_is_done_before_its_client() {
    let mut lane = Lane::new(&[1], RoutePolicies::default());
    lane.attempt();
    lane.exchange.connected(false);
    assert!(lane.exchange.response_head(200, true).is_continue());
    assert!(lane.exchange.attempts.endpoint().is_some());
    lane.exchange.endpoint_done(1000);
    assert!(lane.exchange.attempts.endpoint().is_none());
    assert_eq!(lane.exchange.attempts.ended()[0].response_length, 1000);
    let (line, _) = lane.finish(Some(200));
    assert!(line.starts_with("200 200 7 "), "{line}");
}
