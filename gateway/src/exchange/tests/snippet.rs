//! Snippets on the way of a request.

use super::edits::Response;
use super::{arrival, update};
use crate::config::{
    BasicAuth, Block, HostPolicies, InputHeader, PathKind, ResponseFilter, ResponseHeader, Rewrite, Route, RouteMatch,
    RoutePolicies, Users, VirtualHost,
};
use crate::exchange::{Context, Exchange, Sent, Step};
use crate::headers::Headers;
use crate::policy::snippet::fixture::{answer, block, rewrite, set, template, when};
use crate::request::{Reason, RequestView};
use crate::table::Publisher;
use crate::telemetry::Telemetry;
use crate::telemetry::fixture::{Log, telemetry};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use std::sync::Arc;

/// A host with a snippet of its own and routes for prefixes.
#[derive(Default)]
struct Scene {
    server: Option<Block>,
    app_root: Option<&'static str>,
    routes: Vec<(&'static str, RoutePolicies)>,
}

struct Served {
    telemetry: Telemetry,
    log: Log,
    context: Arc<Context>,
    target: String,
    headers: Headers,
    exchange: Exchange,
}

impl Scene {
    fn route(mut self, path: &'static str, snippet: Block) -> Self {
        self.routes.push((path, RoutePolicies { snippet: Some(Arc::new(snippet)), ..RoutePolicies::default() }));
        self
    }

    fn with(mut self, path: &'static str, policies: RoutePolicies) -> Self {
        self.routes.push((path, policies));
        self
    }

    fn serve(self, target: &str, headers: &[(&'static str, &str)]) -> Served {
        let (telemetry, log) = telemetry();
        let publisher = Publisher::new(Arc::default());
        let mut update = update(&[1], RoutePolicies::default());
        let (name, host) = update.hosts.remove(0);
        let host = host.expect("a host");
        let route = |(path, policies): (&str, RoutePolicies)| Route {
            matches: RouteMatch::path(PathKind::Prefix, path),
            policies: Arc::new(policies),
            ..host.routes[0].clone()
        };
        let (app_root, snippet) = (self.app_root.map(Into::into), self.server.map(Arc::new));
        let policies = HostPolicies { app_root, snippet, ..HostPolicies::default() };
        let host = VirtualHost {
            routes: self.routes.into_iter().map(route).collect(),
            policies: Arc::new(policies),
            ..(*host).clone()
        };
        update.hosts.push((name, Some(Arc::new(host))));
        publisher.publish(update);
        let context = Arc::new(Context::new(Arc::new(publisher), telemetry.worker()));
        let line =
            |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().expect("a value"));
        let host = [(header::HOST, HeaderValue::from_static("h"))];
        let all: Headers = host.into_iter().chain(headers.iter().map(line)).collect();
        let view = RequestView::new(&Method::GET, target.as_bytes(), &all, Version::HTTP_11);
        let exchange = Exchange::begin(&context, arrival(), &view);
        Served { telemetry, log, context, target: target.to_owned(), headers: all, exchange }
    }
}

impl Served {
    fn view(&self) -> RequestView<'_> {
        RequestView::new(&Method::GET, self.target.as_bytes(), &self.headers, Version::HTTP_11)
    }

    /// The route that takes the request and its target towards the backend; or the status and the reason of the answer.
    fn outcome(&mut self) -> String {
        match self.exchange.next_step() {
            Step::Attempt(_) => {
                let route = self.exchange.decision.route.as_ref().expect("a route").labels.path.clone();
                let view = self.view();
                format!("{route}: {}", String::from_utf8_lossy(self.exchange.decision.target(&view)))
            }
            Step::Reply(reply) => format!("{} {}", reply.status, reply.reason.label()),
            Step::Close => "closed".to_owned(),
            step => format!("{step:?}"),
        }
    }

    /// The headers that the backend gets.
    fn forwarded(&self) -> HeaderMap {
        let mut headers = self.headers.map().clone();
        self.exchange.forward(&self.view(), &mut headers);
        headers
    }

    /// The headers of the client's response, where the backend's is this.
    fn answered(&mut self, status: u16, headers: &[(&'static str, &str)]) -> HeaderMap {
        assert!(self.exchange.response_head(status, true).is_continue());
        let line =
            |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().expect("a value"));
        let mut response = Response(status, headers.iter().map(line).collect());
        self.exchange.respond(&self.view(), false, &mut response);
        response.1
    }
}

fn ends(pattern: &str) -> Block {
    block([rewrite(pattern)])
}

#[test]
fn a_path_that_a_location_has_changed_is_looked_up_again() {
    let scene = || {
        Scene::default()
            .route("/a", ends("^/a/(.*) /b/$1 last"))
            .route("/b", ends("^/b/x /b/y break"))
            .route("/c", ends("^/c /b/x"))
            .route("/none", ends("^ /elsewhere last"))
            .route("/loop", ends("^ /loop$uri last"))
    };
    for (target, outcome) in [
        ("/a/1?q", "/b: /b/1?q"),
        ("/a/x", "/b: /b/y"),
        ("/b/x?q=%20", "/b: /b/y?q=%20"),
        ("/c", "/b: /b/y"),
        ("/b/%7e", "/b: /b/%7e"),
        ("/none", "404 no-route"),
        ("/loop", "500 snippet-loop"),
    ] {
        assert_eq!(scene().serve(target, &[]).outcome(), outcome, "{target}");
    }
}

#[test]
fn ten_more_look_ups_are_all() {
    for (steps, outcome) in [(10, "/: /0000000000"), (11, "500 snippet-loop")] {
        let again = when(&format!("$uri !~ ^/0{{{steps}}}$"), ends("^/(.*) /0$1 last"));
        assert_eq!(Scene::default().route("/", block([again])).serve("/", &[]).outcome(), outcome);
    }
}

#[test]
fn a_servers_statements_come_first_and_once() {
    let server = || {
        block([
            when("$http_x_no", block([answer(403, "")])),
            rewrite("^/old(.*) /new$1"),
            set("seen", "$seen+"),
            when("$uri = /last", block([rewrite("^ / last")])),
        ])
    };
    let scene = || {
        Scene { server: Some(server()), app_root: Some("/app"), ..Scene::default() }
            .route("/new", ends("^/new/again /to last"))
            .route("/to", block([answer(200, "$seen $uri")]))
            .route("/", block([]))
    };
    for (target, headers, outcome) in [
        ("/old/1?q", &[][..], "/new: /new/1?q"),
        ("/old", &[("x-no", "1")], "403 snippet-return"),
        ("/", &[], "302 app-root"),
        ("/last", &[], "/: /"),
        ("/other", &[], "/: /other"),
    ] {
        assert_eq!(scene().serve(target, headers).outcome(), outcome, "{target}");
    }
    let mut served = scene().serve("/old/again", &[]);
    let Step::Reply(reply) = served.exchange.next_step() else { panic!("no reply") };
    assert_eq!(reply.text.as_deref(), Some(&b"+ /to"[..]));
}

#[test]
fn rewrite_target_comes_behind_a_snippet_that_does_not_end_the_phase() {
    let target = |snippet| {
        let rewrite = Some(Rewrite { pattern: "/a/(.*)".into(), target: "/t/$1".into(), forwarded_prefix: None });
        let policies = RoutePolicies { rewrite, snippet: Some(Arc::new(snippet)), ..RoutePolicies::default() };
        Scene::default().with("/a", policies).route("/b", block([])).serve("/a/1?q", &[]).outcome()
    };
    assert_eq!(target(block([])), "/a: /t/1?q");
    assert_eq!(target(ends("^/a/(.*) /a/x$1?y")), "/a: /t/x1?y&q");
    assert_eq!(target(ends("^/a/(.*) /c/x break")), "/a: /c/x?q");
    assert_eq!(target(ends("^/a/(.*) /b/x last")), "/b: /b/x?q");
    assert_eq!(target(ends("^/a/(.*) /b/x")), "/b: /b/x?q");
    assert_eq!(target(block([crate::config::Operation::Break])), "/a: /a/1?q");
}

#[test]
fn request_headers_are_changed_before_access_is_decided() {
    let users = Users([("alice".into(), "{PLAIN}a".into())].into());
    let mut snippet = block([]);
    let set = |name: &str, value, replaces_only| InputHeader::Set {
        name: name.into(),
        value: template(value),
        replaces_only,
    };
    snippet.effects.input_headers = [
        set("Authorization", "Basic YWxpY2U6YQ==", false),
        set("X-New", "$http_x_old", false),
        InputHeader::Clear("X-Old*".into()),
        set("X-Absent", "1", true),
        set("X-Split", "a$uri", false),
        set("Host", "other", false),
        set("Content-Length", "7", false),
        set("X-Forwarded-For", "6.6.6.6", false),
    ]
    .into();
    snippet.effects.backend_headers = [
        ("X-Real-IP".into(), template("$host")),
        ("X-Gone".into(), template("")),
        ("Transfer-Encoding".into(), template("x")),
    ]
    .into();
    let basic_auth = Some(Arc::new(BasicAuth { realm: "r".into(), users }));
    let policies = RoutePolicies { basic_auth, snippet: Some(Arc::new(snippet)), ..RoutePolicies::default() };
    let sent = [
        ("x-old-a", "1"),
        ("x-old", "2"),
        ("x-gone", "1"),
        ("x-split", "1"),
        ("connection", "x-new"),
        ("x-forwarded-for", "1.1.1.1"),
    ];
    let mut served = Scene::default().with("/", policies).serve("/a%0d%0aX:1", &sent);
    let Step::Verify(verification) = served.exchange.next_step() else { panic!("no password") };
    let view = RequestView::new(&Method::GET, b"/a%0d%0aX:1", &served.headers, Version::HTTP_11);
    served.exchange.verified(&view, verification.run());
    assert_eq!(served.outcome(), "/: /a%0d%0aX:1");
    let headers = served.forwarded();
    assert_eq!(headers["x-new"], "2", "no client can take it away");
    for gone in
        ["x-old", "x-old-a", "x-absent", "x-split", "x-gone", "content-length", "transfer-encoding", "authorization"]
    {
        assert!(!headers.contains_key(gone), "{gone}");
    }
    for (name, value) in [("host", "h"), ("x-real-ip", "h"), ("x-forwarded-for", "10.0.0.200")] {
        assert_eq!(headers[name], value);
    }
}

#[test]
fn responses_are_changed_in_order() {
    let add = |name: &str, value, always| ResponseHeader::Add { name: name.into(), value: template(value), always };
    let put = |name: &str, value, only| ResponseHeader::Set {
        name: name.into(),
        value: template(value),
        only,
        appends: false,
    };
    let only = ResponseFilter { statuses: [404].into(), media_types: ["text/html".into()].into() };
    let snippet = || {
        let mut answers = block([answer(404, "$mine")]);
        answers.effects.response_headers = [
            ResponseHeader::Hide("X-Powered-By".into()),
            add("X-Was", "$upstream_http_x_powered_by", true),
            add("X-Good", "$status", false),
            add("X-Empty", "$http_none", true),
            put("X-Backend", "$upstream_addr", ResponseFilter::default()),
            add("X-Backend", "$sent_http_x_backend", true),
            put("X-404", "1", only.clone()),
            put("X-Split", "$uri", ResponseFilter::default()),
            ResponseHeader::Clear { name: "x-secret*".into(), only: ResponseFilter::default() },
            put("Content-Length", "1", ResponseFilter::default()),
        ]
        .into();
        let effects = answers.effects.clone();
        Block { effects, ..block([when("$arg_answer", answers)]) }
    };
    let mut served = Scene::default().route("/", snippet()).serve("/%0d%0aX:1", &[]);
    served.outcome();
    let headers =
        served.answered(200, &[("x-powered-by", "php"), ("x-secret-a", "1"), ("x-kept", "1"), ("content-length", "5")]);
    for (name, value) in [("x-was", "php"), ("x-good", "200"), ("content-length", "5")] {
        assert_eq!(headers[name], value);
    }
    let backends: Vec<_> = headers.get_all("x-backend").iter().collect();
    assert_eq!(backends, ["10.0.0.1:8080", "10.0.0.1:8080"]);
    for gone in ["x-powered-by", "x-empty", "x-404", "x-split", "x-secret-a"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
    let headers = served.answered(404, &[("content-type", "text/html; charset=utf-8")]);
    assert_eq!((headers.contains_key("x-good"), headers.contains_key("x-404")), (false, true));
    let ours = Scene::default().route("/", snippet()).serve("/?answer=1", &[]);
    let mut response =
        Response(404, HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))]));
    ours.exchange.reply(&ours.view(), &mut response);
    assert_eq!(response.1["x-404"], "1", "on our own responses, too");
}

#[test]
fn a_closed_request_is_logged_with_its_status() {
    let mut served = Scene::default().route("/", block([answer(444, "")])).serve("/", &[]);
    assert_eq!(served.outcome(), "closed");
    let headers = served.headers.clone();
    let view = RequestView::new(&Method::GET, b"/", &headers, Version::HTTP_11);
    served.exchange.finish(&view, Sent::default());
    served.context.telemetry().flush();
    assert!(served.log.text(&served.telemetry).starts_with("444 "));
    let metrics = served.telemetry.metrics().expect("encodes");
    assert!(metrics.contains(&format!("reason=\"{}\"", Reason::SnippetReturn.label())), "{metrics}");
}
