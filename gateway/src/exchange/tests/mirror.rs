use super::{BROKEN, Lane, STALE, address, failure, service, view};
use crate::config::{BackendId, CustomErrors, Mirror, RoutePolicies, Share, Template};
use crate::connection::BodyFraming;
use crate::exchange::{Failure, MirrorRequest, UpstreamFault};
use http::{HeaderName, header};
use std::num::NonZero;

const REFUSED: Failure = Failure::Connect { timed_out: false };
const MIRRORED: HeaderName = HeaderName::from_static("x-adit-mirrored");

fn mirror() -> Mirror {
    let template = |text| Template::parse(text).expect("a template");
    Mirror {
        backend: service("auth"), // it has two endpoints
        share: None,
        tls_settings: None,
        http2: false,
        tls: true,
        server_name: "mirror.example".into(),
        target: template("/copies$request_uri"),
        host: template("mirror.example"),
        sends_body: true,
        mark: "default/shop".into(),
    }
}

fn policies(change: impl FnOnce(&mut Mirror)) -> RoutePolicies {
    let mut mirror = mirror();
    change(&mut mirror);
    RoutePolicies { mirrors: [mirror].into(), ..RoutePolicies::default() }
}

fn lane(change: impl FnOnce(&mut Mirror)) -> Lane {
    let mut lane = Lane::new(&[1, 2], policies(change));
    lane.attempt();
    lane
}

impl Lane {
    fn copy(&mut self, framing: BodyFraming) -> Option<MirrorRequest> {
        self.copies(framing).pop()
    }

    fn copies(&mut self, framing: BodyFraming) -> Vec<MirrorRequest> {
        self.exchange.mirror_requests(&view(&self.headers), framing)
    }

    /// Why copies were lost, and how many.
    fn lost(self) -> String {
        lost(&self.finish(Some(200)).1)
    }
}

fn lost(metrics: &str) -> String {
    let lines = metrics.lines().filter(|line| line.starts_with("adit_mirror_lost_copies_total{"));
    let reason = |line: &str| {
        let (_, labels) = line.split_once("reason=\"")?;
        Some(format!("{}: {}", labels.split_once('"')?.0, line.rsplit_once(' ')?.1))
    };
    let mut reasons: Vec<_> = lines.filter_map(reason).collect();
    reasons.sort();
    reasons.join(", ")
}

/// What has come of the body until nothing more is there, and whether that is all of it.
async fn body(copy: &mut MirrorRequest) -> (String, bool) {
    let source = copy.body.as_mut().expect("a body");
    let mut text = String::new();
    while let Some(pieces) = source.next().await {
        for piece in pieces {
            text.push_str(std::str::from_utf8(&piece.bytes).expect("text"));
            if piece.is_last {
                return (text, true);
            }
        }
    }
    (text, false)
}

#[test]
fn a_copy_is_of_the_request_as_its_client_sent_it_and_says_who_that_is() {
    let sent = [
        (header::AUTHORIZATION, "Bearer x"),
        (header::CONTENT_LENGTH, "9"),
        (header::CONNECTION, "x-hop"),
        (HeaderName::from_static("x-hop"), "1"),
        (header::PROXY_AUTHORIZATION, "Basic eA=="),
        (HeaderName::from_static("x-forwarded-for"), "192.0.2.7"),
        (HeaderName::from_static("ssl-client-verify"), "SUCCESS"),
        (MIRRORED, "other/one"),
    ];
    let mut lane = Lane::with(&[1], policies(|_| {}), &sent);
    lane.attempt();
    let copy = lane.copy(BodyFraming::Length(9)).expect("a copy");
    assert_eq!(
        (copy.head.method.as_str(), &*copy.head.target, copy.framing),
        ("GET", &b"/copies/"[..], BodyFraming::Length(9))
    );
    let all = |name: &HeaderName| {
        let values = copy.head.headers.get_all(name).iter().map(|value| value.to_str().expect("text"));
        values.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(all(&header::HOST), "mirror.example");
    assert_eq!(all(&header::AUTHORIZATION), "Bearer x");
    assert_eq!(all(&HeaderName::from_static("x-forwarded-for")), "10.0.0.200");
    assert_eq!(all(&HeaderName::from_static("x-original-forwarded-for")), "192.0.2.7");
    assert_eq!(all(&MIRRORED), "other/one, default/shop");
    for name in [header::CONTENT_LENGTH, header::CONNECTION, header::PROXY_AUTHORIZATION] {
        assert_eq!(all(&name), "", "{name}");
    }
    for name in ["x-hop", "ssl-client-verify"] {
        assert_eq!(all(&HeaderName::from_static(name)), "", "{name}");
    }
}

#[test]
fn a_host_that_no_header_can_have_is_the_targets() {
    let mut lane = lane(|mirror| mirror.host = Template::parse("$arg_none").expect("a template"));
    let copy = lane.copy(BodyFraming::None).expect("a copy");
    assert_eq!(copy.head.headers[header::HOST], "mirror.example");
}

#[test]
fn a_copy_that_comes_back_is_not_copied() {
    let mut lane = Lane::with(&[1], policies(|_| {}), &[(MIRRORED, "other/one, Default/Shop")]);
    lane.attempt();
    assert!(lane.copy(BodyFraming::None).is_none());
    assert_eq!(lane.lost(), "loop: 1");
}

#[tokio::test]
async fn the_body_is_copied_once_however_often_it_is_sent() {
    let mut lane = lane(|_| {});
    let mut copy = lane.copy(BodyFraming::Length(6)).expect("a copy");
    assert!(lane.exchange.request_piece(b"ab", false).is_continue());
    assert!(lane.exchange.request_piece(b"cd", false).is_continue());
    lane.exchange.failed(REFUSED);
    lane.attempt();
    assert!(lane.exchange.request_piece(b"abc", false).is_continue());
    assert!(lane.exchange.request_piece(b"de", false).is_continue());
    assert!(lane.exchange.request_piece(b"f", true).is_continue());
    assert_eq!(body(&mut copy).await, ("abcdef".to_owned(), true));
    assert_eq!(lane.lost(), "");
}

#[tokio::test]
async fn each_mirror_gets_the_body() {
    let other = Mirror { backend: service("spare"), mark: "default/other".into(), ..mirror() };
    let without_body = Mirror { sends_body: false, ..other.clone() };
    let mirrors = [mirror(), without_body, other].into();
    let mut lane =
        Lane::with(&[1], RoutePolicies { mirrors, ..RoutePolicies::default() }, &[(MIRRORED, "default/shop")]);
    lane.attempt();
    let mut copies = lane.copies(BodyFraming::Length(2));
    assert_eq!(copies.len(), 2, "the request is a copy for the first already");
    assert!(lane.exchange.request_piece(b"ab", true).is_continue());
    assert!(copies[0].body.is_none());
    assert_eq!(body(&mut copies[1]).await, ("ab".to_owned(), true));
    assert_eq!(copies[1].next_endpoint().expect("an endpoint").address, address(99));
    assert_eq!(lane.lost(), "loop: 1");
}

#[tokio::test]
async fn a_mirror_that_has_lost_its_copy_takes_none_from_the_others() {
    let mirrors = [mirror(), Mirror { backend: service("spare"), ..mirror() }].into();
    let mut lane = Lane::new(&[1], RoutePolicies { mirrors, ..RoutePolicies::default() });
    lane.attempt();
    let mut copies = lane.copies(BodyFraming::Length(4));
    assert!(lane.exchange.request_piece(b"ab", false).is_continue());
    drop(copies.remove(0));
    assert!(lane.exchange.request_piece(b"cd", true).is_continue());
    assert_eq!(body(&mut copies[0]).await, ("abcd".to_owned(), true));
}

#[test]
fn a_mirror_gets_its_share_of_requests() {
    let copied = |numerator| {
        let share = Share { numerator, denominator: NonZero::new(4).expect("a number") };
        let mut lane = lane(|mirror| mirror.share = Some(share));
        (0..400).filter(|_| lane.copy(BodyFraming::None).is_some()).count()
    };
    assert_eq!((copied(0), copied(4)), (0, 400));
    let half = copied(2);
    assert!((100..300).contains(&half), "{half}: ten standard deviations");
}

#[tokio::test]
async fn a_body_that_the_request_gives_up_is_none() {
    let mut lane = lane(|_| {});
    let mut copy = lane.copy(BodyFraming::Chunked).expect("a copy");
    copy.next_endpoint().expect("an endpoint");
    assert!(lane.exchange.request_piece(b"ab", false).is_continue());
    lane.exchange.failed(Failure::ClientGone);
    let context = lane.context.clone();
    let Lane { telemetry, exchange, .. } = lane;
    drop(exchange);
    assert_eq!(body(&mut copy).await, ("ab".to_owned(), false));
    copy.failed(BROKEN);
    assert!(copy.next_endpoint().is_none());
    drop(context);
    assert_eq!(lost(&telemetry.metrics().expect("encodes")), "cut-off: 1");
}

#[test]
fn what_the_mirror_does_not_take_in_time_costs_the_copy() {
    const PIECE: usize = 64 << 10;
    let mut policies = policies(|_| {});
    policies.body_limit = None;
    let mut lane = Lane::new(&[1], policies);
    lane.attempt();
    let copy = lane.copy(BodyFraming::Chunked).expect("a copy");
    for _ in 0..32 {
        assert!(lane.exchange.request_piece(&[b'x'; PIECE], false).is_continue());
    }
    drop(copy);
    assert_eq!(lane.lost(), "body-limit: 1");
}

#[test]
fn without_a_body_nothing_is_passed_on() {
    let mut lane = lane(|mirror| mirror.sends_body = false);
    let copy = lane.copy(BodyFraming::Length(2)).expect("a copy");
    assert!(copy.framing == BodyFraming::None && copy.body.is_none());
    assert!(lane.exchange.request_piece(b"ab", true).is_continue());
    assert_eq!(lane.lost(), "");
}

#[test]
fn endpoints_of_the_mirror_are_tried_once_each_as_long_as_they_have_seen_nothing() {
    let mut lane = lane(|_| {});
    let mut copy = lane.copy(BodyFraming::None).expect("a copy");
    let first = copy.next_endpoint().expect("an endpoint");
    assert_eq!(first.tls.and_then(|tls| tls.server_name).as_deref(), Some("mirror.example"));
    assert!([88, 89].map(address).contains(&first.address));
    copy.failed(STALE);
    assert!(copy.next_endpoint().is_some(), "the same, or the other");
    copy.failed(REFUSED);
    assert!(copy.next_endpoint().is_some());
    copy.failed(REFUSED);
    assert!(copy.next_endpoint().is_none());
    let mut broken = lane.copy(BodyFraming::None).expect("a copy");
    broken.next_endpoint().expect("an endpoint");
    broken.failed(failure(UpstreamFault::TimedOut));
    assert!(broken.next_endpoint().is_none(), "it has seen the copy");
    assert_eq!(lane.lost(), "connect: 1, timeout: 1");
}

#[test]
fn a_mirror_that_is_nowhere_gets_nothing() {
    let mut lane = lane(|mirror| mirror.backend = BackendId::Url { host: "nowhere.example".into(), port: 80 });
    assert!(lane.copy(BodyFraming::None).expect("a copy").next_endpoint().is_none());
    assert_eq!(lane.lost(), "no-endpoint: 1");
}

#[test]
fn an_error_that_another_backend_answers_is_not_copied() {
    let custom_errors =
        CustomErrors { statuses: [503].into(), backend: Some(service("spare")), ..CustomErrors::default() };
    let mut lane = Lane::new(&[], RoutePolicies { custom_errors, ..policies(|_| {}) });
    assert_eq!(lane.attempt().address, address(99), "in place of a backend without endpoints");
    assert!(!lane.exchange.is_mirrored() && lane.copy(BodyFraming::None).is_none());
    assert_eq!(lane.lost(), "");
}

#[test]
fn copies_have_a_bound() {
    let mut lane = lane(|_| {});
    let copies: Vec<_> = (0..200).map_while(|_| lane.copy(BodyFraming::None)).collect();
    assert_eq!(copies.len(), 128);
    drop(copies);
    assert!(lane.copy(BodyFraming::None).is_some());
    assert_eq!(lane.lost(), "copies-limit: 1");
}
