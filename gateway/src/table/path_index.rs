use super::route::Route;
use crate::config::{PathKind, PathMatching};
use crate::pattern::Pattern;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The routes of one virtual host, indexed by path.
///
/// Exact and Prefix paths are kept as a sorted array of *bases*: paths without their one trailing slash. Each base
/// knows the longest other base that it begins with, so a look-up is one binary search and a walk towards shorter
/// bases: linear in the length of the paths, logarithmic in their number, and nothing is allocated. Regular
/// expressions are tried one after the other.
#[derive(Debug)]
pub(super) struct PathIndex {
    /// In order of precedence, so that of two matches the one with the lower number wins.
    routes: Box<[Arc<Route>]>,
    /// Sorted by base.
    nodes: Box<[Node]>,
    /// By rising route number.
    patterns: Box<[(Pattern, RouteNumber)]>,
}

type RouteNumber = u32;

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
    exact_bare: Option<RouteNumber>,
    exact_slash: Option<RouteNumber>,
    prefix_bare: Option<RouteNumber>,
    prefix_slash: Option<RouteNumber>,
}

/// What an index says of a path.
#[derive(Debug)]
pub(super) enum PathMatch<'t> {
    /// This route takes it.
    Route(&'t Arc<Route>),
    /// No route takes it, but this one would if it ended with a slash.
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

/// A route that has the path and the kind of another one, which wins.
#[derive(Debug)]
pub(super) struct Duplicate {
    pub(super) loser: Arc<Route>,
    pub(super) winner: Arc<Route>,
}

impl PathIndex {
    /// Indexes routes; those of [`PathKind::Regex`] come with their pattern. Of several with the same path and kind
    /// the first wins, and the others are returned.
    pub(super) fn new(mut routes: Vec<(Arc<Route>, Option<Pattern>)>) -> (Self, Vec<Duplicate>) {
        routes.sort_by(|(a, _), (b, _)| precedence(a).cmp(&precedence(b)));
        let mut duplicates = Vec::new();
        routes.dedup_by(|(loser, _), (winner, _)| {
            let same = precedence(loser) == precedence(winner);
            if same {
                duplicates.push(Duplicate { loser: Arc::clone(loser), winner: Arc::clone(winner) });
            }
            same
        });
        let (routes, patterns): (Vec<_>, Vec<_>) = routes.into_iter().unzip();
        let patterns = patterns.into_iter().zip(0..).filter_map(|(pattern, number)| Some((pattern?, number)));
        let index = Self { nodes: nodes(&routes), patterns: patterns.collect(), routes: routes.into() };
        (index, duplicates)
    }

    /// The routes in order of precedence: longer paths first; at equal length Exact, Prefix, then Regex.
    pub(super) fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// The route for a normalised path.
    ///
    /// An Exact path wins over all others; else the longest of the Prefix paths and patterns that match, a Prefix at
    /// equal length. In nginx mode a path that only lacks its slash comes before patterns and shorter prefixes.
    pub(super) fn find(&self, path: &[u8], mode: PathMatching) -> PathMatch<'_> {
        let prefix = match self.nearest(path, mode) {
            Some(Hit::Exact(number)) => return PathMatch::Route(self.route(number)),
            Some(Hit::AddSlash(number)) => return PathMatch::AddSlash(self.route(number)),
            Some(Hit::Prefix(number)) => Some(number),
            None => None,
        };
        let longer = |number: RouteNumber| prefix.is_none_or(|prefix| number < prefix);
        for (pattern, number) in self.patterns.iter().take_while(|(_, number)| longer(*number)) {
            match pattern.is_match(path) {
                Ok(true) => return PathMatch::Route(self.route(*number)),
                Ok(false) => {}
                Err(_) => return PathMatch::Limit(pattern),
            }
        }
        prefix.map_or(PathMatch::None, |number| PathMatch::Route(self.route(number)))
    }

    fn route(&self, number: RouteNumber) -> &Arc<Route> {
        &self.routes[number as usize]
    }

    /// The match with the longest base. Every base that the path begins with is the greatest base not above the path
    /// in byte order, or one of its parents.
    fn nearest(&self, path: &[u8], mode: PathMatching) -> Option<Hit> {
        let above = self.nodes.partition_point(|node| node.base() <= path);
        let mut node = &self.nodes[above.checked_sub(1)?];
        let shared = node.base().iter().zip(path).take_while(|(a, b)| a == b).count();
        loop {
            if node.base_length <= shared
                && let Some(hit) = node.slots.hit(&path[node.base_length..], mode)
            {
                return Some(hit);
            }
            node = &self.nodes[node.parent? as usize];
        }
    }
}

impl Node {
    fn base(&self) -> &[u8] {
        &self.path.as_bytes()[..self.base_length]
    }
}

impl Slots {
    fn slot(&mut self, kind: PathKind, slash: bool) -> &mut Option<RouteNumber> {
        match (kind, slash) {
            (PathKind::Exact, false) => &mut self.exact_bare,
            (PathKind::Exact, true) => &mut self.exact_slash,
            (_, false) => &mut self.prefix_bare,
            (_, true) => &mut self.prefix_slash,
        }
    }

    /// The match for a path of which `rest` follows the base.
    ///
    /// Strict mode ignores the trailing slash of a Prefix path. nginx mode does as ingress-nginx's locations: a Prefix
    /// `/foo` makes `= /foo` and `/foo/`, a Prefix `/foo/` only `/foo/`, and nginx redirects to a location that lacks
    /// but the slash (`ngx_http_core_find_static_location`, `auto_redirect`).
    fn hit(&self, rest: &[u8], mode: PathMatching) -> Option<Hit> {
        let prefix = || self.prefix_slash.or(self.prefix_bare).map(Hit::Prefix);
        match (rest, mode) {
            ([], PathMatching::Nginx) => (self.exact_bare.map(Hit::Exact))
                .or(self.prefix_bare.map(Hit::Prefix))
                .or(self.exact_slash.or(self.prefix_slash).map(Hit::AddSlash)),
            ([], PathMatching::Strict) => self.exact_bare.map(Hit::Exact).or_else(prefix),
            ([b'/'], _) => self.exact_slash.map(Hit::Exact).or_else(prefix),
            ([b'/', ..], _) => prefix(),
            _ => None,
        }
    }
}

/// Longer paths first, then by kind, then in descending order: the order in which ingress-nginx writes locations.
fn precedence(route: &Route) -> (Reverse<usize>, PathKind, Reverse<&str>) {
    let path = &*route.labels.path;
    (Reverse(path.len()), route.kind, Reverse(path))
}

fn nodes(routes: &[Arc<Route>]) -> Box<[Node]> {
    let mut bases: BTreeMap<&str, (&Arc<str>, Slots)> = BTreeMap::new();
    for (route, number) in routes.iter().zip(0..).filter(|(route, _)| route.kind != PathKind::Regex) {
        let path = &route.labels.path;
        let base = path.strip_suffix('/').unwrap_or(path);
        let (_, slots) = bases.entry(base).or_insert_with(|| (path, Slots::default()));
        *slots.slot(route.kind, base.len() < path.len()) = Some(number);
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
    use super::super::fixtures::{self, Outcome};
    use super::*;
    use PathKind::{Exact, Prefix, Regex};
    use PathMatching::{Nginx, Strict};

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
}
