use super::edits::Response;
use super::{BROKEN, Lane, STALE, address, arrival, service, update, view};
use crate::config::{AuthCaching, Block, ExternalAuth, RoutePolicies, Template};
use crate::exchange::{Exchange, Failure, Step};
use crate::policy::snippet::fixture::{answer, block, rewrite, set, when};
use crate::request::Reason;
use crate::table::Publisher;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::sync::Arc;
use std::time::Duration;

const REFUSED: Failure = Failure::Connect { timed_out: false };

pub(super) fn server() -> ExternalAuth {
    let template = |text| Template::parse(text).expect("a template");
    ExternalAuth {
        backend: service("auth"),
        tls: true,
        tls_settings: None,
        host: "auth.example".into(),
        authority: "auth.example:8443".into(),
        target: template("/check?of=$http_x_user&id=7"),
        method: None,
        request_redirect: template("$request_uri"),
        request_headers: Arc::default(),
        response_headers: ["X-User".into()].into(),
        always_set_cookie: false,
        signin: None,
        cache: None,
        timeouts: None,
        snippet: None,
        variables: [].into(),
        filter: None,
    }
}

fn lane(change: impl FnOnce(&mut ExternalAuth)) -> Lane {
    let mut server = server();
    change(&mut server);
    Lane::new(&[1], RoutePolicies { external_auth: Some(server), ..RoutePolicies::default() })
}

fn lane_with_snippet(snippet: Block) -> Lane {
    lane(|server| server.snippet = Some(Arc::new(snippet)))
}

impl Lane {
    /// The last number of the address that is asked.
    fn ask(&mut self) -> u8 {
        match self.exchange.next_step() {
            Step::Ask(server) => {
                let name = server.tls.and_then(|tls| tls.server_name);
                assert_eq!(name.as_deref(), Some("auth.example"));
                if server.address == address(88) { 88 } else { 89 }
            }
            step => panic!("nobody is asked: {step:?}"),
        }
    }

    pub(super) fn respond(&mut self, status: u16, headers: &[(&'static str, &'static str)]) {
        let header = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let headers = headers.iter().map(header).collect();
        self.exchange.auth_response(&view(&self.headers), (status, &headers), None);
    }
}

#[test]
fn a_request_that_is_allowed_goes_on() {
    let mut lane = lane(|_| {});
    lane.ask();
    lane.respond(204, &[("x-user", "ann")]);
    assert_eq!(lane.attempt().address, address(1));
    assert!(lane.exchange.response_head(200, true).is_continue());
    assert_eq!(lane.finish(Some(200)).0, "200 200 7 107 shop", "what the auth server says is no try of the backend");
}

#[test]
fn a_request_that_is_refused_reaches_no_backend() {
    for (status, reply) in [(401, (401, Reason::AuthDenied)), (403, (403, Reason::AuthDenied))] {
        let mut lane = lane(|_| {});
        lane.ask();
        lane.respond(status, &[]);
        assert_eq!(lane.reply(), reply);
    }
    for status in [101, 302, 404, 500, 503] {
        let mut lane = lane(|_| {});
        lane.ask();
        lane.respond(status, &[]);
        assert_eq!(lane.reply(), (500, Reason::AuthFailed), "{status}");
        let (line, metrics) = lane.finish(Some(500));
        assert_eq!(line, "500 - 7 107 shop");
        assert!(metrics.contains("reason=\"auth-failed\""), "{metrics}");
    }
}

#[test]
fn without_an_auth_server_nothing_goes_through() {
    let mut lane = lane(|server| server.backend = service("nowhere"));
    assert_eq!(lane.reply(), (500, Reason::AuthFailed));
    for failure in [BROKEN, Failure::Internal] {
        let mut lane = self::lane(|_| {});
        lane.ask();
        lane.exchange.failed(failure);
        assert_eq!(lane.reply(), (500, Reason::AuthFailed), "{failure:?}");
    }
}

#[test]
fn an_endpoint_that_has_seen_nothing_is_no_verdict() {
    let mut lane = lane(|_| {});
    let first = lane.ask();
    lane.exchange.failed(REFUSED);
    assert_ne!(lane.ask(), first, "another endpoint");
    lane.exchange.failed(REFUSED);
    assert_eq!(lane.reply(), (500, Reason::AuthFailed), "there are two");
    let mut lane = self::lane(|_| {});
    for _ in 0..3 {
        lane.ask();
        lane.exchange.failed(STALE);
    }
    assert_eq!(lane.reply(), (500, Reason::AuthFailed), "three tries");
}

#[test]
fn the_snippet_of_the_auth_request_answers_for_the_auth_server() {
    for (status, reply) in [
        (401, (401, Reason::AuthDenied)),
        (403, (403, Reason::AuthDenied)),
        (302, (500, Reason::AuthFailed)),
        (500, (500, Reason::AuthFailed)),
    ] {
        let mut lane = lane_with_snippet(block([answer(status, "")]));
        assert_eq!(lane.reply(), reply, "{status}");
    }
    let mut lane = lane_with_snippet(block([answer(204, "")]));
    assert_eq!(lane.attempt().address, address(1));
    let mut lane = lane_with_snippet(block([answer(444, "")]));
    assert!(matches!(lane.exchange.next_step(), Step::Close));
}

#[test]
fn a_snippet_of_the_auth_request_that_decides_nothing_asks_and_that_fails_refuses() {
    let mut lane = lane_with_snippet(block([when("$request_method = PATCH", block([answer(200, "")]))]));
    lane.ask();
    let long = "a".repeat(17 << 10);
    let mut lane = lane_with_snippet(block([set("a", &long), answer(200, "")]));
    assert_eq!(lane.reply(), (500, Reason::SnippetTooLong));
}

#[test]
fn a_snippet_of_the_auth_request_that_changes_the_path_is_refused() {
    let publish = |operation| {
        let server = ExternalAuth { snippet: Some(Arc::new(block([operation]))), ..server() };
        let update = update(&[1], RoutePolicies { external_auth: Some(server), ..RoutePolicies::default() });
        Publisher::new(Arc::default()).publish(update).rejected.len()
    };
    for operation in [rewrite("^ /else"), set("args", "a"), when("$host", block([rewrite("^ /else")]))] {
        assert_eq!(publish(operation), 1);
    }
    assert_eq!(publish(set("a", "b")), 0);
}

#[test]
fn a_client_may_go_while_the_auth_server_is_asked() {
    let mut lane = lane(|_| {});
    lane.ask();
    lane.exchange.failed(Failure::ClientGone);
    assert!(matches!(lane.exchange.next_step(), Step::Abandon));
    assert_eq!(lane.finish(None).0, "499 - 7 107 shop");
}

#[test]
fn the_auth_server_gets_the_clients_headers_and_ours() {
    let mut lane = lane(|_| {});
    for (name, value) in [
        ("x-user", "a b#\u{e9}"),
        ("authorization", "Basic x"),
        ("content-length", "7"),
        ("connection", "x-hop, close"),
        ("x-hop", "1"),
        ("x-original-url", "http://forged/"),
        ("x-forwarded-host", "forged"),
        ("ssl-client-verify", "SUCCESS"),
        ("proxy", "http://forged/"),
        ("x-real-ip", "192.0.2.1"),
    ] {
        lane.headers.append(crate::headers::Name::Static(name), HeaderValue::from_str(value).expect("a value"));
    }
    let request = lane.exchange.auth_request(&view(&lane.headers), Bytes::new()).expect("a request");
    assert_eq!(request.method, Method::GET);
    assert_eq!(String::from_utf8_lossy(&request.target), "/check?of=a%20b%23%C3%A9&id=7");
    let mut headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    headers.sort_unstable();
    let id = request.headers["x-request-id"].as_bytes();
    let expected: [(&str, &[u8]); 11] = [
        ("authorization", b"Basic x"),
        ("host", b"auth.example:8443"),
        ("x-adit-auth-depth", b"1"),
        ("x-auth-request-redirect", b"/"),
        ("x-forwarded-for", b"10.0.0.200"),
        ("x-original-method", b"GET"),
        ("x-original-url", b"http://h/"),
        ("x-real-ip", b"10.0.0.200"),
        ("x-request-id", id),
        ("x-sent-from", b"nginx-ingress-controller"),
        ("x-user", "a b#\u{e9}".as_bytes()),
    ];
    assert_eq!(headers, expected);
}

#[test]
fn with_a_method_of_its_own_it_gets_the_path_and_the_scheme_as_well() {
    let lane = lane(|server| server.method = Some(Method::POST));
    let request = lane.exchange.auth_request(&view(&lane.headers), Bytes::new()).expect("a request");
    assert_eq!(request.method, Method::POST);
    assert_eq!(
        (&request.headers["x-original-uri"], &request.headers["x-scheme"]),
        (&"/".parse().expect("a value"), &"http".parse().expect("a value"))
    );
}

#[test]
fn the_backend_gets_what_the_auth_server_says_of_the_client() {
    for (response, expected) in [(&[("x-user", "ann")][..], Some("ann")), (&[], None)] {
        let mut lane = lane(|_| {});
        for name in ["x-user", "x_user", "x.user"] {
            lane.headers.append(crate::headers::Name::Static(name), HeaderValue::from_static("forged"));
        }
        lane.ask();
        lane.respond(200, response);
        lane.attempt();
        let mut forwarded = lane.headers.map().clone();
        lane.exchange.forward(&view(&lane.headers), &mut forwarded);
        let users: Vec<_> = forwarded.iter().filter(|(name, _)| name.as_str().ends_with("user")).collect();
        let expected: Vec<_> = expected.map(HeaderValue::from_static).into_iter().collect();
        assert_eq!(users.iter().map(|(_, value)| (*value).clone()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_client_gets_the_cookies_of_the_auth_server() {
    for (always_set_cookie, status, cookies) in [(false, 200, 2), (false, 404, 1), (true, 404, 2)] {
        let mut lane = lane(|server| server.always_set_cookie = always_set_cookie);
        lane.ask();
        lane.respond(200, &[("set-cookie", "session=1")]);
        lane.attempt();
        assert!(lane.exchange.response_head(status, true).is_continue());
        let own = HeaderMap::from_iter([(http::header::SET_COOKIE, HeaderValue::from_static("own=1"))]);
        let mut response = Response(status, own);
        lane.exchange.respond(&view(&lane.headers), false, &mut response);
        assert_eq!(response.1.get_all("set-cookie").iter().count(), cookies, "{always_set_cookie} {status}");
    }
}

impl Lane {
    /// Ends the request, and begins another one with the same headers.
    fn again(&mut self) {
        self.exchange = Exchange::begin(&self.context, arrival(), &view(&self.headers));
    }
}

fn keeping_lane() -> Lane {
    let mut lane = lane(|server| {
        let lifetimes = [(200, Duration::from_secs(60)), (500, Duration::from_secs(60))].into();
        server.cache =
            Some(AuthCaching { key: Template::parse("$http_authorization").expect("a template"), lifetimes });
        server.request_headers = [("x-more".into(), Template::parse("more").expect("a template"))].into();
    });
    lane.headers.set(crate::headers::Name::Static("authorization"), HeaderValue::from_static("Basic x"));
    lane.again();
    lane
}

#[test]
fn who_was_allowed_is_not_asked_about_again() {
    let mut lane = keeping_lane();
    lane.ask();
    lane.respond(200, &[("x-user", "ann"), ("x-other", "b")]);
    lane.attempt();
    lane.again();
    assert_eq!(lane.attempt().address, address(1));
    let mut forwarded = lane.headers.map().clone();
    lane.exchange.forward(&view(&lane.headers), &mut forwarded);
    assert_eq!(forwarded["x-user"], "ann");
    lane.headers.set(crate::headers::Name::Static("authorization"), HeaderValue::from_static("Basic y"));
    lane.again();
    lane.ask();
}

#[test]
fn who_was_refused_stays_refused_as_long_as_it_is_set() {
    let mut lane = keeping_lane();
    lane.ask();
    lane.respond(500, &[]);
    lane.again();
    assert_eq!(lane.reply(), (500, Reason::AuthFailed), "as nginx, if that status is listed");
    let mut lane = keeping_lane();
    lane.ask();
    lane.exchange.failed(BROKEN);
    lane.again();
    lane.ask();
}

/// Nothing that Adit sets on an auth request may count as the client's.
#[test]
fn what_varies_with_our_own_headers_is_not_kept() {
    let mut lane = keeping_lane();
    let sent = lane.exchange.auth_request(&view(&lane.headers), Bytes::new()).expect("a request").headers;
    for name in sent.keys().filter(|name| *name != "authorization") {
        lane.ask();
        let response = HeaderMap::from_iter([(http::header::VARY, name.as_str().parse().expect("a value"))]);
        lane.exchange.auth_response(&view(&lane.headers), (200, &response), None);
        lane.again();
    }
    lane.ask();
}
