//! Errors that have a page.

use super::*;
use crate::config::{CustomErrors, ErrorPages, Errors, Page, PageKind};
use crate::exchange::RenderedReply;

const SPARE: u8 = 99;

fn policies(statuses: &[u16]) -> RoutePolicies {
    let page = |errors, body: &str| Page { errors, kind: PageKind::Html, body: body.into() };
    let pages = ErrorPages::new([page(Errors::Status(404), "own 404"), page(Errors::Class(5), "own 5xx")]);
    let errors = CustomErrors { statuses: statuses.into(), backend: Some(service("spare")), ..CustomErrors::default() };
    RoutePolicies { custom_errors: errors, error_pages: Some(pages), ..RoutePolicies::default() }
}

fn rendered(lane: &mut Lane) -> RenderedReply {
    let Step::Reply(reply) = lane.exchange.next_step() else { panic!("no reply") };
    lane.exchange.render(&reply, &lane.headers)
}

#[test]
fn a_page_comes_before_another_backend() {
    let mut lane = Lane::new(&[1], policies(&[404, 403]));
    lane.attempt();
    assert!(lane.exchange.response_head(404, true).is_break());
    let reply = rendered(&mut lane);
    assert_eq!((reply.status, &*reply.body), (404, &b"own 404"[..]));
    assert_eq!(lane.finish(Some(404)).0, "404 404 7 107 shop");

    let mut lane = Lane::new(&[1], policies(&[404, 403]));
    lane.attempt();
    assert!(lane.exchange.response_head(403, true).is_break());
    assert_eq!(lane.attempt().address, address(SPARE), "there is no page for 403");
}

#[test]
fn responses_of_backends_stay_where_nobody_asks() {
    let mut lane = Lane::new(&[1], policies(&[]));
    lane.attempt();
    assert!(lane.exchange.response_head(404, true).is_continue());
}

#[test]
fn errors_of_ours_have_their_page() {
    let mut lane = Lane::new(&[], policies(&[]));
    assert_eq!(&*rendered(&mut lane).body, b"own 5xx");
    let mut lane = Lane::new(&[], policies(&[503]));
    assert_eq!(&*rendered(&mut lane).body, b"own 5xx", "nor does another backend answer");
    let mut lane = Lane::new(&[1], RoutePolicies { body_limit: Some(1), ..policies(&[]) });
    lane.attempt();
    assert!(lane.exchange.request_body(2).is_break());
    assert!(rendered(&mut lane).body.starts_with(b"<html>"), "there is no page for 413");
}
