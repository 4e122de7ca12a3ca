//! Sessions: where a request goes, and which responses set the cookie.

use super::edits::Response;
use super::*;
use crate::config::{Affinity, AffinityMode, Condition, CookieAttributes, CustomErrors};

/// The lane of a request to a backend with affinity, with this cookie.
fn lane(endpoints: &[u8], change_on_failure: bool, policies: RoutePolicies, cookie: Option<&str>) -> Lane {
    let mut update = update(endpoints, policies);
    let (_, Some(host)) = &mut update.hosts[0] else { panic!("a host") };
    let Action::Forward(backends) = &mut Arc::make_mut(host).routes[0].action else { panic!("a backend") };
    let affinity = Affinity {
        cookie: "S".into(),
        mode: AffinityMode::Persistent,
        change_on_failure,
        sets: Some(CookieAttributes::default()),
    };
    *backends = [RouteBackend { affinity: Some(Arc::new(affinity)), ..backends[0].clone() }].into();
    let cookie: Vec<_> = cookie.into_iter().map(|cookie| (header::COOKIE, cookie)).collect();
    Lane::of(update, &Method::GET, &cookie)
}

/// The cookie that a response with this status sets.
fn cookie(lane: &Lane, status: u16) -> Option<String> {
    let mut response = Response(status, HeaderMap::new());
    lane.exchange.respond(&view(&lane.headers), status == 101, &mut response);
    let set = response.1.get(header::SET_COOKIE)?.to_str().expect("text");
    Some(set.split(';').next().expect("a first part").to_owned())
}

/// The cookie of a session with an endpoint of two.
fn session(endpoint: u8) -> String {
    loop {
        let mut lane = lane(&[1, 2], false, RoutePolicies::default(), None);
        if lane.attempt().address == address(endpoint) {
            return cookie(&lane, 200).expect("a new session");
        }
    }
}

#[test]
fn a_session_begins_with_a_response_that_is_no_interim_one() {
    let mut lane = lane(&[1], false, RoutePolicies::default(), None);
    lane.attempt();
    assert_eq!((cookie(&lane, 100), cookie(&lane, 103)), (None, None));
    for status in [101, 200, 404, 500] {
        assert!(cookie(&lane, status).is_some_and(|cookie| cookie.starts_with("S=")), "{status}");
    }
    let mut reply = Response(502, HeaderMap::new());
    lane.exchange.failed(BROKEN);
    lane.exchange.reply(&view(&lane.headers), &mut reply);
    assert!(!reply.1.contains_key(header::SET_COOKIE));
}

#[test]
fn a_session_goes_on() {
    for endpoint in [1, 2] {
        let session = session(endpoint);
        let mut lane = lane(&[1, 2], false, RoutePolicies::default(), Some(&session));
        assert_eq!(lane.attempt().address, address(endpoint));
        lane.exchange.connected(true);
        lane.exchange.failed(STALE);
        assert_eq!(lane.attempt().address, address(endpoint), "only its connection was too old");
        assert_eq!(cookie(&lane, 200), None);
    }
}

#[test]
fn a_session_ends_with_a_failure_where_that_is_set() {
    let session = session(1);
    let mut stays = lane(&[1, 2], false, RoutePolicies::default(), Some(&session));
    assert_eq!(stays.attempt().address, address(1));
    stays.exchange.failed(Failure::Connect { timed_out: true });
    assert_eq!(stays.reply(), (504, Reason::UpstreamTimeout));
    let mut changes = lane(&[1, 2], true, RoutePolicies::default(), Some(&session));
    assert_eq!(changes.attempt().address, address(1));
    changes.exchange.failed(Failure::Connect { timed_out: true });
    assert_eq!(changes.attempt().address, address(2));
    assert!(cookie(&changes, 200).is_some_and(|new| new != session));
}

#[test]
fn an_error_page_binds_nobody_to_an_endpoint_that_failed() {
    let errors =
        CustomErrors { statuses: [404, 502].into(), backend: Some(service("spare")), ..CustomErrors::default() };
    let policies = RoutePolicies { custom_errors: errors, ..RoutePolicies::default() };
    let mut failed = lane(&[1], false, policies.clone(), None);
    failed.attempt();
    failed.exchange.failed(BROKEN);
    assert_eq!(failed.attempt().address, address(99));
    assert_eq!(cookie(&failed, 502), None);
    let mut answered = lane(&[1], false, policies, None);
    answered.attempt();
    assert!(answered.exchange.response_head(404, true).is_break());
    assert_eq!(answered.attempt().address, address(99));
    assert!(cookie(&answered, 404).is_some(), "the endpoint has answered");
}

#[test]
fn another_backend_in_its_place_begins_no_session() {
    let policies = RoutePolicies { default_backend: Some(service("spare")), ..RoutePolicies::default() };
    let mut lane = lane(&[], false, policies, None);
    assert_eq!((lane.attempt().address, cookie(&lane, 200)), (address(99), None));
}

/// The lane of a request with these cookies for one of three backends, with which clients stay: `shop`, `spare`, which gets all
/// who have no session, and one without endpoints. In this mode every key leads to an endpoint.
fn of_three(cookies: &str) -> Lane {
    let mut update = update(&[1], RoutePolicies::default());
    let (_, Some(host)) = &mut update.hosts[0] else { panic!("a host") };
    let Action::Forward(backends) = &mut Arc::make_mut(host).routes[0].action else { panic!("a backend") };
    let affinity = Arc::new(Affinity {
        cookie: "S".into(),
        mode: AffinityMode::Balanced,
        change_on_failure: false,
        sets: Some(CookieAttributes::default()),
    });
    let by_weight = [("shop", 0), ("spare", 1), ("none", 0)].map(|(name, weight)| RouteBackend {
        backend: service(name),
        weight,
        affinity: Some(Arc::clone(&affinity)),
        ..backends[0].clone()
    });
    let when = Some(Condition::Session { cookie: "S".into() });
    let of_sessions = by_weight.clone().map(|backend| RouteBackend { weight: 0, when: when.clone(), ..backend });
    *backends = of_sessions.into_iter().chain(by_weight).collect();
    Lane::of(update, &Method::GET, &[(header::COOKIE, cookies)])
}

/// With the key of another one it would get an endpoint and no cookie, and the next request another backend.
#[test]
fn a_session_is_with_one_of_several_backends() {
    let route = of_three("").exchange.decision.route.expect("a route");
    let [.., shop, spare, none] = route.backends() else { panic!("backends") };
    let [shop, spare, none] = [shop, spare, none].map(|backend| backend.upstream.tag());
    for (cookies, expected, begins) in [
        (format!("S=key|{shop}"), 1, false),
        (format!("S=key|{shop}; S=key|of-another-path"), 1, false),
        (format!("S=key|{spare}"), 99, false),
        (format!("S=key|{none}"), 99, true),
        ("S=key|of-another-path".to_owned(), 99, true),
        ("S=key".to_owned(), 99, true),
        (String::new(), 99, true),
    ] {
        let mut lane = of_three(&cookies);
        assert_eq!(lane.attempt().address, address(expected), "{cookies}");
        assert_eq!(cookie(&lane, 200).is_some(), begins, "{cookies}");
    }
}
