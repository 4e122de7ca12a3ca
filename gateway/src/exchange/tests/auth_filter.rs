//! The filter `ExternalAuth` of Gateway API.

use super::auth::server;
use super::{Lane, address, arrival, view};
use crate::buffer::BufferLimits;
use crate::config::{AuthFilter, AuthProtocol, ExternalAuth, RoutePolicies, Template};
use crate::connection::BodyFraming;
use crate::exchange::{Exchange, Failure, Step};
use crate::request::{Reason, RequestView};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};

fn filter() -> AuthFilter {
    let names = ["authorization".into(), "x-token".into(), "x-real-ip".into()];
    AuthFilter {
        protocol: AuthProtocol::Http,
        request_headers: Some(names.into()),
        copies_all: true,
        body_memory: None,
    }
}

fn policies(filter: AuthFilter) -> RoutePolicies {
    let target = Template::parse("/check$request_uri").expect("a template");
    let server = ExternalAuth { target, response_headers: [].into(), filter: Some(filter), ..server() };
    RoutePolicies { external_auth: Some(server), ..RoutePolicies::default() }
}

fn lane(headers: &[(HeaderName, &str)]) -> Lane {
    Lane::with(&[1], policies(filter()), headers)
}

/// A lane whose request has a body, for an auth server that gets it.
fn lane_with_body() -> Lane {
    let mut lane = Lane::with(&[1], policies(AuthFilter { body_memory: Some(10), ..filter() }), &[]);
    let request = RequestView { version: Version::HTTP_2, ..view(&lane.headers) };
    lane.exchange = Exchange::begin(&lane.context, arrival(), &request);
    lane
}

impl Lane {
    fn is_asked(&mut self) -> bool {
        matches!(self.exchange.next_step(), Step::Ask(_))
    }
}

#[test]
fn the_auth_server_gets_what_the_filter_names_and_what_it_always_gets() {
    let named = |name| HeaderName::from_static(name);
    let lane = lane(&[
        (header::AUTHORIZATION, "Basic x"),
        (named("x-token"), "a"),
        (named("x-token"), "b"),
        (named("x-other"), "c"),
        (named("x-real-ip"), "192.0.2.1"),
        (header::CONTENT_LENGTH, "7"),
        (header::COOKIE, "a=b"),
    ]);
    let request = RequestView { method: &Method::PUT, ..view(&lane.headers) };
    let asked = lane.exchange.auth_request(&request, Bytes::from_static(b"abc")).expect("a request");
    assert_eq!((&asked.method, &*asked.target, &*asked.body), (&Method::PUT, &b"/check/"[..], &b"abc"[..]));
    let mut headers: Vec<_> = asked.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    headers.sort_unstable();
    let expected: [(&str, &[u8]); 7] = [
        ("authorization", b"Basic x"),
        ("content-length", b"3"),
        ("host", b"h"),
        ("x-adit-auth-depth", b"1"),
        ("x-real-ip", b"10.0.0.200"),
        ("x-token", b"a"),
        ("x-token", b"b"),
    ];
    assert_eq!(headers, expected);
}

#[test]
fn what_nobody_has_named_takes_the_place_of_what_a_client_claims() {
    let mut lane = lane(&[
        (HeaderName::from_static("x_user"), "forged"),
        (HeaderName::from_static("x-user"), "forged"),
        (HeaderName::from_static("x-other"), "a"),
    ]);
    assert!(lane.is_asked());
    lane.respond(200, &[("x-user", "ann"), ("x-groups", "a"), ("x-groups", "b"), ("content-length", "9")]);
    lane.attempt();
    let mut forwarded = lane.headers.map().clone();
    lane.exchange.forward(&view(&lane.headers), &mut forwarded);
    assert_eq!(
        (&forwarded["x-user"], &forwarded["x-groups"], &forwarded["x-other"]),
        (&HeaderValue::from_static("ann"), &HeaderValue::from_static("a, b"), &HeaderValue::from_static("a"),)
    );
    assert!(!forwarded.contains_key("x_user") && !forwarded.contains_key("content-length"), "{forwarded:?}");
}

#[test]
fn a_client_gets_the_answer_of_an_auth_server_that_does_not_let_it_in() {
    let mut lane = lane(&[]);
    assert!(lane.is_asked());
    let cookies = [("set-cookie", "a=b"), ("set-cookie", "c=d")]
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let answer = HeaderMap::from_iter(cookies);
    lane.exchange.auth_response(&view(&lane.headers), (418, &answer), Some(Bytes::from_static(b"no")));
    let Step::Reply(reply) = lane.exchange.next_step() else { panic!("no reply") };
    assert_eq!((reply.status, reply.reason), (418, Reason::AuthDenied));
    let rendered = lane.exchange.render(&reply, &lane.headers);
    assert_eq!((rendered.status, &*rendered.body), (418, &b"no"[..]));
    assert_eq!(rendered.passed.as_deref(), Some(&answer));
}

#[test]
fn an_auth_server_that_gets_the_body_is_asked_once_that_is_there() {
    let mut lane = lane_with_body();
    assert!(matches!(lane.exchange.next_step(), Step::Buffer));
    let limits = lane.exchange.buffer(BodyFraming::Length(3));
    assert_eq!(limits, Some(BufferLimits { memory: 10, files: 0 }));
    assert!(lane.is_asked());
    lane.respond(200, &[]);
    assert_eq!(lane.attempt().address, address(1), "the body is held back already");
    let mut without = lane_with_body();
    assert!(matches!(without.exchange.next_step(), Step::Buffer));
    assert_eq!(without.exchange.buffer(BodyFraming::None), None);
    assert!(without.is_asked());
}

#[test]
fn a_body_that_does_not_come_is_the_clients_fault() {
    for (failure, reply) in [
        (Failure::ClientTimeout, (408, Reason::BodyTimeout)),
        (Failure::ClientMalformed, (400, Reason::MalformedBody)),
        (Failure::Internal, (500, Reason::AuthFailed)),
    ] {
        let mut lane = lane_with_body();
        assert!(matches!(lane.exchange.next_step(), Step::Buffer));
        assert!(lane.exchange.buffer(BodyFraming::Chunked).is_some());
        lane.exchange.failed(failure);
        assert_eq!(lane.reply(), reply);
    }
}
