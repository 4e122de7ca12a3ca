//! The exchange as a lane drives it, by a lane that only plays a script: no socket, every step.

mod access;
mod affinity;
mod auth;
mod auth_filter;
mod buffering;
mod compression;
mod custom_errors;
mod edits;
mod ejection;
mod error_pages;
mod hashing;
mod internal_redirect;
mod limits;
mod mirror;
mod retries;
mod snippet;
mod waf;

use super::{Context, Destination, Exchange, Failure, MAX_INTERIM, Sent, Step, UpstreamFault};
use crate::config::{
    AccessLog, Action, Backend, BackendId, BackendPolicies, Denied, GatewaySettings, HostName, Origin, Owner, PathKind,
    Route, RouteBackend, RouteMatch, RoutePolicies, ServiceBackend, Subject, Template, Update, VirtualHost,
};
use crate::connection::{Arrival, ClientConnection, Connection, Head};
use crate::headers::Headers;
use crate::request::{Reason, RequestView};
use crate::table::Publisher;
use crate::telemetry::Telemetry;
use crate::telemetry::fixture::{Log, telemetry};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// What the log has of a request, behind its status.
const FORMAT: &str = "$status $upstream_status $body_bytes_sent $bytes_sent $service_name";

/// A lane with one request for `h/`, which goes to the Service `shop`.
struct Lane {
    telemetry: Telemetry,
    log: Log,
    context: Arc<Context>,
    headers: Headers,
    exchange: Exchange,
}

impl Lane {
    fn new(endpoints: &[u8], policies: RoutePolicies) -> Self {
        Self::with(endpoints, policies, &[])
    }

    /// One whose request has these headers beside its host.
    fn with(endpoints: &[u8], policies: RoutePolicies, more: &[(HeaderName, &str)]) -> Self {
        Self::of(update(endpoints, policies), &Method::GET, more)
    }

    /// One whose table is made of this.
    fn of(update: Update, method: &Method, more: &[(HeaderName, &str)]) -> Self {
        let (telemetry, log) = telemetry();
        let publisher = Publisher::new(Arc::default());
        publisher.publish(update);
        let context = Arc::new(Context::new(Arc::new(publisher), telemetry.worker()));
        let more = more.iter().map(|(name, value)| (name.clone(), value.parse().expect("a value")));
        let headers: Headers = [(header::HOST, HeaderValue::from_static("h"))].into_iter().chain(more).collect();
        let exchange = Exchange::begin(&context, arrival(), &RequestView { method, ..view(&headers) });
        Self { telemetry, log, context, headers, exchange }
    }

    fn attempt(&mut self) -> Destination {
        match self.exchange.next_step() {
            Step::Attempt(destination) => destination,
            step => panic!("no attempt: {step:?}"),
        }
    }

    fn reply(&mut self) -> (u16, Reason) {
        match self.exchange.next_step() {
            Step::Reply(reply) => (reply.status, reply.reason),
            step => panic!("no reply: {step:?}"),
        }
    }

    /// Ends the request, and returns what is logged and counted of it.
    fn finish(mut self, status: Option<u16>) -> (String, String) {
        self.exchange.finish(&view(&self.headers), Sent { status, bytes: 107, body: 7 });
        self.context.telemetry().flush();
        let line = self.log.text(&self.telemetry);
        (line.trim_end().to_owned(), self.telemetry.metrics().expect("encodes"))
    }
}

fn view(headers: &Headers) -> RequestView<'_> {
    RequestView::new(&Method::GET, b"/", headers, Version::HTTP_11)
}

fn arrival() -> Box<Arrival> {
    let connection = ClientConnection::new(Connection {
        id: 1,
        peer: address(200),
        local: address(201),
        advertised_port: 80,
        proxied: None,
        own_port: None,
        tls: None,
    });
    let (connection, head) = (Arc::new(connection), Head { length: 40, ..Head::default() });
    Box::new(Arrival { connection, head, started: Instant::now(), number: 1, sent_before: 0, target: None })
}

fn address(last: u8) -> SocketAddr {
    ([10, 0, 0, last], 8080).into()
}

fn service(name: &str) -> BackendId {
    ServiceBackend::tcp("default", name, "80").into()
}

fn update(endpoints: &[u8], policies: RoutePolicies) -> Update {
    update_with(endpoints, policies, BackendPolicies::DEFAULT)
}

fn update_with(endpoints: &[u8], policies: RoutePolicies, backend_policies: BackendPolicies) -> Update {
    let backend = RouteBackend {
        backend: service("shop"),
        weight: 1,
        when: None,
        canary: false,
        affinity: None,
        owner: Owner { service: "shop".into(), ..Owner::default() },
        policies: Arc::new(backend_policies),
    };
    let route = Route {
        origin: Origin::new(Subject::other("Ingress default/shop"), "spec.rules[0].http.paths[0]"),
        owner: Owner::default(),
        matches: RouteMatch::path(PathKind::Prefix, "/"),
        action: Action::Forward([backend].into()),
        policies: Arc::new(policies),
        locations: Arc::default(),
    };
    let name = HostName::Exact("h".into());
    let host = VirtualHost::new(name.clone(), vec![route]);
    let access_log = AccessLog { format: Template::parse(FORMAT).expect("valid"), ..AccessLog::default() };
    Update {
        settings: Some(Arc::new(GatewaySettings { access_log, ..GatewaySettings::default() })),
        hosts: vec![(name, Some(Arc::new(host)))],
        backends: vec![
            (service("shop"), Some(Backend::at(endpoints.iter().map(|last| address(*last))))),
            (service("spare"), Some(Backend::at([address(99)]))),
            (service("auth"), Some(Backend::at([address(88), address(89)]))),
        ],
        ..Update::default()
    }
}

const BROKEN: Failure = failure(UpstreamFault::Closed);
const STALE: Failure =
    Failure::Upstream { fault: UpstreamFault::Closed, stale: true, untouched: false, replayable: true };

/// An endpoint has got the request, all of which is at hand still.
const fn failure(fault: UpstreamFault) -> Failure {
    Failure::Upstream { fault, stale: false, untouched: false, replayable: true }
}

#[test]
fn a_request_is_served() {
    let mut lane = Lane::new(&[1], RoutePolicies::default());
    assert_eq!(lane.attempt().address, address(1));
    lane.exchange.connected(false);
    assert_eq!(lane.exchange.request_body(9), ControlFlow::Continue(()));
    assert!(lane.exchange.response_head(201, true).is_continue());
    assert!(!lane.exchange.is_settled());
    let (line, metrics) = lane.finish(Some(201));
    assert_eq!(line, "201 201 7 107 shop");
    assert!(!metrics.contains("adit_replies_total{"), "{metrics}");
}

/// Its Pods may go between the two looks at them.
#[test]
fn a_canary_that_loses_its_endpoints_once_it_is_chosen_leaves_the_request_to_the_main_backend() {
    let mut update = update(&[1], RoutePolicies::default());
    let host = update.hosts[0].1.as_mut().map(Arc::make_mut).expect("a host");
    let Action::Forward(backends) = &host.routes[0].action else { panic!("forwarded") };
    let main = RouteBackend { weight: 0, ..backends[0].clone() };
    let canary = RouteBackend { backend: service("spare"), weight: 1, canary: true, ..main.clone() };
    host.routes[0].action = Action::Forward([main, canary].into());
    let mut lane = Lane::of(update, &Method::GET, &[]);
    let gone = vec![(service("spare"), Some(Backend::at([])))];
    lane.context.publisher().publish(Update { backends: gone, ..Update::default() });
    assert_eq!(lane.attempt().address, address(1));
    assert!(lane.exchange.response_head(200, true).is_continue());
    assert_eq!(lane.finish(Some(200)).0, "200 200 7 107 shop");
}

#[test]
fn interim_responses_are_limited() {
    let mut lane = Lane::new(&[1, 2], RoutePolicies::default());
    lane.attempt();
    for _ in 0..MAX_INTERIM {
        assert_eq!(lane.exchange.interim_response(), ControlFlow::Continue(()));
    }
    assert_eq!(lane.exchange.interim_response(), ControlFlow::Break(()));
    lane.exchange.failed(STALE);
    assert_eq!(lane.reply(), (502, Reason::UpstreamFailed), "the endpoint has seen the request");
    assert_eq!(lane.finish(Some(502)).0, "502 502 7 107 shop", "the status is of no interim response");
}

#[test]
fn a_body_over_the_limit_ends_the_request() {
    let mut lane = Lane::new(&[1], RoutePolicies { body_limit: Some(10), ..RoutePolicies::default() });
    lane.attempt();
    assert_eq!(lane.exchange.request_body(10), ControlFlow::Continue(()));
    assert_eq!(lane.exchange.request_body(1), ControlFlow::Break(()));
    assert_eq!(lane.reply(), (413, Reason::BodyTooLarge));
}

#[test]
fn without_an_endpoint_the_default_backend_serves() {
    let policies = RoutePolicies { default_backend: Some(service("spare")), ..RoutePolicies::default() };
    assert_eq!(Lane::new(&[], policies.clone()).attempt().address, address(99));
    let mut busy = Lane::new(&[1], policies);
    assert_eq!(busy.attempt().address, address(1));
    busy.exchange.failed(Failure::Connect { timed_out: false });
    assert_eq!(busy.reply(), (502, Reason::UpstreamFailed), "it has endpoints");
    let mut none = Lane::new(&[], RoutePolicies::default());
    assert_eq!(none.reply(), (503, Reason::NoEndpoint));
    assert_eq!(none.finish(Some(503)).0, "503 - 7 107 shop");
}

#[test]
fn a_client_that_is_gone_is_not_answered() {
    let mut lane = Lane::new(&[1], RoutePolicies::default());
    lane.attempt();
    lane.exchange.failed(Failure::ClientGone);
    assert!(matches!(lane.exchange.next_step(), Step::Abandon) && lane.exchange.is_settled());
    let connection = lane.exchange.arrival().connection.clone();
    let (line, metrics) = lane.finish(None);
    assert_eq!((line.as_str(), connection.abandoned()), ("499 - 7 107 shop", 1));
    assert!(metrics.contains("reason=\"client-gone\""), "{metrics}");
}

fn denied() -> RoutePolicies {
    let denied = Denied { reason: "no".into(), origin: Origin::new(Subject::other("Ingress default/shop"), "x") };
    RoutePolicies { denied: Some(denied), ..RoutePolicies::default() }
}

#[test]
fn a_client_may_go_while_it_is_answered() {
    let mut lane = Lane::new(&[1], denied());
    assert_eq!(lane.reply(), (503, Reason::Denied));
    lane.exchange.failed(Failure::ClientGone);
    assert!(matches!(lane.exchange.next_step(), Step::Abandon), "nobody is there for another answer");
    let connection = lane.exchange.arrival().connection.clone();
    let (line, metrics) = lane.finish(None);
    assert_eq!((line.as_str(), connection.abandoned()), ("499 - 7 107", 1));
    assert!(metrics.contains("reason=\"denied\""), "{metrics}");
}

#[test]
fn a_client_that_ends_an_answer_has_not_given_its_request_up() {
    let mut lane = Lane::new(&[1], RoutePolicies::default());
    lane.attempt();
    lane.exchange.failed(Failure::ClientGone);
    assert!(matches!(lane.exchange.next_step(), Step::Abandon));
    let connection = lane.exchange.arrival().connection.clone();
    lane.finish(Some(200));
    assert_eq!(connection.abandoned(), 0);
}

#[test]
fn the_first_reply_stays() {
    let mut lane = Lane::new(&[1], RoutePolicies { body_limit: Some(1), ..RoutePolicies::default() });
    lane.attempt();
    assert_eq!(lane.exchange.request_body(2), ControlFlow::Break(()));
    for failure in [Failure::ClientMalformed, Failure::Internal, BROKEN, STALE] {
        lane.exchange.failed(failure);
        assert_eq!(lane.reply(), (413, Reason::BodyTooLarge), "{failure:?}");
    }
}

#[test]
fn a_route_that_is_denied_asks_nobody() {
    let mut lane = Lane::new(&[1], denied());
    assert!(lane.exchange.is_settled());
    assert_eq!(lane.reply(), (503, Reason::Denied));
}

#[test]
fn faults_of_clients_and_of_ours_have_their_status() {
    for (failure, reply) in [
        (Failure::ClientTimeout, (408, Reason::BodyTimeout)),
        (Failure::ClientMalformed, (400, Reason::MalformedBody)),
        (Failure::Internal, (500, Reason::Internal)),
    ] {
        let mut lane = Lane::new(&[1], RoutePolicies::default());
        lane.attempt();
        lane.exchange.failed(failure);
        assert_eq!(lane.reply(), reply);
    }
}
