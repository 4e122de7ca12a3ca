use super::*;
use crate::config::{EntryPoint, HeaderMatch, QueryMatch, RouteMatch, ValueMatch};
use crate::headers::Headers;
use crate::table::Found;
use crate::table::fixtures::{self, Outcome};
use PathKind::{Exact, Prefix, Regex};
use PathMatching::{Nginx, Strict};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

/// What the routes answer to a path, by the declared path of the route.
fn find(routes: &[(PathKind, &str)], path: &str, mode: PathMatching) -> Outcome {
    fixtures::find(&fixtures::table(mode, &[("h", routes)]), "h", path)
}

fn route(kind: PathKind, path: &str) -> Outcome {
    Outcome::Route(kind, path.into())
}

#[test]
fn prefixes_match_by_element_in_both_modes() {
    for mode in [Nginx, Strict] {
        let routes = [(Prefix, "/"), (Prefix, "/aaa"), (Prefix, "/aaa/bbb")];
        assert_eq!(find(&routes, "/aaa/bbb", mode), route(Prefix, "/aaa/bbb"));
        assert_eq!(find(&routes, "/aaa/bbb/ccc", mode), route(Prefix, "/aaa/bbb"));
        assert_eq!(find(&routes, "/aaa/bbbb", mode), route(Prefix, "/aaa"));
        assert_eq!(find(&routes, "/aaab", mode), route(Prefix, "/"));
        assert_eq!(find(&routes[1..], "/aaab", mode), Outcome::NoPath);
        assert_eq!(find(&routes[1..], "/AAA", mode), Outcome::NoPath);
    }
}

#[test]
fn exact_beats_prefix_in_both_modes() {
    for mode in [Nginx, Strict] {
        let routes = [(Prefix, "/foo"), (Exact, "/foo"), (Exact, "/"), (Prefix, "/")];
        assert_eq!(find(&routes, "/foo", mode), route(Exact, "/foo"));
        assert_eq!(find(&routes, "/foo/", mode), route(Prefix, "/foo"));
        assert_eq!(find(&routes, "/", mode), route(Exact, "/"));
        assert_eq!(find(&routes, "/bar", mode), route(Prefix, "/"));
        assert_eq!(find(&[(Exact, "/foo")], "/foo/", mode), Outcome::NoPath);
        // A67: an Exact path wins although the Prefix path is longer.
        assert_eq!(find(&[(Exact, "/foo"), (Prefix, "/foo/")], "/foo", mode), route(Exact, "/foo"));
    }
}

#[test]
fn a_missing_slash() {
    for kind in [Exact, Prefix] {
        let routes = [(kind, "/foo/"), (Prefix, "/")];
        assert_eq!(find(&routes, "/foo", Nginx), Outcome::AddSlash("/foo/".into()));
        let strict = if kind == Exact { route(Prefix, "/") } else { route(Prefix, "/foo/") };
        assert_eq!(find(&routes, "/foo", Strict), strict);
    }
    let both = [(Prefix, "/foo"), (Prefix, "/foo/")];
    assert_eq!(find(&both, "/foo", Nginx), route(Prefix, "/foo"));
    assert_eq!(find(&both, "/foo", Strict), route(Prefix, "/foo/"));
    for mode in [Nginx, Strict] {
        assert_eq!(find(&both, "/foo/", mode), route(Prefix, "/foo/"));
        assert_eq!(find(&both, "/foo/x", mode), route(Prefix, "/foo/"));
    }
}

#[test]
fn a_neighbour_in_byte_order_does_not_hide_a_prefix() {
    let routes = [(Prefix, "/foo"), (Prefix, "/foo-bar"), (Prefix, "/foo!/x"), (Exact, "/foo/a")];
    assert_eq!(find(&routes, "/foo/x", Nginx), route(Prefix, "/foo"));
    assert_eq!(find(&routes, "/foo.", Nginx), Outcome::NoPath);
    assert_eq!(find(&routes, "/foo/a/b", Nginx), route(Prefix, "/foo"));
}

#[test]
fn patterns_are_tried_longest_first() {
    let routes = [(Regex, "/f"), (Regex, "/foo/[a-z]+$"), (Regex, "/foo"), (Regex, "/goo"), (Regex, "/.oo")];
    for mode in [Nginx, Strict] {
        assert_eq!(find(&routes, "/FOO/bar", mode), route(Regex, "/foo/[a-z]+$"));
        assert_eq!(find(&routes, "/foo/1", mode), route(Regex, "/foo"));
        assert_eq!(find(&routes, "/goo", mode), route(Regex, "/goo"));
        assert_eq!(find(&routes, "/zoo", mode), route(Regex, "/.oo"));
        assert_eq!(find(&routes, "/x", mode), Outcome::NoPath);
    }
}

#[test]
fn the_longer_of_prefix_and_pattern_wins() {
    let routes = [(Prefix, "/api"), (Regex, "/api/v[0-9]"), (Regex, "/a.*"), (Exact, "/api/v1"), (Regex, "/[a]")];
    assert_eq!(find(&routes, "/api/v1", Strict), route(Exact, "/api/v1"));
    assert_eq!(find(&routes, "/api/v2", Strict), route(Regex, "/api/v[0-9]"));
    assert_eq!(find(&routes, "/api/x", Strict), route(Prefix, "/api"));
    assert_eq!(find(&routes, "/apix", Strict), route(Regex, "/a.*"));
}

#[test]
fn a_long_path_of_slashes_is_harmless() {
    let nested: Vec<String> = (1..2000).map(|n| "/a".repeat(n)).collect();
    let routes: Vec<_> = nested.iter().map(|path| (Prefix, path.as_str())).chain([(Prefix, "/")]).collect();
    let table = fixtures::table(Strict, &[("h", &routes)]);
    assert_eq!(fixtures::find(&table, "h", &"/".repeat(8192)), route(Prefix, "/"));
    assert_eq!(fixtures::find(&table, "h", &format!("{}b", "/a".repeat(1999))), route(Prefix, &"/a".repeat(1998)));
}

#[test]
fn one_host_holds_many_routes() {
    let paths: Vec<String> = (0..100_000).map(|n| format!("/shop/{n}")).collect();
    let routes: Vec<_> = paths.iter().map(|path| (Prefix, path.as_str())).collect();
    let table = fixtures::table(Nginx, &[("h", &routes)]);
    assert_eq!(fixtures::find(&table, "h", "/shop/4711/cart"), route(Prefix, "/shop/4711"));
    assert_eq!(fixtures::find(&table, "h", "/shop/100000"), Outcome::NoPath);
}

/// The answer to a request, by the field of the route that took it.
fn winner(
    routes: &[RouteMatch],
    mode: PathMatching,
    method: &Method,
    target: &str,
    headers: &HeaderMap,
) -> Option<usize> {
    let routes = routes.iter().cloned().enumerate().map(|(number, matches)| fixtures::route("h", number, matches));
    let table = fixtures::serving(mode, [fixtures::host_of("", routes.collect())]);
    let headers = Headers::from(headers);
    let request = RequestView::new(method, target.as_bytes(), &headers, Version::HTTP_11);
    let Found::Route(route) = table.find(EntryPoint::Http, &request, request.path()) else { return None };
    let field = route.origin.field.strip_prefix("spec.rules[0].http.paths[")?;
    field.strip_suffix(']')?.parse().ok()
}

#[test]
fn of_one_path_the_first_that_takes_the_request_wins() {
    let header = |name: &str, value| HeaderMatch { name: name.into(), value };
    let exact = |text: &str| ValueMatch::Exact(text.into());
    let shop = || RouteMatch::path(Prefix, "/shop");
    let routes = [
        shop(),
        RouteMatch { method: Some(Method::POST), ..shop() },
        RouteMatch { headers: [header("x-v", exact("2"))].into(), ..shop() },
        RouteMatch { headers: [header("x-v", exact("2")), header("x-w", exact("1, 3"))].into(), ..shop() },
        RouteMatch {
            query: [QueryMatch { name: "q".into(), value: ValueMatch::Regex("^a b$".into()) }].into(),
            ..shop()
        },
        RouteMatch { method: Some(Method::PUT), ..RouteMatch::path(Prefix, "/shop/cart") },
        RouteMatch { method: Some(Method::PUT), ..RouteMatch::path(Regex, "/shop/[x]") },
        RouteMatch { method: Some(Method::PUT), ..RouteMatch::path(Exact, "/shop/cart") },
    ];
    let headers = |lines: &[(&'static str, &'static str)]| {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            headers.append(name, value);
        }
        headers
    };
    for mode in [Nginx, Strict] {
        for (method, target, lines, expected) in [
            (Method::GET, "/shop", &[][..], 0),
            (Method::POST, "/shop", &[], 1),
            (Method::POST, "/shop", &[("x-v", "2")], 1),
            (Method::GET, "/shop/a", &[("x-v", "2")], 2),
            (Method::GET, "/shop", &[("x-v", "2"), ("x-w", "1"), ("x-w", "3")], 3),
            (Method::GET, "/shop", &[("x-v", "2"), ("x-w", "1")], 2),
            (Method::GET, "/shop?q=a+b&q=c", &[], 4),
            (Method::GET, "/shop?p=1&q=%61%20b", &[], 4),
            (Method::GET, "/shop?q=c&q=a+b", &[], 0),
            (Method::GET, "/shop?Q=a+b", &[], 0),
            // None of a longer path takes it, so that a shorter one does.
            (Method::GET, "/shop/cart", &[], 0),
            (Method::GET, "/shop/cart/7", &[("x-v", "2")], 2),
            (Method::GET, "/shop/x", &[], 0),
            (Method::PUT, "/shop/cart", &[], 7),
            (Method::PUT, "/shop/cart/7", &[], 5),
            (Method::PUT, "/shop/xy", &[], 6),
        ] {
            let found = winner(&routes, mode, &method, target, &headers(lines));
            assert_eq!(found, Some(expected), "{mode:?} {method} {target} {lines:?}");
        }
    }
    assert_eq!(winner(&routes[1..3], Nginx, &Method::GET, "/shop", &HeaderMap::new()), None);
}
