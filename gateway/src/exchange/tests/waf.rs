use super::{Lane, view};
use crate::config::{RoutePolicies, Template, Waf};
use crate::exchange::Step;
use crate::request::Reason;
use http::{HeaderName, header};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const RULES: &str = "SecRuleEngine On\n\
                     SecRule REQUEST_HEADERS:User-Agent \"@contains evil\" \"id:1,phase:1,deny,status:406,msg:'No evil'\"\n\
                     SecRule REQUEST_BODY \"@contains evil\" \"id:2,phase:2,deny\"";

fn policies(rules: &str) -> RoutePolicies {
    with(Waf { rules: rules.into(), ..Waf::default() })
}

fn with(waf: Waf) -> RoutePolicies {
    RoutePolicies { waf: Some(Arc::new(waf)), ..RoutePolicies::default() }
}

fn lane(rules: &str, headers: &[(HeaderName, &str)]) -> Lane {
    Lane::with(&[1], policies(rules), headers)
}

/// Takes room for a piece of a body.
fn take(room: &Arc<Semaphore>, piece: &str) -> OwnedSemaphorePermit {
    let bytes = u32::try_from(piece.len()).expect("a small piece");
    Arc::clone(room).try_acquire_many_owned(bytes).expect("there is room")
}

impl Lane {
    /// Plays what a lane does for [`Step::Inspect`].
    fn inspect(&mut self, pieces: &[&str]) {
        assert!(matches!(self.exchange.next_step(), Step::Inspect));
        let Some(inspector) = self.exchange.inspection(&view(&self.headers)) else { return };
        if self.exchange.inspected(inspector.head()).is_break() {
            return;
        }
        let room = Arc::new(Semaphore::new(100));
        let _ = pieces.iter().try_for_each(|piece| self.exchange.hold(piece.as_bytes(), take(&room, piece)));
        if self.exchange.is_settled() {
            return;
        }
        let held = self.exchange.held();
        if self.exchange.inspected(inspector.body(&held)).is_continue() {
            self.exchange.pass();
        }
    }
}

#[test]
fn what_passes_is_forwarded_with_the_body_that_was_held() {
    let mut lane = lane(RULES, &[]);
    lane.inspect(&["go", "od"]);
    lane.attempt();
    assert_eq!(lane.exchange.inspected_body().map(|body| &body[..]), Some(&b"good"[..]));
    let (log, _) = lane.finish(Some(200));
    assert_eq!(log.lines().count(), 1, "{log}");
}

#[test]
fn a_rule_answers_and_is_logged() {
    let mut lane = lane(RULES, &[(header::USER_AGENT, "evil")]);
    lane.inspect(&[]);
    assert_eq!(lane.reply(), (406, Reason::Waf));
    let (log, metrics) = lane.finish(Some(406));
    let audit = log.lines().nth(1).expect("a line of the audit log");
    let audit: Value = serde_json::from_str(audit).expect("JSON");
    assert_eq!(audit["transaction"]["messages"][0]["message"], "No evil");
    assert_eq!(audit["transaction"]["response"]["http_code"], 406);
    assert!(metrics.contains("reason=\"waf\""), "{metrics}");
}

#[test]
fn an_attack_in_pieces_is_seen_as_a_whole() {
    let mut lane = lane(RULES, &[]);
    lane.inspect(&["an ev", "il body"]);
    assert_eq!(lane.reply(), (403, Reason::Waf));
    assert_eq!(lane.exchange.inspected_body(), None, "nothing of it may go to a backend");
}

#[test]
fn a_body_beyond_the_limit_is_refused_where_the_rules_block() {
    let rules = format!("{RULES}\nSecRequestBodyNoFilesLimit 4");
    let mut whole = lane(&rules, &[]);
    whole.inspect(&["go", "od"]);
    whole.attempt();
    let mut larger = lane(&rules, &[]);
    larger.inspect(&["go", "od", "!", "evil"]);
    assert_eq!(larger.reply(), (413, Reason::BodyTooLarge));
    let mut announced = lane(&rules, &[(header::CONTENT_LENGTH, "5")]);
    announced.inspect(&[]);
    assert_eq!(announced.reply(), (413, Reason::BodyTooLarge));
}

#[test]
fn a_body_beyond_the_limit_passes_where_they_only_look() {
    let rules = format!("{RULES}\nSecRequestBodyNoFilesLimit 4\nSecRequestBodyLimitAction ProcessPartial");
    let mut lane = lane(&rules, &[(header::CONTENT_LENGTH, "14")]);
    lane.inspect(&["good", " evil", "evil"]);
    lane.attempt();
    let held = lane.exchange.inspected_body().map(|body| &body[..]);
    assert_eq!(held, Some(&b"good evil"[..]), "what has been read, and no more");
}

#[test]
fn the_limit_of_the_route_holds_as_well() {
    let policies = RoutePolicies { body_limit: Some(3), ..policies(RULES) };
    let mut lane = Lane::with(&[1], policies, &[]);
    lane.inspect(&["go", "od"]);
    assert_eq!(lane.reply(), (413, Reason::BodyTooLarge));
}

#[test]
fn rules_that_cannot_be_used_deny_the_route() {
    let nowhere = Waf { core_rules: Some(Path::new("/nowhere").into()), ..Waf::default() };
    assert_eq!(Lane::new(&[1], with(nowhere)).reply(), (503, Reason::Denied));
    assert_eq!(Lane::new(&[1], policies("SecRuleEngine Maybe")).reply(), (503, Reason::Denied));
}

#[test]
fn the_id_of_a_transaction_may_be_chosen() {
    let transaction_id = Some(Template::parse("a-$http_x_id").expect("a template"));
    let policies = with(Waf { rules: RULES.into(), transaction_id, ..Waf::default() });
    let headers = [(header::USER_AGENT, "evil"), (HeaderName::from_static("x-id"), "7")];
    let mut lane = Lane::with(&[1], policies, &headers);
    lane.inspect(&[]);
    let (log, _) = lane.finish(Some(406));
    assert!(log.contains("\"unique_id\":\"a-7\""), "{log}");
}
