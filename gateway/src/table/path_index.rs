use super::path_fit::{self, PathFit};
use super::route::Route;
use crate::config::{PathKind, PathMatching};
use crate::pattern::{MatchBudget, Pattern};
use crate::request::RequestView;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
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
pub(super) struct Hit {
    number: RouteNumber,
    pub(super) fit: PathFit,
    /// How much of the request's path the declared path is without its one trailing slash.
    pub(super) base_length: usize,
}

/// What is looked up.
pub(super) struct Wanted<'r, 'a> {
    pub(super) path: &'r [u8],
    pub(super) request: &'r RequestView<'a>,
    pub(super) mode: PathMatching,
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
        routes.sort_by(|(a, _), (b, _)| a.matches.precedence(&b.matches));
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
        let shadowed = shadowed(&sorted);
        let nodes = nodes(&sorted, paths.iter().map(|(candidates, _)| candidates));
        let patterns = paths.into_iter().filter_map(|(candidates, pattern)| Some((pattern?, candidates)));
        (Self { nodes, patterns: patterns.collect(), routes: sorted.into() }, shadowed)
    }

    /// The routes in order of precedence: longer paths first; at equal length Exact, Prefix, then Regex; of one path those
    /// that want more of a request first.
    pub(super) fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// The pattern of the route with this place in [`Self::routes`], if its path is one.
    pub(super) fn pattern(&self, route: usize) -> Option<&Pattern> {
        let before = self.patterns.partition_point(|(_, candidates)| candidates.end as usize <= route);
        let (pattern, candidates) = self.patterns.get(before)?;
        (candidates.start as usize <= route).then_some(pattern)
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
        let nearest = self.nearest(wanted)?;
        if let Some(hit @ Hit { fit: PathFit::Equal | PathFit::AddSlash, .. }) = &nearest {
            return Ok(self.taken(hit));
        }
        if let Some(route) = self.by_pattern(nearest.as_ref(), wanted, &mut MatchBudget::default())? {
            return Ok(PathMatch::Route(route));
        }
        Ok(nearest.map_or(PathMatch::None, |hit| self.taken(&hit)))
    }

    /// What becomes of a request that this match takes.
    pub(super) fn taken(&self, hit: &Hit) -> PathMatch<'_> {
        let route = self.route(hit.number);
        if hit.fit == PathFit::AddSlash { PathMatch::AddSlash(route) } else { PathMatch::Route(route) }
    }

    /// The route of the first pattern that takes the request, of those that come before the nearest path.
    pub(super) fn by_pattern(
        &self,
        nearest: Option<&Hit>,
        wanted: &Wanted<'_, '_>,
        budget: &mut MatchBudget,
    ) -> Result<Option<&Arc<Route>>, &Pattern> {
        let longer = |candidates: &Candidates| nearest.is_none_or(|hit| candidates.start < hit.number);
        for (pattern, candidates) in self.patterns.iter().take_while(|(_, candidates)| longer(candidates)) {
            if pattern.is_match_within(wanted.path, budget).map_err(|_| pattern)?
                && let Some(number) = self.first(candidates, wanted)?
            {
                return Ok(Some(self.route(number)));
            }
        }
        Ok(None)
    }

    /// The route of a match.
    pub(super) fn route_of(&self, hit: &Hit) -> &Arc<Route> {
        self.route(hit.number)
    }

    fn route(&self, number: RouteNumber) -> &Arc<Route> {
        &self.routes[number as usize]
    }

    /// The first candidate that takes the request.
    fn first(&self, candidates: &Candidates, wanted: &Wanted<'_, '_>) -> Result<Option<RouteNumber>, &Pattern> {
        for number in candidates.clone() {
            if self.route(number).mismatch(wanted.request, wanted.path)?.is_none() {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// The match with the longest base. Every base that the path begins with is the greatest base not above the path
    /// in byte order, or one of its parents.
    pub(super) fn nearest(&self, wanted: &Wanted<'_, '_>) -> Result<Option<Hit>, &Pattern> {
        let path = wanted.path;
        let above = self.nodes.partition_point(|node| node.base() <= path);
        let Some(mut node) = above.checked_sub(1).map(|nearest| &self.nodes[nearest]) else { return Ok(None) };
        let base = node.base();
        let shared = if path.starts_with(base) { base.len() } else { common_length(base, path) };
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
    fn hit(&self, slots: &Slots, rest: &[u8], wanted: &Wanted<'_, '_>) -> Result<Option<Hit>, &Pattern> {
        for (kind, has_slash, candidates) in slots.in_order(rest, wanted.mode) {
            if !candidates.is_empty()
                && let Some(fit) = path_fit::fit(kind, has_slash, rest, wanted.mode)
                && let Some(number) = self.first(candidates, wanted)?
                && (fit != PathFit::AddSlash || self.route(number).policies.add_slash)
            {
                return Ok(Some(Hit { number, fit, base_length: wanted.path.len() - rest.len() }));
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
    /// The paths of a base in the order in which they are asked for a path of which `rest` follows it: with their kind and
    /// whether they have a slash at the end. The longer ones come first, unless they only lack the slash.
    fn in_order(&self, rest: &[u8], mode: PathMatching) -> [(PathKind, bool, &Candidates); 4] {
        let exact_bare = (PathKind::Exact, false, &self.exact_bare);
        let exact_slash = (PathKind::Exact, true, &self.exact_slash);
        let prefix_bare = (PathKind::Prefix, false, &self.prefix_bare);
        let prefix_slash = (PathKind::Prefix, true, &self.prefix_slash);
        if rest.is_empty() && mode == PathMatching::Nginx {
            [exact_bare, prefix_bare, exact_slash, prefix_slash]
        } else {
            [exact_bare, exact_slash, prefix_slash, prefix_bare]
        }
    }

    fn slot(&mut self, kind: PathKind, slash: bool) -> &mut Candidates {
        match (kind, slash) {
            (PathKind::Exact, false) => &mut self.exact_bare,
            (PathKind::Exact, true) => &mut self.exact_slash,
            (_, false) => &mut self.prefix_bare,
            (_, true) => &mut self.prefix_slash,
        }
    }
}

/// How many bytes two texts begin with alike.
fn common_length(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Of routes that take the same requests, all but the first.
fn shadowed(routes: &[Arc<Route>]) -> Vec<Shadowed> {
    let mut firsts = HashMap::with_capacity(routes.len());
    let losers = routes.iter().filter_map(|route| match firsts.entry(&route.matches) {
        Entry::Vacant(entry) => {
            entry.insert(route);
            None
        }
        Entry::Occupied(winner) => Some(Shadowed { loser: Arc::clone(route), winner: Arc::clone(winner.get()) }),
    });
    losers.collect()
}

fn nodes<'c>(routes: &[Arc<Route>], paths: impl Iterator<Item = &'c Candidates>) -> Box<[Node]> {
    let mut bases: BTreeMap<&str, (&Arc<str>, Slots)> = BTreeMap::new();
    for of_path in paths {
        let path = &routes[of_path.start as usize].matches.path;
        if path.kind == PathKind::Regex {
            continue;
        }
        let base = path_fit::base(&path.value);
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
mod tests;
