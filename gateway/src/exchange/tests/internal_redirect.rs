//! Errors that another path, a named location or a URL answers.

use super::*;
use crate::config::{Block, ClientLimits, Effects, Location, LocationKind, PageStatus, SnippetErrorPage};
use crate::policy::snippet::fixture::{answer, block, template};
use crate::request::Reply;
use std::num::NonZero;

fn page(statuses: &[u16], status: PageStatus, target: &str) -> SnippetErrorPage {
    let origin = Origin::new(Subject::other("Ingress default/shop"), "snippet line 1");
    SnippetErrorPage { origin, statuses: statuses.into(), status, target: template(target) }
}

fn with_pages(pages: &[SnippetErrorPage], intercepts: bool) -> RoutePolicies {
    let effects = Effects { error_pages: pages.into(), intercepts_errors: Some(intercepts), ..Effects::default() };
    RoutePolicies { snippet: Some(Arc::new(Block { effects, ..Block::default() })), ..RoutePolicies::default() }
}

/// A request for `h/`, whose route has these policies. `h/errors` goes to the Service `spare`, and `@text` answers with a text.
fn lane(method: &Method, policies: RoutePolicies, headers: &[(HeaderName, &str)]) -> Lane {
    let mut update = update(&[1], policies);
    let (name, host) = update.hosts.remove(0);
    let mut host = (*host.expect("a host")).clone();
    let route = host.routes[0].clone();
    let Action::Forward(backends) = &route.action else { panic!("no backend") };
    let spare = RouteBackend { backend: service("spare"), ..backends[0].clone() };
    host.routes.push(Route {
        matches: RouteMatch::path(PathKind::Prefix, "/errors"),
        action: Action::Forward([spare].into()),
        policies: Arc::default(),
        ..route.clone()
    });
    let snippet = Some(Arc::new(block([answer(200, "closed")])));
    host.locations.push(Location {
        kind: LocationKind::Named,
        route: Route {
            matches: RouteMatch::path(PathKind::Exact, "@text"),
            action: Action::NotFound,
            policies: Arc::new(RoutePolicies { snippet, ..RoutePolicies::default() }),
            ..route
        },
    });
    update.hosts.push((name, Some(Arc::new(host))));
    Lane::of(update, method, headers)
}

impl Lane {
    fn turn(&mut self) {
        assert!(matches!(self.exchange.next_step(), Step::ErrorPage));
        self.exchange.turn_to_error_page(&view(&self.headers));
    }

    fn full_reply(&mut self) -> Reply {
        match self.exchange.next_step() {
            Step::Reply(reply) => reply,
            step => panic!("no reply: {step:?}"),
        }
    }
}

const SPARE: u8 = 99;

#[test]
fn the_response_of_a_backend_is_replaced_where_it_is_intercepted() {
    let pages = [page(&[404], PageStatus::Error, "/errors/404?a")];
    let mut kept = lane(&Method::GET, with_pages(&pages, false), &[]);
    kept.attempt();
    assert!(kept.exchange.response_head(404, true).is_continue());
    let mut lane = lane(&Method::GET, with_pages(&pages, true), &[]);
    assert_eq!(lane.attempt().address, address(1));
    assert!(lane.exchange.response_head(404, true).is_break());
    lane.turn();
    assert_eq!(lane.attempt().address, address(SPARE));
    assert_eq!(lane.exchange.decision.target(&view(&lane.headers)), b"/errors/404?a");
    assert!(!lane.exchange.forwards_body());
    assert!(lane.exchange.response_head(404, true).is_continue(), "only one error is answered elsewhere");
    let (line, metrics) = lane.finish(Some(404));
    assert_eq!(line, "404 404, 404 7 107 shop");
    assert!(metrics.contains("reason=\"custom-error\""), "{metrics}");
}

#[test]
fn a_text_has_the_status_of_the_error() {
    for (status, expected) in [(PageStatus::Error, 502), (PageStatus::Page, 200), (PageStatus::Fixed(203), 203)] {
        let mut lane = lane(&Method::POST, with_pages(&[page(&[502], status, "@text")], false), &[]);
        lane.attempt();
        lane.exchange.failed(Failure::Connect { timed_out: false });
        lane.turn();
        let reply = lane.full_reply();
        assert_eq!((reply.status, reply.reason), (expected, Reason::SnippetReturn));
        assert_eq!(reply.text.as_deref(), Some(&b"closed"[..]));
    }
}

#[test]
fn nothing_is_replaced_once_a_response_has_begun() {
    let mut lane = lane(&Method::GET, with_pages(&[page(&[502], PageStatus::Error, "@text")], true), &[]);
    lane.attempt();
    assert!(lane.exchange.response_head(200, true).is_continue());
    lane.exchange.failed(BROKEN);
    assert_eq!(lane.reply(), (502, Reason::UpstreamFailed));
}

#[test]
fn what_is_wrong_with_the_client_stays_ours() {
    for (failure, status) in [(Failure::ClientTimeout, 408), (Failure::ClientMalformed, 400)] {
        let mut lane = lane(&Method::GET, with_pages(&[page(&[status], PageStatus::Error, "@text")], true), &[]);
        lane.attempt();
        lane.exchange.failed(failure);
        assert_eq!(lane.reply().0, status);
    }
}

#[test]
fn a_body_that_is_too_large_does_not_keep_from_its_error_page() {
    let pages = [page(&[413], PageStatus::Error, "/errors")];
    let policies = RoutePolicies { body_limit: Some(1), ..with_pages(&pages, false) };
    let mut lane = lane(&Method::POST, policies, &[(header::CONTENT_LENGTH, "3000000")]);
    lane.turn();
    assert_eq!(lane.attempt().address, address(SPARE));
}

#[test]
fn a_location_that_is_not_there_is_an_error_of_its_own() {
    let pages = [page(&[413], PageStatus::Fixed(200), "@nowhere"), page(&[500], PageStatus::Error, "@text")];
    let policies = RoutePolicies { body_limit: Some(1), ..with_pages(&pages, false) };
    let mut lane = lane(&Method::POST, policies, &[(header::CONTENT_LENGTH, "2")]);
    lane.turn();
    assert_eq!(lane.reply(), (500, Reason::NoLocation));
}

#[test]
fn a_request_is_counted_once() {
    let one = NonZero::<u32>::MIN;
    let limits = ClientLimits {
        zone: "default/shop".into(),
        per_second: None,
        per_minute: None,
        burst_multiplier: one,
        connections: Some(one),
        exempt: [].into(),
    };
    let pages = [page(&[502], PageStatus::Error, "/again")];
    let mut lane = lane(&Method::GET, RoutePolicies { client_limits: Some(limits), ..with_pages(&pages, false) }, &[]);
    lane.attempt();
    lane.exchange.failed(Failure::Connect { timed_out: false });
    lane.turn();
    assert_eq!(lane.attempt().address, address(1), "it is in progress, and no second one");
}

#[test]
fn a_redirect_has_the_status_of_one() {
    let target = "https://away.example$request_uri";
    for (status, expected) in [(PageStatus::Error, 302), (PageStatus::Page, 302), (PageStatus::Fixed(307), 307)] {
        let pages = [page(&[413], status, target)];
        let policies = RoutePolicies { body_limit: Some(1), ..with_pages(&pages, false) };
        let mut lane = lane(&Method::POST, policies, &[(header::CONTENT_LENGTH, "2")]);
        lane.turn();
        let reply = lane.full_reply();
        assert_eq!((reply.status, reply.reason), (expected, Reason::SnippetRedirect));
        assert_eq!(reply.location().map(HeaderValue::as_bytes), Some(&b"https://away.example/"[..]));
    }
}
