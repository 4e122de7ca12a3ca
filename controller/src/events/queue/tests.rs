use super::*;
use crate::diagnostic::Diagnostic;
use crate::events::event::facts;
use crate::object::{Kind, ObjectKey};
use crate::pipeline::State;
use std::sync::Arc;

/// Facts about one object, with these messages.
fn wrong(messages: impl IntoIterator<Item = String>) -> Vec<Fact> {
    let ingress = ObjectKey::new(Kind::Ingress, "shop", "web");
    let diagnostic = |message| Diagnostic::error(&ingress, "", message);
    let uids = [(ingress.clone(), "u-1".into())];
    facts(&State {
        diagnostics: messages.into_iter().map(diagnostic).collect(),
        uids: Arc::new(uids.into()),
        ..State::default()
    })
}

fn one(message: &str) -> Vec<Fact> {
    wrong([message.to_owned()])
}

/// All that is reported within this time.
fn reported(queue: &mut Queue, now: &mut Instant, within: Duration) -> usize {
    let end = *now + within;
    let mut count = 0;
    while let Some(wait) = queue.wait(*now).filter(|wait| *now + *wait <= end) {
        *now += wait;
        count += usize::from(queue.take(*now).is_some());
    }
    *now = end;
    count
}

#[test]
fn what_stays_wrong_is_told_once() {
    let mut now = Instant::now();
    let mut queue = Queue::new(now);
    queue.update(one("is odd"), now);
    assert_eq!(queue.take(now), None, "it may be gone in a moment");
    assert_eq!(reported(&mut queue, &mut now, SETTLED), 1);
    now += REMEMBERED * 2;
    queue.update(one("is odd"), now);
    assert_eq!(queue.wait(now), None);
}

#[test]
fn what_is_wrong_for_a_moment_is_not_told() {
    let now = Instant::now();
    let mut queue = Queue::new(now);
    queue.update(one("is odd"), now);
    queue.update(Vec::new(), now + SETTLED / 2);
    assert_eq!(queue.wait(now), None);
    queue.update(one("is odd"), now + SETTLED / 2);
    assert_eq!(queue.take(now + SETTLED), None, "it is wrong anew");
}

#[test]
fn what_comes_and_goes_is_told_once_an_hour() {
    let mut now = Instant::now();
    let mut queue = Queue::new(now);
    let mut count = 0;
    for _ in 0..900 {
        queue.update(one("is odd"), now);
        count += reported(&mut queue, &mut now, SETTLED * 2);
        queue.update(Vec::new(), now);
    }
    assert_eq!(count, 1);
    now += REMEMBERED;
    queue.update(one("is odd"), now);
    assert_eq!(reported(&mut queue, &mut now, SETTLED), 1);
}

#[test]
fn a_flood_is_told_bit_by_bit_and_whole() {
    let mut now = Instant::now();
    let mut queue = Queue::new(now);
    queue.update(wrong((0..100).map(|number| format!("is odd {number}"))), now);
    assert_eq!(reported(&mut queue, &mut now, SETTLED), 25);
    assert_eq!(reported(&mut queue, &mut now, Duration::from_secs(10)), 10);
    queue.update(wrong((0..50).map(|number| format!("is odd {number}"))), now);
    assert_eq!(reported(&mut queue, &mut now, Duration::from_secs(3600)), 15, "what is no longer wrong is left out");
}

#[test]
fn memory_is_bounded_however_much_comes_and_goes() {
    let mut now = Instant::now();
    let mut queue = Queue::new(now);
    for round in 0..1000 {
        queue.update(wrong((0..20).map(|number| format!("is odd {round} {number}"))), now);
        reported(&mut queue, &mut now, Duration::from_secs(15));
        assert!(queue.waiting.len() <= 20);
    }
    assert!(queue.reported.len() <= REMEMBERED.as_secs() as usize + BURST as usize + 20, "{}", queue.reported.len());
}

#[test]
fn what_could_not_be_told_comes_after_the_others() {
    let mut now = Instant::now();
    let mut queue = Queue::new(now);
    queue.update(wrong(["a".to_owned(), "b".to_owned()]), now);
    now += SETTLED;
    let first = queue.take(now).expect("a fact");
    queue.put_back(first.clone(), now);
    let second = queue.take(now).expect("the other");
    assert_ne!(first, second);
    assert_eq!(queue.take(now), Some(first));
    assert_eq!(queue.wait(now), None);
}

#[test]
fn what_is_new_does_not_wait_for_a_flood_before_it() {
    let mut now = Instant::now();
    let mut queue = Queue::new(now);
    let flood: Vec<_> = (0..1000).map(|number| format!("is odd {number}")).collect();
    queue.update(wrong(flood.clone()), now);
    let before = reported(&mut queue, &mut now, Duration::from_secs(60));
    let new = one("is new");
    queue.update(wrong(flood.into_iter().chain(["is new".to_owned()])), now);
    now += SETTLED;
    assert_eq!(queue.take(now).as_ref(), new.first());
    assert_eq!(before + reported(&mut queue, &mut now, Duration::from_secs(2000)), 1000, "the flood goes on");
}
