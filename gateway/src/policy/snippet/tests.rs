//! The rules of nginx's rewrite module, each with the function of nginx that has it.

use super::fixture::{answer, block, rewrite, set, template, when};
use super::{Snippet, SnippetState, Surroundings};
use crate::config::{Block, Forwarded, Operation};
use crate::connection::Connection;
use crate::headers::Headers;
use crate::request::{Client, Reason, Reply, RequestView, normalize};
use crate::telemetry::RequestInfo;
use http::{HeaderMap, HeaderValue, Method, Version};
use proptest::prelude::*;
use std::ops::ControlFlow;

/// What has come of a request for `http://h:8080`.
#[derive(Debug)]
struct Run {
    state: SnippetState,
    /// Whether the path is to be looked up; or the answer.
    end: Result<bool, Reply>,
}

fn run(block: &Block, target: &str) -> Run {
    let snippet = Snippet::compile(block).expect("valid");
    let connection = Connection {
        id: 1,
        peer: "10.0.0.1:1000".parse().expect("an address"),
        local: "10.0.0.2:80".parse().expect("an address"),
        advertised_port: 80,
        proxied: None,
        own_port: None,
        tls: None,
    };
    let headers = HeaderMap::from_iter([
        (http::header::HOST, HeaderValue::from_static("h:8080")),
        (http::header::USER_AGENT, HeaderValue::from_static("Curl/8")),
        (http::header::COOKIE, HeaderValue::from_static("a=1; b=")),
    ]);
    let headers = Headers::from(&headers);
    let request = RequestView::new(&Method::GET, target.as_bytes(), &headers, Version::HTTP_11);
    let client = Client::of(&request, &connection, &Forwarded::default());
    let path = normalize(request.path(), Default::default()).expect("a good path");
    let mut state = SnippetState::new(&path, &request);
    let info = RequestInfo {
        method: "GET",
        target: target.as_bytes(),
        host: "h",
        headers: Some(&headers),
        ..RequestInfo::new(&connection, 1)
    };
    let around = Surroundings { info, client: &client, relative_redirects: false };
    let end = match snippet.run(&mut state, &around) {
        ControlFlow::Continue(outcome) => Ok(outcome.is_changed),
        ControlFlow::Break(reply) => Err(reply),
    };
    Run { state, end }
}

/// What the backend is asked for: `TARGET`, and ` again` where the path is looked up; `STATUS LOCATION` or `STATUS TEXT`
/// of an answer.
fn outcome(operations: Vec<Operation>, target: &str) -> String {
    let Run { state, end } = run(&block(operations), target);
    match end {
        Ok(again) => {
            let target = String::from_utf8_lossy(state.target().unwrap_or(b"-")).into_owned();
            format!("{target}{}", if again { " again" } else { "" })
        }
        Err(reply) => {
            let location = reply.location().map(|location| location.to_str().expect("text").to_owned());
            let text = reply.text.map(|text| String::from_utf8(text.into()).expect("text"));
            format!("{} {}", reply.status, location.or(text).unwrap_or_default()).trim_end().to_owned()
        }
    }
}

#[track_caller]
fn check(cases: &[(&str, Vec<Operation>, &str, &str)]) {
    for (rule, operations, target, expected) in cases {
        assert_eq!(outcome(operations.clone(), target), *expected, "{rule}: {target}");
    }
}

#[test]
fn rewrites_change_path_and_arguments() {
    check(&[
        ("ngx_http_script_regex_start_code: no match", vec![rewrite("^/b /c last")], "/a", "-"),
        ("uri_changed", vec![rewrite("^/a /c")], "/a", "/c again"),
        ("last", vec![rewrite("^/a /c last"), rewrite("^ /d break")], "/a", "/c again"),
        ("break_cycle", vec![rewrite("^/a /b break"), rewrite("^ /d")], "/a", "/b"),
        ("break_cycle after another", vec![rewrite("^/a /b"), rewrite("^/b /c break")], "/a", "/c"),
        ("ngx_http_script_break_code", vec![rewrite("^/a /b"), Operation::Break, rewrite("^ /c")], "/a", "/b"),
        ("the next sees the new path", vec![rewrite("^/a /b"), rewrite("^/b$ /c")], "/a", "/c again"),
        ("case counts", vec![rewrite("^/A /b last")], "/a", "-"),
        ("(?i)", vec![rewrite("(?i)^/A /b last")], "/a", "/b again"),
        ("$1 to $9", vec![rewrite("^/(.)(.)(.) /$3$2$1$4 last")], "/abc", "/cba again"),
        ("add_args", vec![rewrite("^/a /b last")], "/a?x=1", "/b?x=1 again"),
        ("add_args behind its own", vec![rewrite("^/a /b?y=2 last")], "/a?x=1", "/b?y=2&x=1 again"),
        ("without args", vec![rewrite("^/a /b?y=2 last")], "/a", "/b?y=2 again"),
        ("? drops them", vec![rewrite("^/a /b? last")], "/a?x=1", "/b again"),
        ("? keeps its own", vec![rewrite("^/a /b?y=2? last")], "/a?x=1", "/b?y=2 again"),
        ("ngx_http_script_add_args_code: the last ? counts", vec![rewrite("^ /b?c?d=1? last")], "/a", "/bc?d=1 again"),
        ("the path is decoded", vec![rewrite("^/a.b(.*) /c$1 last")], "/a%20b%2Fd%3F", "/c/d%3F again"),
        ("NGX_ESCAPE_URI", vec![rewrite("^/(.*) /x-$1 last")], "/%22%25%C3%A9", "/x-%22%25%C3%A9 again"),
        ("NGX_ESCAPE_ARGS", vec![rewrite("^/(.*) /b?p=$1 last")], "/a%26b%20c%2B", "/b?p=a%26b%20c%2B again"),
        ("quoted_uri is not set", vec![rewrite("^/(.*) /b?p=$1 last")], "/a&b;c", "/b?p=a&b;c again"),
        ("plus_in_uri", vec![rewrite("^/(.*) /b?p=$1 last")], "/a+b", "/b?p=a%2Bb again"),
        (
            "variables",
            vec![rewrite("^ /$host$uri?u=$arg_u&m=$request_method? last")],
            "/a?u=%2F",
            "/h/a?u=%2F&m=GET again",
        ),
        (
            "$request_uri stays",
            vec![rewrite("^/a /b"), rewrite("^ /c?was=$request_uri&is=$uri? last")],
            "/a?x",
            "/c?was=/a?x&is=/b again",
        ),
        ("named groups", vec![rewrite("^/(?<first>[^/]+)/(?<rest>.*) /$rest/$first last")], "/a/b/c", "/b/c/a again"),
        ("no slash at its start", vec![rewrite("^/(.*) $1 last")], "/a", "/a again"),
        ("set $args: ngx_http_variable_set_args", vec![set("args", "y=$arg_x")], "/a?x=1", "/a?y=1"),
        ("$is_args$args", vec![rewrite("^/a /b$is_args? last")], "/a?x", "/b%3F again"),
    ]);
}

#[test]
fn redirects_have_a_location() {
    check(&[
        ("redirect", vec![rewrite("^/a(.*) /b$1 redirect")], "/a/c?x=1", "302 http://h/b/c?x=1"),
        ("permanent", vec![rewrite("^/a /b permanent")], "/a", "301 http://h/b"),
        ("http://", vec![rewrite("^/(.*) https://o.example/$1")], "/a?x", "302 https://o.example/a?x"),
        ("permanent URL", vec![rewrite("^/(.*) https://o.example/$1? permanent")], "/a?x", "301 https://o.example/a"),
        ("$scheme", vec![rewrite("^ $scheme://o.example$request_uri?")], "/a?x=1", "302 http://o.example/a?x=1"),
        ("code->args", vec![rewrite("^ https://o.example/?y=2")], "/a?x=1", "302 https://o.example/?y=2&x=1"),
        (
            "NGX_UNESCAPE_REDIRECT",
            vec![rewrite("^/(.*) /b/$1 redirect")],
            "/a%20b%2B%C3%A9",
            "302 http://h/b/a%20b+%C3%A9",
        ),
        ("no line break", vec![rewrite("(?s)^/(.*) /b/$1 redirect")], "/a%0d%0aX:1", "302 http://h/b/a%0D%0AX:1"),
        ("return URL", vec![answer(301, "https://o.example$request_uri")], "/a?x=1", "301 https://o.example/a?x=1"),
        ("return path", vec![answer(308, "/b")], "/a", "308 http://h/b"),
        ("return does not add arguments", vec![answer(302, "/b")], "/a?x", "302 http://h/b"),
        ("a location of two lines", vec![answer(302, "/b$uri")], "/a%0d%0aX:1", "500"),
    ]);
}

#[test]
fn returns_answer() {
    check(&[
        ("ngx_http_send_response", vec![answer(200, "hi $arg_n"), answer(500, "")], "/?n=1", "200 hi 1"),
        ("no text below 400", vec![answer(200, "")], "/", "200"),
        ("a page", vec![answer(403, "")], "/", "403"),
        ("a text", vec![answer(418, "teapot")], "/", "418 teapot"),
        ("204 has no text", vec![answer(204, "no")], "/", "204"),
        ("444", vec![answer(444, "")], "/", "444"),
    ]);
    let text = |target, default: Option<&str>| {
        let mut block = block([answer(200, "x")]);
        block.effects.default_type = default.map(Into::into);
        run(&block, target).end.expect_err("an answer").headers[0].1.clone()
    };
    assert_eq!(text("/a", None), "text/html", "ingress-nginx: default_type");
    assert_eq!(text("/a", Some("text/plain; charset=utf-8")), "text/plain; charset=utf-8");
    assert_eq!(text("/robots.txt", Some("application/json")), "text/plain", "ngx_http_set_content_type");
}

#[test]
fn variables_and_conditions() {
    let yes = || block([answer(200, "yes")]);
    let test = |text: &str| vec![when(text, yes())];
    check(&[
        ("ngx_http_script_if_code", test("$arg_a"), "/?a=1", "200 yes"),
        ("0 is false", test("$arg_a"), "/?a=0", "-"),
        ("00 is true", test("$arg_a"), "/?a=00", "200 yes"),
        ("empty is false", test("$arg_a"), "/?a=", "-"),
        ("absent is false", test("$arg_a"), "/", "-"),
        ("never set", test("$mine"), "/", "-"),
        ("ngx_http_script_equal_code", test("$request_method = GET"), "/", "200 yes"),
        ("with regard to case", test("$request_method = get"), "/", "-"),
        ("ngx_http_script_not_equal_code", test("$request_method != POST"), "/", "200 yes"),
        ("absent equals nothing", vec![when("$cookie_c = ", yes())], "/", "200 yes"),
        ("~", test("$http_user_agent ~ ^curl"), "/", "-"),
        ("~*", test("$http_user_agent ~* ^curl"), "/", "200 yes"),
        ("!~", test("$http_user_agent !~ ^curl"), "/", "200 yes"),
        ("!~*", test("$http_user_agent !~* ^curl"), "/", "-"),
        ("groups of an if", vec![when("$uri ~ ^/(.)(.)", block([answer(200, "$2$1")]))], "/ab", "200 ba"),
        ("named groups", vec![when("$uri ~ ^/(?<id>.*)", block([])), answer(200, "$id")], "/7", "200 7"),
        (
            "ncaptures = 0 after no match",
            vec![when("$uri ~ (b)", block([])), when("$uri ~ x", block([])), answer(200, "[$1]")],
            "/b",
            "200 []",
        ),
        (
            "ngx_http_script_set_var_code",
            vec![set("a", "$uri"), set("a", "$a$a-"), answer(200, "$a")],
            "/b",
            "200 /b/b-",
        ),
        (
            "variables stay as they were set",
            vec![set("a", "$uri"), rewrite("^ /new"), answer(200, "$a $uri")],
            "/b",
            "200 /b /new",
        ),
        (
            "quote: groups are escaped in values",
            vec![when("$request_uri ~ ^/a(.*)", block([set("a", "$1"), answer(200, "$a $1")]))],
            "/a%20&",
            "200 %2520%26 %20&",
        ),
        (
            "quote ends with a rewrite",
            vec![rewrite("^/a(.*) /b$1"), set("a", "$1"), answer(200, "$a")],
            "/a%26",
            "200 &",
        ),
        ("break in an if", vec![when("$uri ~ .", block([Operation::Break])), answer(500, "")], "/", "-"),
        ("an if goes on", vec![when("$uri ~ .", block([set("a", "1")])), answer(200, "$a")], "/", "200 1"),
        ("statements in their order", vec![answer(200, "$a"), set("a", "1")], "/", "200"),
    ]);
}

#[test]
fn a_reply_names_its_statement() {
    let outer = block([set("a", "1"), when("$a", block([set("b", "1"), answer(403, "")]))]);
    let reply = run(&outer, "/").end.expect_err("an answer");
    assert_eq!(reply.reason, Reason::SnippetReturn);
    assert_eq!(reply.origin.expect("known").to_string(), "Ingress default/shop: snippet line 2");
    let reply = run(&block([rewrite("^ /b redirect")]), "/").end.expect_err("an answer");
    assert_eq!((reply.reason, reply.origin.is_some()), (Reason::SnippetRedirect, true));
}

#[test]
fn values_are_bounded() {
    let doubled = (0..20).map(|_| set("a", "$a$a")).collect::<Vec<_>>();
    let reply = run(&block([vec![set("a", "0123456789")], doubled].concat()), "/").end.expect_err("too long");
    assert_eq!((reply.status, reply.reason, reply.origin.is_some()), (500, Reason::SnippetTooLong, true));
    let doubled = (0..20).map(|_| rewrite("^(.*)$ $1$1")).collect::<Vec<_>>();
    let reply = run(&block(doubled), "/a").end.expect_err("too long");
    assert_eq!((reply.status, reply.reason), (414, Reason::RewriteTooLong));
    let doubled = (0..20).map(|_| set("args", "$args$args")).collect::<Vec<_>>();
    let reply = run(&block(doubled), "/a?b").end.expect_err("too long");
    assert_eq!((reply.status, reply.reason), (500, Reason::SnippetTooLong));
    let text = [set("a", &"x".repeat(16 << 10)), answer(200, &"$a".repeat(17))];
    assert_eq!(run(&block(text), "/").end.expect_err("too long").reason, Reason::SnippetTooLong);
}

#[test]
fn patterns_are_bounded() {
    let costly = || when("$uri ~ [a-z]{1,900}x$", block([]));
    let path = format!("/{}", "a".repeat(1500));
    let reply = run(&block([costly(), costly()]), &path).end.expect_err("too costly");
    assert_eq!((reply.status, reply.reason), (500, Reason::PatternLimit));
    let many: Vec<_> = (0..12).map(|_| costly()).collect();
    let invalid = Snippet::compile(&block(many)).expect_err("too many");
    assert!(invalid.reason.contains("one regular expression too many"), "{invalid}");
}

#[test]
fn what_cannot_be_compiled_is_named() {
    for (operation, value) in [
        (rewrite("( /b"), "("),
        (answer(100, ""), "Ingress default/shop: snippet line 1"),
        (answer(600, ""), "Ingress default/shop: snippet line 1"),
    ] {
        assert_eq!(&*Snippet::compile(&block([operation])).expect_err("invalid").value, value);
    }
    let deep = (0..20).fold(block([]), |inner, _| block([when("$a", inner)]));
    assert!(Snippet::compile(&deep).is_err());
    assert!(Snippet::compile(&block((0..1001).map(|_| Operation::Break))).is_err());
    assert_eq!(template("a$1b").0.len(), 3);
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let flag = prop::sample::select(vec!["", " last", " break", " redirect"]);
    let part = || prop::sample::select(vec!["/", "a", "%", "?", "$1", "$uri", "$args", "\u{e9}", "&", "$x"]);
    let replacement = prop::collection::vec(part(), 1..6).prop_map(|parts| parts.concat());
    let pattern = prop::sample::select(vec!["^", "(.)$", "^/(a*)", "(?<x>.)b"]);
    let operation = prop_oneof![
        3 => (pattern.clone(), replacement.clone(), flag).prop_map(|(p, r, f)| rewrite(&format!("{p} {r}{f}"))),
        1 => replacement.clone().prop_map(|value| set("x", &value)),
        1 => replacement.prop_map(|value| set("args", &value)),
        1 => pattern.prop_map(|pattern| when(&format!("$uri ~ {pattern}"), block([set("x", "$1")]))),
    ];
    prop::collection::vec(operation, 0..6)
}

proptest! {
    /// Whatever a snippet makes is a request target of one word, and what a header can have.
    #[test]
    fn targets_are_targets(operations in operations(), path in "/[a-c%&+;]{0,8}", query in "[ -~]{0,4}") {
        let path = path.replace('%', "%0d");
        let query = query.replace([' ', '#'], "");
        let Run { state, end } = run(&block(operations), &format!("{path}?{query}"));
        prop_assert_eq!(state.path().first(), Some(&b'/'));
        if let (Ok(_), Some(target)) = (&end, state.target()) {
            let path = target.split(|byte| *byte == b'?').next().expect("a part");
            prop_assert!(path.first() == Some(&b'/') && path.iter().all(|byte| byte.is_ascii_graphic()));
        }
        if let Err(reply) = end {
            prop_assert!(reply.origin.is_some());
        }
    }
}
