use crate::config::{self, Action, LocationKind, PathKind, PathMatching, RouteMatch, VirtualHost};
use crate::headers::Headers;
use crate::pattern::{Anchor, Case, Pattern};
use crate::request::RequestView;
use crate::table::{Found, Table, fixtures};
use LocationKind::{Exact, FinalPrefix, Prefix, Regex, RegexIgnoringCase};
use arc_swap::Guard;
use http::{HeaderMap, Method, Version};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::sync::Arc;

/// A location; it has a backend where it says so.
type Declared<'a> = (LocationKind, &'a str, bool);

fn host(locations: &[Declared<'_>], paths: &[(PathKind, &str)]) -> VirtualHost {
    let location = |(number, (kind, text, forwards)): (usize, &Declared<'_>)| {
        let action = if *forwards { Action::Forward([fixtures::backend("svc")].into()) } else { Action::NotFound };
        let route = fixtures::route("snippet", number, RouteMatch::path(kind.path_kind(), *text));
        config::Location { kind: *kind, route: config::Route { action, ..route } }
    };
    let locations = locations.iter().enumerate().map(location).collect();
    VirtualHost { locations, ..fixtures::virtual_host("h", paths) }
}

fn table(locations: &[Declared<'_>], paths: &[(PathKind, &str)]) -> Guard<Arc<Table>> {
    fixtures::serving(PathMatching::Nginx, [VirtualHost { name: config::HostName::Any, ..host(locations, paths) }])
}

/// What takes a path: a location as it is written, or a path of an Ingress; `+` before one to which the client is redirected.
fn find(table: &Table, path: &str) -> String {
    let headers = HeaderMap::new();
    let headers = Headers::from(&headers);
    let request = RequestView::new(&Method::GET, path.as_bytes(), &headers, Version::HTTP_11);
    match table.find(&request, path.as_bytes()) {
        Found::Route(route) => {
            let modifier = route.location.as_ref().map(|location| location.kind.modifier());
            let text = &route.matches.path.value;
            modifier
                .map_or_else(|| text.to_string(), |modifier| format!("{modifier} {text}").trim_start().to_owned() + "!")
        }
        Found::AddSlash(route) => format!("+{}", route.matches.path.value),
        _ => "none".to_owned(),
    }
}

#[test]
fn locations_stand_among_paths() {
    let locations = [
        (Exact, "/metrics", false),
        (Prefix, "/shop/admin", false),
        (FinalPrefix, "/static", false),
        (Regex, r"\.php$", false),
        (RegexIgnoringCase, r"\.ASP$", false),
    ];
    let table = table(&locations, &[(PathKind::Prefix, "/"), (PathKind::Prefix, "/shop"), (PathKind::Exact, "/x.php")]);
    for (path, expected) in [
        ("/metrics", "= /metrics!"),
        ("/metrics/", "/"),
        ("/shop", "/shop"),
        ("/shop/adm", "/shop"),
        ("/shop/administration", "/shop/admin!"),
        ("/shop/admin/a.php", r"~ \.php$!"),
        ("/static/a.php", "^~ /static!"),
        ("/a.PHP", "/"),
        ("/a.asp", r"~* \.ASP$!"),
        ("/x.php", "/x.php"),
        ("/shop/x.php", r"~ \.php$!"),
    ] {
        assert_eq!(find(&table, path), expected, "{path}");
    }
}

#[test]
fn a_missing_slash_of_a_location_with_a_backend_is_added() {
    let paths = [(PathKind::Prefix, "/")];
    assert_eq!(find(&table(&[(Prefix, "/api/", true)], &paths), "/api"), "+/api/");
    assert_eq!(find(&table(&[(Prefix, "/api/", false)], &paths), "/api"), "/");
    assert_eq!(find(&table(&[(Prefix, "/api/", true), (Prefix, "/api", false)], &paths), "/api"), "/api!");
    assert_eq!(find(&table(&[(Prefix, "/a", false)], &[(PathKind::Prefix, "/a/")]), "/a"), "/a!");
}

#[test]
fn a_location_that_takes_too_long_is_known() {
    let slow = table(&[(Regex, r"(?=(a+)+$)b", false)], &[(PathKind::Prefix, "/")]);
    let (path, headers) = (format!("/{}", "a".repeat(3000)), HeaderMap::new());
    let headers = Headers::from(&headers);
    let request = RequestView::new(&Method::GET, path.as_bytes(), &headers, Version::HTTP_11);
    assert!(matches!(slow.find(&request, path.as_bytes()), Found::PatternLimit(_)));
}

const TEXTS: [&str; 6] = ["/", "/a", "/a/", "/a/b", "/a/b/", "/ab"];
const PATTERNS: [&str; 4] = ["b$", "^/a/", "/B", "/a(?!/b)"];
const REQUESTED: [&str; 8] = ["/", "/a", "/a/", "/a/b", "/a/b/", "/a/bc", "/ab", "/c"];

fn location() -> impl Strategy<Value = Declared<'static>> {
    prop_oneof![
        3 => (select(vec![Exact, Prefix, FinalPrefix]), select(TEXTS.to_vec()), any::<bool>()),
        1 => (select(vec![Regex, RegexIgnoringCase]), select(PATTERNS.to_vec()), any::<bool>()),
    ]
}

/// One location of nginx's configuration, and what [`find`] says of it.
struct Nginx {
    kind: LocationKind,
    text: String,
    redirects: bool,
    shown: String,
}

/// The locations of a server as ingress-nginx writes them: those of the snippet first.
fn written(locations: &[Declared<'_>], paths: &[(PathKind, &str)]) -> Vec<Nginx> {
    let own = locations.iter().map(|(kind, text, forwards)| Nginx {
        kind: *kind,
        text: (*text).to_owned(),
        redirects: *forwards && text.ends_with('/') && kind.path_kind() != PathKind::Regex,
        shown: format!("{} {text}!", kind.modifier()).trim_start().to_owned(),
    });
    let mut sorted: Vec<_> = paths.iter().map(|(kind, path)| RouteMatch::path(*kind, *path)).collect();
    sorted.sort();
    let of_path = |RouteMatch { path, .. }: &RouteMatch| {
        let slashed = path.value.ends_with('/');
        let written: Vec<(LocationKind, String)> = match path.kind {
            PathKind::Regex => vec![(RegexIgnoringCase, format!("^{}", path.value))],
            PathKind::Exact => vec![(Exact, path.value.to_string())],
            PathKind::Prefix if slashed => vec![(Prefix, path.value.to_string())],
            PathKind::Prefix => vec![(Exact, path.value.to_string()), (Prefix, format!("{}/", path.value))],
        };
        let shown = path.value.to_string();
        let redirects = slashed && path.kind != PathKind::Regex;
        let one = move |(kind, text)| Nginx { kind, text, redirects, shown: shown.clone() };
        written.into_iter().map(one).collect::<Vec<_>>()
    };
    own.chain(sorted.iter().flat_map(of_path)).collect()
}

/// As nginx: ngx_http_core_find_location and ngx_http_core_find_static_location.
fn nginx(locations: &[Nginx], path: &str) -> String {
    let is_prefix = |it: &&Nginx| matches!(it.kind, Prefix | FinalPrefix);
    if let Some(exact) = locations.iter().find(|it| it.kind == Exact && it.text == path) {
        return exact.shown.clone();
    }
    let equal = locations.iter().filter(is_prefix).find(|it| it.text == path);
    let slashed = format!("{path}/");
    if equal.is_none()
        && let Some(to) = locations.iter().find(|it| it.redirects && it.text == slashed)
    {
        return format!("+{}", to.text);
    }
    let prefixes = locations.iter().filter(is_prefix).filter(|it| path.starts_with(&it.text));
    let longest = prefixes.rev().max_by_key(|it| it.text.len());
    if let Some(last) = longest.filter(|it| it.kind == FinalPrefix) {
        return last.shown.clone();
    }
    let matches = |it: &&Nginx| {
        let case = match it.kind {
            Regex => Case::Sensitive,
            RegexIgnoringCase => Case::Insensitive,
            _ => return false,
        };
        let text: Arc<str> = it.text.as_str().into();
        let pattern = Pattern::compile(&text, Anchor::Anywhere, case).expect("a pattern");
        pattern.is_match(path.as_bytes()).expect("quick")
    };
    locations.iter().find(matches).or(longest).map_or_else(|| "none".to_owned(), |it| it.shown.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// Whatever locations and paths there are, nginx's rules choose the same one.
    #[test]
    fn the_order_is_nginxs(
        locations in proptest::collection::vec(location(), 0..5),
        exact in subsequence(TEXTS.to_vec(), 0..3),
        paths in subsequence(TEXTS.to_vec(), 1..4),
        all_patterns in any::<bool>(),
    ) {
        let kind = |kind| if all_patterns { PathKind::Regex } else { kind };
        let of = |kind: PathKind, texts: &[&'static str]| texts.iter().map(|text| (kind, *text)).collect::<Vec<_>>();
        let mut declared = of(kind(PathKind::Prefix), &paths);
        if !all_patterns {
            // nginx refuses `= /a` beside what is written for a Prefix `/a`.
            let exact: Vec<_> = exact.into_iter().filter(|text| !paths.contains(text)).collect();
            declared.extend(of(PathKind::Exact, &exact));
            // And `/a/` beside the Prefix `/a`.
            declared.retain(|(kind, text)| {
                *kind == PathKind::Exact || text.strip_suffix('/').is_none_or(|bare| !paths.contains(&bare))
            });
        }
        let (table, written) = (table(&locations, &declared), written(&locations, &declared));
        for path in REQUESTED {
            prop_assert_eq!(find(&table, path), nginx(&written, path), "{} {:?} {:?}", path, locations, declared);
        }
    }
}
