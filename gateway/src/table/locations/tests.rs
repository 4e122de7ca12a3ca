use crate::config::{self, Action, EntryPoint, LocationKind, PathKind, PathMatching, RouteMatch, VirtualHost};
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

/// A location; it has a backend where it says so, and locations within it.
#[derive(Clone, Debug)]
struct Declared<'a> {
    kind: LocationKind,
    text: &'a str,
    forwards: bool,
    within: Vec<Declared<'a>>,
}

fn location(kind: LocationKind, text: &str) -> Declared<'_> {
    Declared { kind, text, forwards: false, within: Vec::new() }
}

fn forwarding(kind: LocationKind, text: &str) -> Declared<'_> {
    Declared { forwards: true, ..location(kind, text) }
}

fn configured(locations: &[Declared<'_>]) -> Vec<config::Location> {
    let location = |(number, declared): (usize, &Declared<'_>)| {
        let Declared { kind, text, forwards, within } = declared;
        let action = if *forwards { Action::Forward([fixtures::backend("svc")].into()) } else { Action::NotFound };
        let route = fixtures::route("snippet", number, RouteMatch::path(kind.path_kind(), *text));
        let locations = configured(within).into();
        config::Location { kind: *kind, route: config::Route { action, locations, ..route } }
    };
    locations.iter().enumerate().map(location).collect()
}

/// Locations of a host, and those within its path `/`.
fn table(locations: &[Declared<'_>], within: &[Declared<'_>], paths: &[(PathKind, &str)]) -> Guard<Arc<Table>> {
    let mut host = fixtures::virtual_host("h", paths);
    for route in host.routes.iter_mut().filter(|route| &*route.matches.path.value == "/") {
        route.locations = configured(within).into();
    }
    let locations = configured(locations);
    fixtures::serving(PathMatching::Nginx, [VirtualHost { name: config::HostName::Any, locations, ..host }])
}

/// What takes a path: a location as it is written, or a path of an Ingress; `+` before one to which the client is redirected.
fn find(table: &Table, path: &str) -> String {
    let headers = HeaderMap::new();
    let headers = Headers::from(&headers);
    let request = RequestView::new(&Method::GET, path.as_bytes(), &headers, Version::HTTP_11);
    match table.find(EntryPoint::Http, &request, path.as_bytes()) {
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
        location(Exact, "/metrics"),
        location(Prefix, "/shop/admin"),
        location(FinalPrefix, "/static"),
        location(Regex, r"\.php$"),
        location(RegexIgnoringCase, r"\.ASP$"),
    ];
    let table =
        table(&locations, &[], &[(PathKind::Prefix, "/"), (PathKind::Prefix, "/shop"), (PathKind::Exact, "/x.php")]);
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
    assert_eq!(find(&table(&[forwarding(Prefix, "/api/")], &[], &paths), "/api"), "+/api/");
    assert_eq!(find(&table(&[location(Prefix, "/api/")], &[], &paths), "/api"), "/");
    assert_eq!(find(&table(&[forwarding(Prefix, "/api/"), location(Prefix, "/api")], &[], &paths), "/api"), "/api!");
    assert_eq!(find(&table(&[location(Prefix, "/a")], &[], &[(PathKind::Prefix, "/a/")]), "/a"), "/a!");
    assert_eq!(find(&table(&[], &[forwarding(Prefix, "/api/")], &paths), "/api"), "+/api/");
}

#[test]
fn locations_within_a_path_come_before_regular_expressions_around_it() {
    let php = Declared { within: vec![location(Regex, "^/a")], ..location(Regex, r"\.php$") };
    let deep = Declared { within: vec![location(Prefix, "/admin/deep/er")], ..location(Prefix, "/admin/deep") };
    let within = [
        Declared { within: vec![deep], ..location(Prefix, "/admin") },
        location(Exact, "/x.php"),
        Declared { within: vec![location(Regex, "^/static/.*/own")], ..location(FinalPrefix, "/static") },
        location(Regex, "^/static/"),
        location(RegexIgnoringCase, "^/API/"),
    ];
    let table = table(&[php], &within, &[(PathKind::Prefix, "/"), (PathKind::Prefix, "/shop")]);
    for (path, expected) in [
        ("/", "/"),
        ("/admin/", "/admin!"),
        ("/admin/deep", "/admin/deep!"),
        ("/admin/deep/er/est", "/admin/deep/er!"),
        ("/admin/deep/er/a.php", "~ ^/a!"),
        ("/x.php", "= /x.php!"),
        ("/b.php", r"~ \.php$!"),
        ("/static/a", "^~ /static!"),
        ("/static/a/own", "~ ^/static/.*/own!"),
        ("/static/a.php", r"~ \.php$!"),
        ("/api/a.php", "~* ^/API/!"),
        ("/shop/api/", "/shop"),
    ] {
        assert_eq!(find(&table, path), expected, "{path}");
    }
}

#[test]
fn no_location_is_shorter_than_the_path_that_it_stands_within() {
    let mut host = fixtures::virtual_host("h", &[(PathKind::Prefix, "/"), (PathKind::Prefix, "/shop")]);
    let within: Arc<[_]> = configured(&[location(Prefix, "/")]).into();
    host.routes.iter_mut().for_each(|route| route.locations = Arc::clone(&within));
    let table = fixtures::serving(PathMatching::Nginx, [VirtualHost { name: config::HostName::Any, ..host }]);
    assert_eq!((find(&table, "/a"), find(&table, "/shop/a")), ("/!".into(), "/shop".into()));
}

#[test]
fn a_location_that_takes_too_long_is_known() {
    let (slow, paths) = ([location(Regex, r"(?=(a+)+$)b")], [(PathKind::Prefix, "/")]);
    let (path, headers) = (format!("/{}", "a".repeat(3000)), HeaderMap::new());
    let headers = Headers::from(&headers);
    let request = RequestView::new(&Method::GET, path.as_bytes(), &headers, Version::HTTP_11);
    for table in [table(&slow, &[], &paths), table(&[], &slow, &paths)] {
        assert!(matches!(table.find(EntryPoint::Http, &request, path.as_bytes()), Found::PatternLimit(_)));
    }
}

const TEXTS: [&str; 6] = ["/", "/a", "/a/", "/a/b", "/a/b/", "/ab"];
const PATTERNS: [&str; 4] = ["b$", "^/a/", "/B", "/a(?!/b)"];
const REQUESTED: [&str; 8] = ["/", "/a", "/a/", "/a/b", "/a/b/", "/a/bc", "/ab", "/c"];

fn any_location() -> impl Strategy<Value = Declared<'static>> {
    prop_oneof![
        3 => (select(vec![Exact, Prefix, FinalPrefix]), select(TEXTS.to_vec()), any::<bool>()),
        1 => (select(vec![Regex, RegexIgnoringCase]), select(PATTERNS.to_vec()), any::<bool>()),
    ]
    .prop_map(|(kind, text, forwards)| Declared { forwards, ..location(kind, text) })
}

/// One with others in it, as nginx takes them.
fn any_tree() -> impl Strategy<Value = Declared<'static>> {
    (any_location(), proptest::collection::vec(any_location(), 0..4)).prop_map(|(outer, mut within)| {
        within.retain(|inner| {
            let is_pattern = inner.kind.path_kind() == PathKind::Regex;
            outer.kind != Exact && (is_pattern || inner.text.starts_with(outer.text))
        });
        Declared { within, ..outer }
    })
}

/// One location of nginx's configuration, and what [`find`] says of it.
#[derive(Clone)]
struct Nginx {
    kind: LocationKind,
    text: String,
    redirects: bool,
    shown: String,
    within: Vec<Nginx>,
}

fn written_of(locations: &[Declared<'_>]) -> Vec<Nginx> {
    let one = |Declared { kind, text, forwards, within }: &Declared<'_>| Nginx {
        kind: *kind,
        text: (*text).to_owned(),
        redirects: *forwards && text.ends_with('/') && kind.path_kind() != PathKind::Regex,
        shown: format!("{} {text}!", kind.modifier()).trim_start().to_owned(),
        within: written_of(within),
    };
    locations.iter().map(one).collect()
}

/// The locations of a server as ingress-nginx writes them: those of the snippet first.
fn written(locations: &[Declared<'_>], within: &[Declared<'_>], paths: &[(PathKind, &str)]) -> Vec<Nginx> {
    let mut sorted: Vec<_> = paths.iter().map(|(kind, path)| RouteMatch::path(*kind, *path)).collect();
    sorted.sort_by(RouteMatch::precedence);
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
        let within = if &*path.value == "/" { written_of(within) } else { Vec::new() };
        let one = move |(kind, text)| Nginx { kind, text, redirects, shown: shown.clone(), within: within.clone() };
        written.into_iter().map(one).collect::<Vec<_>>()
    };
    written_of(locations).into_iter().chain(sorted.iter().flat_map(of_path)).collect()
}

/// As nginx: ngx_http_core_find_location and ngx_http_core_find_static_location. Also whether no regular expression around
/// these is asked.
fn nginx(locations: &[Nginx], path: &str) -> (Option<String>, bool) {
    let is_prefix = |it: &&Nginx| matches!(it.kind, Prefix | FinalPrefix);
    if let Some(exact) = locations.iter().find(|it| it.kind == Exact && it.text == path) {
        // Only paths have locations within them there; nginx refuses those.
        return (nginx(&exact.within, path).0.or_else(|| Some(exact.shown.clone())), true);
    }
    let equal = locations.iter().filter(is_prefix).find(|it| it.text == path);
    let slashed = format!("{path}/");
    if equal.is_none()
        && let Some(to) = locations.iter().find(|it| it.redirects && it.text == slashed)
    {
        return (Some(format!("+{}", to.text)), true);
    }
    let prefixes = locations.iter().filter(is_prefix).filter(|it| path.starts_with(&it.text));
    let longest = prefixes.rev().max_by_key(|it| it.text.len());
    let mut found = None;
    if let Some(prefix) = longest {
        let (within, is_final) = nginx(&prefix.within, path);
        found = within.or_else(|| Some(prefix.shown.clone()));
        if is_final {
            return (found, true);
        }
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
    match locations.iter().find(matches).filter(|_| longest.is_none_or(|it| it.kind != FinalPrefix)) {
        Some(pattern) => (nginx(&pattern.within, path).0.or_else(|| Some(pattern.shown.clone())), true),
        None => (found, false),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// Whatever locations and paths there are, nginx's rules choose the same one.
    #[test]
    fn the_order_is_nginxs(
        locations in proptest::collection::vec(any_tree(), 0..5),
        mut within in proptest::collection::vec(any_tree(), 0..4),
        exact in subsequence(TEXTS.to_vec(), 0..3),
        paths in subsequence(TEXTS.to_vec(), 1..4),
        all_patterns in any::<bool>(),
    ) {
        let kind = |kind| if all_patterns { PathKind::Regex } else { kind };
        let of = |kind: PathKind, texts: &[&'static str]| texts.iter().map(|text| (kind, *text)).collect::<Vec<_>>();
        let mut declared = of(kind(PathKind::Prefix), &paths);
        if all_patterns {
            // Within a regular expression nginx takes no others.
            within.retain(|it| it.kind.path_kind() == PathKind::Regex);
        } else {
            // nginx refuses `= /a` beside what is written for a Prefix `/a`.
            let exact: Vec<_> = exact.into_iter().filter(|text| !paths.contains(text)).collect();
            declared.extend(of(PathKind::Exact, &exact));
            // And `/a/` beside the Prefix `/a`.
            declared.retain(|(kind, text)| {
                *kind == PathKind::Exact || text.strip_suffix('/').is_none_or(|bare| !paths.contains(&bare))
            });
        }
        let (table, written) = (table(&locations, &within, &declared), written(&locations, &within, &declared));
        for path in REQUESTED {
            let expected = nginx(&written, path).0.unwrap_or_else(|| "none".to_owned());
            prop_assert_eq!(find(&table, path), expected, "{} {:?} {:?} {:?}", path, locations, within, declared);
        }
    }
}
