use super::route::Route;
use crate::config::{PathKind, PathMatching};
use crate::pattern::Pattern;
use crate::request::RequestView;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The routes of one virtual host, indexed by path.
///
/// Exact and Prefix paths are kept as a sorted array of *bases*: paths without their one trailing slash. Each base
/// knows the longest other base that it begins with, so a look-up is one binary search and a walk towards shorter
/// bases: linear in the length of the paths, logarithmic in their number, and nothing is allocated. Regular
/// expressions are tried one after the other. Routes of one path are its *candidates*: the first that takes the
/// request wins, and where none does, the search goes on with the next path.
#[derive(Debug)]
pub(super) struct PathIndex {
    /// In order of precedence, so that of two matches the one with the lower number wins.
    routes: Box<[Arc<Route>]>,
    /// Sorted by base.
    nodes: Box<[Node]>,
    /// By rising route number.
    patterns: Box<[(Pattern, Candidates)]>,
}

type RouteNumber = u32;
/// The routes of one path, which stand next to each other.
type Candidates = Range<RouteNumber>;

#[derive(Debug)]
struct Node {
    /// A path that has the base, and how many bytes of it the base is.
    path: Arc<str>,
    base_length: usize,
    /// The node of the longest base that this one begins with, byte for byte.
    parent: Option<u32>,
    slots: Slots,
}

/// The routes that share a base: `/foo` declares it bare, `/foo/` with a slash.
#[derive(Debug, Default)]
struct Slots {
    exact_bare: Candidates,
    exact_slash: Candidates,
    prefix_bare: Candidates,
    prefix_slash: Candidates,
}

/// What an index says of a request.
#[derive(Debug)]
pub(super) enum PathMatch<'t> {
    /// This route takes it.
    Route(&'t Arc<Route>),
    /// No route takes it, but this one would if its path ended with a slash.
    AddSlash(&'t Arc<Route>),
    /// No route takes it.
    None,
    /// This pattern takes too long on it.
    Limit(&'t Pattern),
}

/// A match among the Exact and Prefix paths.
enum Hit {
    Exact(RouteNumber),
    Prefix(RouteNumber),
    AddSlash(RouteNumber),
}

/// The candidates of a path, and what the first of them that takes a request is to it.
type DeclaredPath<'s> = (&'s Candidates, fn(RouteNumber) -> Hit);

/// What is looked up.
struct Wanted<'r, 'a> {
    path: &'r [u8],
    request: &'r RequestView<'a>,
    mode: PathMatching,
}

/// A route that no request can reach, because another one takes the same ones and comes first.
#[derive(Debug)]
pub(super) struct Shadowed {
    pub(super) loser: Arc<Route>,
    pub(super) winner: Arc<Route>,
}

impl PathIndex {
    /// Indexes routes; those of [`PathKind::Regex`] come with their pattern. Of equal ones the first comes first, and the
    /// others are returned as well.
    pub(super) fn new(mut routes: Vec<(Arc<Route>, Option<Pattern>)>) -> (Self, Vec<Shadowed>) {
        routes.sort_by(|(a, _), (b, _)| a.matches.cmp(&b.matches));
        let mut sorted: Vec<Arc<Route>> = Vec::with_capacity(routes.len());
        let mut paths: Vec<(Candidates, Option<Pattern>)> = Vec::new();
        for (route, pattern) in routes {
            match paths.last_mut().filter(|_| sorted.last().is_some_and(|last| last.matches.path == route.matches.path))
            {
                Some((candidates, _)) => candidates.end += 1,
                None => {
                    let number = sorted.len() as RouteNumber;
                    paths.push((number..number + 1, pattern));
                }
            }
            sorted.push(route);
        }
        let shadowed = sorted.chunk_by(|a, b| a.matches == b.matches).flat_map(|equal| {
            equal[1..].iter().map(|loser| Shadowed { loser: loser.clone(), winner: equal[0].clone() })
        });
        let shadowed = shadowed.collect();
        let nodes = nodes(&sorted, paths.iter().map(|(candidates, _)| candidates));
        let patterns = paths.into_iter().filter_map(|(candidates, pattern)| Some((pattern?, candidates)));
        (Self { nodes, patterns: patterns.collect(), routes: sorted.into() }, shadowed)
    }

    /// The routes in order of precedence: longer paths first; at equal length Exact, Prefix, then Regex; of one path those
    /// that want more of a request first.
    pub(super) fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// The route for a request with this normalised path.
    ///
    /// An Exact path wins over all others; else the longest of the Prefix paths and patterns that match, a Prefix at
    /// equal length. In nginx mode a path that only lacks its slash comes before patterns and shorter prefixes.
    pub(super) fn find(&self, path: &[u8], request: &RequestView<'_>, mode: PathMatching) -> PathMatch<'_> {
        match self.search(&Wanted { path, request, mode }) {
            Ok(found) => found,
            Err(pattern) => PathMatch::Limit(pattern),
        }
    }

    fn search(&self, wanted: &Wanted<'_, '_>) -> Result<PathMatch<'_>, &Pattern> {
        let prefix = match self.nearest(wanted)? {
            Some(Hit::Exact(number)) => return Ok(PathMatch::Route(self.route(number))),
            Some(Hit::AddSlash(number)) => return Ok(PathMatch::AddSlash(self.route(number))),
            Some(Hit::Prefix(number)) => Some(number),
            None => None,
        };
        let longer = |candidates: &Candidates| prefix.is_none_or(|prefix| candidates.start < prefix);
        for (pattern, candidates) in self.patterns.iter().take_while(|(_, candidates)| longer(candidates)) {
            if pattern.is_match(wanted.path).map_err(|_| pattern)?
                && let Some(number) = self.first(candidates, wanted)?
            {
                return Ok(PathMatch::Route(self.route(number)));
            }
        }
        Ok(prefix.map_or(PathMatch::None, |number| PathMatch::Route(self.route(number))))
    }

    fn route(&self, number: RouteNumber) -> &Arc<Route> {
        &self.routes[number as usize]
    }

    /// The first candidate that takes the request.
    fn first(&self, candidates: &Candidates, wanted: &Wanted<'_, '_>) -> Result<Option<RouteNumber>, &Pattern> {
        for number in candidates.clone() {
            if self.route(number).accepts(wanted.request)? {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// The match with the longest base. Every base that the path begins with is the greatest base not above the path
    /// in byte order, or one of its parents.
    fn nearest(&self, wanted: &Wanted<'_, '_>) -> Result<Option<Hit>, &Pattern> {
        let path = wanted.path;
        let above = self.nodes.partition_point(|node| node.base() <= path);
        let Some(mut node) = above.checked_sub(1).map(|nearest| &self.nodes[nearest]) else { return Ok(None) };
        let shared = node.base().iter().zip(path).take_while(|(a, b)| a == b).count();
        loop {
            if node.base_length <= shared
                && let Some(hit) = self.hit(&node.slots, &path[node.base_length..], wanted)?
            {
                return Ok(Some(hit));
            }
            let Some(parent) = node.parent else { return Ok(None) };
            node = &self.nodes[parent as usize];
        }
    }

    /// The match for a path of which `rest` follows the base.
    ///
    /// Strict mode ignores the trailing slash of a Prefix path. nginx mode does as ingress-nginx's locations: a Prefix
    /// `/foo` makes `= /foo` and `/foo/`, a Prefix `/foo/` only `/foo/`, and nginx redirects to a location that lacks
    /// but the slash (`ngx_http_core_find_static_location`, `auto_redirect`).
    fn hit(&self, slots: &Slots, rest: &[u8], wanted: &Wanted<'_, '_>) -> Result<Option<Hit>, &Pattern> {
        let Slots { exact_bare, exact_slash, prefix_bare, prefix_slash } = slots;
        let below: [DeclaredPath<'_>; 2] = [(prefix_slash, Hit::Prefix), (prefix_bare, Hit::Prefix)];
        let [slash, bare] = below;
        match (rest, wanted.mode) {
            ([], PathMatching::Nginx) => self.first_of(
                &[
                    (exact_bare, Hit::Exact),
                    (prefix_bare, Hit::Prefix),
                    (exact_slash, Hit::AddSlash),
                    (prefix_slash, Hit::AddSlash),
                ],
                wanted,
            ),
            ([], PathMatching::Strict) => self.first_of(&[(exact_bare, Hit::Exact), slash, bare], wanted),
            ([b'/'], _) => self.first_of(&[(exact_slash, Hit::Exact), slash, bare], wanted),
            ([b'/', ..], _) => self.first_of(&below, wanted),
            _ => Ok(None),
        }
    }

    /// The first of these paths with a candidate that takes the request.
    fn first_of(&self, paths: &[DeclaredPath<'_>], wanted: &Wanted<'_, '_>) -> Result<Option<Hit>, &Pattern> {
        for (candidates, hit) in paths {
            if let Some(number) = self.first(candidates, wanted)? {
                return Ok(Some(hit(number)));
            }
        }
        Ok(None)
    }
}

impl Node {
    fn base(&self) -> &[u8] {
        &self.path.as_bytes()[..self.base_length]
    }
}

impl Slots {
    fn slot(&mut self, kind: PathKind, slash: bool) -> &mut Candidates {
        match (kind, slash) {
            (PathKind::Exact, false) => &mut self.exact_bare,
            (PathKind::Exact, true) => &mut self.exact_slash,
            (_, false) => &mut self.prefix_bare,
            (_, true) => &mut self.prefix_slash,
        }
    }
}

fn nodes<'c>(routes: &[Arc<Route>], paths: impl Iterator<Item = &'c Candidates>) -> Box<[Node]> {
    let mut bases: BTreeMap<&str, (&Arc<str>, Slots)> = BTreeMap::new();
    for of_path in paths {
        let path = &routes[of_path.start as usize].matches.path;
        if path.kind == PathKind::Regex {
            continue;
        }
        let base = path.value.strip_suffix('/').unwrap_or(&path.value);
        let (_, slots) = bases.entry(base).or_insert_with(|| (&path.value, Slots::default()));
        *slots.slot(path.kind, base.len() < path.value.len()) = of_path.clone();
    }
    let mut nodes: Vec<Node> = Vec::with_capacity(bases.len());
    for ((base, (path, slots)), number) in bases.into_iter().zip(0u32..) {
        let mut parent = number.checked_sub(1);
        while let Some(node) = parent.map(|parent| &nodes[parent as usize])
            && !base.as_bytes().starts_with(node.base())
        {
            parent = node.parent;
        }
        nodes.push(Node { path: Arc::clone(path), base_length: base.len(), parent, slots });
    }
    nodes.into()
}

#[cfg(test)]
mod tests {
    use super::super::Found;
    use super::super::fixtures::{self, Outcome};
    use super::*;
    use crate::config::{HeaderMatch, QueryMatch, RouteMatch, ValueMatch};
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
        method: Method,
        target: &str,
        headers: &HeaderMap,
    ) -> Option<usize> {
        let routes = routes.iter().cloned().enumerate().map(|(number, matches)| fixtures::route("h", number, matches));
        let table = fixtures::serving(mode, [fixtures::host_of("", routes.collect())]);
        let request = RequestView::new(&method, target.as_bytes(), headers, Version::HTTP_11);
        let Found::Route(route) = table.find(&request, request.path()) else { return None };
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
                let found = winner(&routes, mode, method.clone(), target, &headers(lines));
                assert_eq!(found, Some(expected), "{mode:?} {method} {target} {lines:?}");
            }
        }
        assert_eq!(winner(&routes[1..3], Nginx, Method::GET, "/shop", &HeaderMap::new()), None);
    }
}
