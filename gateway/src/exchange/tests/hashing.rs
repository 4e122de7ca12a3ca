//! Keys: where a request goes, and where next.

use super::*;
use crate::config::{Affinity, AffinityMode, HashBy};

/// Endpoints of a backend: from 1 to this.
const ENDPOINTS: u8 = 5;

/// What is served where endpoints are chosen by a key.
fn hashed(key: &str) -> Update {
    let mut update = update(&(1..=ENDPOINTS).collect::<Vec<_>>(), RoutePolicies::default());
    let (_, Some(backend)) = &mut update.backends[0] else { panic!("a backend") };
    let key = Template::parse(key).expect("valid");
    backend.hash_by = Some(Arc::new(HashBy { key, subset: None }));
    update
}

/// A lane whose request has this user.
fn lane(update: Update, user: &str) -> Lane {
    Lane::of(update, &Method::GET, &[(HeaderName::from_static("x-user"), user)])
}

/// What `chash.c` of lua-resty-balancer computes.
#[test]
fn a_request_goes_to_the_endpoint_of_its_key() {
    for (user, endpoint) in [("alice", 3), ("bob", 1), ("carol", 4), ("", 1)] {
        let mut lane = lane(hashed("$http_x_user"), user);
        assert_eq!(lane.attempt().address, address(endpoint), "{user}");
    }
    assert_eq!(lane(hashed("$request_uri$http_x_none"), "").attempt().address, address(5), "the key is \"/\"");
}

#[test]
fn where_an_endpoint_fails_the_next_one_of_the_key_is_tried() {
    let mut lane = lane(hashed("$http_x_user"), "carol");
    for endpoint in [4, 2, 1] {
        assert_eq!(lane.attempt().address, address(endpoint));
        lane.exchange.failed(BROKEN);
    }
    assert_eq!(lane.reply(), (502, Reason::UpstreamFailed), "three tries");
}

#[test]
fn a_connection_that_was_too_old_says_nothing_of_the_endpoint() {
    let mut lane = lane(hashed("$http_x_user"), "carol");
    assert_eq!(lane.attempt().address, address(4));
    lane.exchange.connected(true);
    lane.exchange.failed(STALE);
    assert_eq!(lane.attempt().address, address(4));
}

#[test]
fn affinity_comes_before_a_key() {
    let mut update = hashed("$http_x_user");
    let (_, Some(host)) = &mut update.hosts[0] else { panic!("a host") };
    let Action::Forward(backends) = &mut Arc::make_mut(host).routes[0].action else { panic!("a backend") };
    let affinity = Affinity { cookie: "S".into(), mode: AffinityMode::Balanced, change_on_failure: false, sets: None };
    *backends = [RouteBackend { affinity: Some(Arc::new(affinity)), ..backends[0].clone() }].into();
    let mut seen: Vec<_> = (0..100).map(|_| lane(update.clone(), "carol").attempt().address).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), usize::from(ENDPOINTS));
}
