//! Errors that another backend answers.

use super::*;
use crate::config::{CustomErrors, SourceRanges};
use crate::exchange::{ReceivedHead, ResponseEdits};

fn policies(statuses: &[u16]) -> RoutePolicies {
    let errors = CustomErrors { statuses: statuses.into(), backend: Some(service("spare")), ..CustomErrors::default() };
    RoutePolicies { custom_errors: errors, ..RoutePolicies::default() }
}

const SPARE: u8 = 99;

#[test]
fn the_response_of_an_endpoint_is_replaced() {
    let mut lane = Lane::new(&[1], policies(&[404]));
    lane.attempt();
    assert!(lane.exchange.response_head(404, true).is_break());
    assert_eq!(lane.attempt().address, address(SPARE));
    assert!(!lane.exchange.forwards_body());
    assert!(lane.exchange.response_head(404, true).is_continue(), "it is not replaced again");
    assert_eq!(lane.finish(Some(404)).0, "404 404, 404 7 107 shop");
}

/// A response that asks for credentials in two ways.
#[derive(Clone, Copy)]
struct Challenging<'a>(u16, &'a [HeaderValue]);

impl ReceivedHead for Challenging<'_> {
    fn status(&self) -> u16 {
        self.0
    }

    fn challenges(&self) -> impl Iterator<Item = &[u8]> {
        self.1.iter().map(HeaderValue::as_bytes)
    }
}

#[test]
fn what_is_in_place_of_a_401_has_its_challenges() {
    let challenges = ["Basic realm=\"a\"", "Bearer"].map(HeaderValue::from_static);
    for (status, own, expected) in [(401, 200, &challenges[..]), (403, 200, &[])] {
        let mut lane = Lane::new(&[1], policies(&[status]));
        lane.attempt();
        assert!(lane.exchange.response_head(Challenging(status, &challenges), true).is_break());
        assert_eq!(lane.attempt().address, address(SPARE));
        let mut response = edits::Response(own, HeaderMap::new());
        lane.exchange.respond(&view(&lane.headers), false, &mut response);
        let found: Vec<_> = response.values("www-authenticate").collect();
        assert_eq!(found, expected.iter().map(HeaderValue::as_bytes).collect::<Vec<_>>(), "{status}");
    }
}

#[test]
fn other_responses_are_passed_on() {
    let mut lane = Lane::new(&[1], policies(&[404]));
    lane.attempt();
    assert!(lane.exchange.response_head(503, true).is_continue());
    let mut kept = policies(&[404]);
    kept.custom_errors.keeps_responses = true;
    let mut lane = Lane::new(&[1], kept);
    lane.attempt();
    assert!(lane.exchange.response_head(404, true).is_continue());
}

#[test]
fn an_error_of_ours_is_replaced_once() {
    let mut lane = Lane::new(&[1, 2, 3, 4], policies(&[502]));
    for _ in 0..3 {
        assert_ne!(lane.attempt().address, address(SPARE));
        lane.exchange.failed(Failure::Connect { timed_out: false });
    }
    assert_eq!(lane.attempt().address, address(SPARE));
    lane.exchange.failed(Failure::Connect { timed_out: true });
    assert_eq!(lane.reply(), (502, Reason::UpstreamFailed), "that of the backend, and not 504 of this one");
    assert_eq!(lane.finish(Some(502)).0, "502 502, 502, 502, 504 7 107 shop");
}

#[test]
fn a_body_that_grows_too_large_is_answered_by_the_other_backend() {
    let mut lane = Lane::new(&[1], RoutePolicies { body_limit: Some(5), ..policies(&[413]) });
    lane.attempt();
    assert!(lane.exchange.request_body(6).is_break());
    assert_eq!(lane.attempt().address, address(SPARE));
    assert_eq!(lane.finish(Some(200)).0, "200 413, - 7 107 shop");
}

#[test]
fn nothing_is_replaced_once_a_response_has_begun() {
    let mut lane = Lane::new(&[1], policies(&[502]));
    lane.attempt();
    assert!(lane.exchange.response_head(200, true).is_continue());
    lane.exchange.failed(BROKEN);
    assert_eq!(lane.reply(), (502, Reason::UpstreamFailed));
}

#[test]
fn what_is_wrong_with_the_client_stays_ours() {
    for (failure, status) in [(Failure::ClientTimeout, 408), (Failure::ClientMalformed, 400)] {
        let mut lane = Lane::new(&[1], policies(&[status]));
        lane.attempt();
        lane.exchange.failed(failure);
        assert_eq!(lane.reply().0, status);
    }
}

#[test]
fn who_is_refused_keeps_the_status_and_does_not_get_to_the_backend() {
    let refusing = |backend| {
        let mut policies = policies(&[403]);
        policies.custom_errors.backend = Some(service(backend));
        let allow = Some(["192.0.2.1/32".parse().expect("a network")].into());
        Lane::new(&[1], RoutePolicies { source_ranges: SourceRanges { allow, ..SourceRanges::default() }, ..policies })
    };
    assert_eq!(refusing("shop").reply(), (403, Reason::SourceRange));
    let mut lane = refusing("spare");
    assert_eq!(lane.attempt().address, address(SPARE));
    assert!(lane.exchange.response_head(200, true).is_continue());
    let mut response = edits::Response(200, HeaderMap::new());
    lane.exchange.respond(&view(&lane.headers), false, &mut response);
    assert_eq!(response.0, 403);
}
