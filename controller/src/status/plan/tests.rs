use super::*;
use crate::object::Kind;

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(Kind::Ingress, "shop", name)
}

fn addresses(text: &str) -> Vec<Address> {
    text.split_whitespace().map(|text| text.parse().expect("an address")).collect()
}

/// An Ingress that exists with this status and is served, or not.
fn ingress(plan: &mut Plan, name: &str, status: &str, is_served: bool) {
    plan.record(Observation::Ingress(key(name), addresses(status)));
    plan.record(Observation::Served(key(name), is_served));
}

fn plan(ours: &str) -> Plan {
    let mut plan = Plan::default();
    plan.publish(addresses(ours));
    plan
}

/// What is to be written, as `name: before -> after`; all of it succeeds.
fn written(plan: &mut Plan) -> Vec<String> {
    let mut written = Vec::new();
    while let Some(patch) = plan.next() {
        written.push(shown(&patch));
        plan.written(patch);
    }
    written
}

fn shown(patch: &Patch) -> String {
    let text = |addresses: &[Address]| {
        let texts = addresses.iter().map(|address| match address {
            Address::Ip(text) | Address::Hostname(text) => text.as_str(),
        });
        texts.collect::<Vec<_>>().join(" ")
    };
    format!("{}: {} -> {}", patch.key.name, text(&patch.before), text(&patch.after))
}

#[test]
fn what_is_served_and_says_something_else_is_written_once() {
    let mut plan = plan("lb.example.com 1.2.3.4");
    ingress(&mut plan, "new", "", true);
    ingress(&mut plan, "other", "9.9.9.9", true);
    ingress(&mut plan, "same", "lb.example.com 1.2.3.4", true);
    ingress(&mut plan, "foreign", "9.9.9.9", false);
    assert_eq!(written(&mut plan), ["new:  -> 1.2.3.4 lb.example.com", "other: 9.9.9.9 -> 1.2.3.4 lb.example.com"]);
    plan.review();
    assert_eq!(written(&mut plan), [""; 0]);
}

#[test]
fn an_ingress_is_not_written_before_it_is_served() {
    let mut plan = plan("1.2.3.4");
    plan.record(Observation::Ingress(key("a"), Vec::new()));
    plan.review();
    assert_eq!(written(&mut plan), [""; 0]);
    plan.record(Observation::Served(key("a"), true));
    assert_eq!(written(&mut plan), ["a:  -> 1.2.3.4"]);
}

#[test]
fn one_that_is_created_anew_has_to_be_served_anew() {
    let mut plan = plan("1.2.3.4");
    ingress(&mut plan, "a", "1.2.3.4", true);
    plan.record(Observation::Gone(key("a")));
    plan.record(Observation::Ingress(key("a"), Vec::new()));
    plan.review();
    assert_eq!(written(&mut plan), [""; 0]);
    plan.record(Observation::Served(key("a"), true));
    assert_eq!(written(&mut plan), ["a:  -> 1.2.3.4"]);
    plan.record(Observation::Gone(key("a")));
    plan.record(Observation::Served(key("a"), false));
    plan.review();
    assert_eq!(written(&mut plan), [""; 0]);
}

#[test]
fn addresses_that_are_not_known_clear_nothing() {
    let mut plan = Plan::default();
    ingress(&mut plan, "a", "1.2.3.4", true);
    ingress(&mut plan, "b", "", true);
    ingress(&mut plan, "b", "", false);
    assert_eq!(written(&mut plan), [""; 0]);
    plan.publish(addresses("1.2.3.4"));
    plan.publish(Vec::new());
    plan.review();
    assert_eq!(written(&mut plan), [""; 0]);
    plan.publish(addresses("5.6.7.8"));
    assert_eq!(written(&mut plan), ["a: 1.2.3.4 -> 5.6.7.8"]);
}

#[test]
fn what_changed_its_class_loses_what_is_ours_only() {
    let mut plan = plan("1.2.3.4");
    ingress(&mut plan, "ours", "1.2.3.4", true);
    ingress(&mut plan, "theirs", "1.2.3.4", true);
    ingress(&mut plan, "never", "1.2.3.4", false);
    assert_eq!(written(&mut plan), [""; 0]);
    plan.record(Observation::Served(key("ours"), false));
    plan.record(Observation::Ingress(key("theirs"), addresses("9.9.9.9")));
    plan.record(Observation::Served(key("theirs"), false));
    plan.record(Observation::Served(key("never"), false));
    plan.review();
    assert_eq!(written(&mut plan), ["ours: 1.2.3.4 -> "]);
    // Whoever serves it now may have the same address.
    plan.record(Observation::Ingress(key("ours"), addresses("1.2.3.4")));
    plan.review();
    assert_eq!(written(&mut plan), [""; 0]);
}

/// Another replica wrote: what it removed was removed, whatever comes after.
#[test]
fn a_replica_that_did_not_lead_removes_nothing_later() {
    let mut plan = plan("1.2.3.4");
    ingress(&mut plan, "a", "1.2.3.4", true);
    plan.record(Observation::Served(key("a"), false));
    plan.record(Observation::Ingress(key("a"), Vec::new()));
    plan.record(Observation::Ingress(key("a"), addresses("1.2.3.4")));
    plan.review();
    assert_eq!(written(&mut plan), [""; 0]);
}

#[test]
fn a_class_that_comes_back_is_served_again() {
    let mut plan = plan("1.2.3.4");
    ingress(&mut plan, "a", "", true);
    ingress(&mut plan, "a", "", false);
    ingress(&mut plan, "a", "", true);
    assert_eq!(written(&mut plan), ["a:  -> 1.2.3.4"]);
}

#[test]
fn no_patch_overtakes_another_of_the_same_ingress() {
    let mut plan = plan("1.2.3.4");
    ingress(&mut plan, "a", "", true);
    let first = plan.next().expect("a patch");
    plan.publish(addresses("5.6.7.8"));
    assert_eq!((plan.next(), plan.writing()), (None, 1));
    plan.written(first);
    assert_eq!(written(&mut plan), ["a: 1.2.3.4 -> 5.6.7.8"]);
}

#[test]
fn news_that_come_while_a_patch_is_under_way_count() {
    let mut plan = plan("1.2.3.4");
    ingress(&mut plan, "a", "", true);
    let patch = plan.next().expect("a patch");
    plan.record(Observation::Ingress(key("a"), addresses("1.2.3.4")));
    plan.record(Observation::Ingress(key("a"), addresses("9.9.9.9")));
    plan.written(patch);
    plan.review();
    assert_eq!(written(&mut plan), ["a: 9.9.9.9 -> 1.2.3.4"]);
}

#[test]
fn what_failed_is_tried_again_and_what_was_refused_when_it_is_looked_at() {
    let mut plan = plan("1.2.3.4");
    ingress(&mut plan, "a", "", true);
    let patch = plan.next().expect("a patch");
    plan.failed(&patch);
    let patch = plan.next().expect("the same patch");
    plan.refused(&patch);
    assert_eq!(plan.next(), None);
    plan.review();
    assert_eq!(plan.next(), Some(patch.clone()));
    plan.record(Observation::Gone(key("a")));
    plan.failed(&patch);
    assert_eq!((plan.next(), plan.writing()), (None, 0));
}

#[test]
fn the_last_replica_takes_away_what_is_ours() {
    let mut plan = plan("1.2.3.4 5.6.7.8");
    ingress(&mut plan, "served", "5.6.7.8 1.2.3.4", true);
    ingress(&mut plan, "not-yet", "", true);
    ingress(&mut plan, "other", "9.9.9.9", true);
    ingress(&mut plan, "foreign", "1.2.3.4 5.6.7.8", false);
    let shown: Vec<_> = plan.withdrawal().iter().map(shown).collect();
    assert_eq!(shown, ["served: 5.6.7.8 1.2.3.4 -> "]);
    assert_eq!(Plan::default().withdrawal(), []);
}

#[test]
fn one_change_among_many_is_looked_at_alone() {
    let mut plan = plan("1.2.3.4");
    for number in 0..1000 {
        ingress(&mut plan, &number.to_string(), "1.2.3.4", true);
    }
    while plan.next().is_some() {}
    ingress(&mut plan, "7", "", true);
    assert_eq!(plan.due.len(), 1);
}

#[test]
fn what_has_changed_is_left_alone_until_it_is_known_to_be_served() {
    let mut plan = plan("1.2.3.4");
    ingress(&mut plan, "a", "1.2.3.4", true);
    // Its class is another now, and that one's controller was quick; a review comes before the next table.
    plan.record(Observation::Changed(key("a")));
    plan.record(Observation::Ingress(key("a"), addresses("9.9.9.9")));
    plan.review();
    assert_eq!(written(&mut plan), [""; 0]);
    plan.record(Observation::Served(key("a"), false));
    assert_eq!(written(&mut plan), [""; 0]);
    ingress(&mut plan, "a", "9.9.9.9", true);
    assert_eq!(written(&mut plan), ["a: 9.9.9.9 -> 1.2.3.4"]);
}
