//! The locations of a host's snippets, which stand among its paths in nginx's order.

use super::path_fit::PathFit;
use super::path_index::{Hit, PathIndex, PathMatch, Wanted};
use super::route::{Route, RouteAction};
use crate::config::{LocationKind, PathMatching};
use crate::pattern::{MatchBudget, Pattern};
use crate::request::RequestView;
use std::cmp::Reverse;
use std::sync::Arc;

/// The locations of one host. A snippet has few: each kind is asked one after the other.
#[derive(Debug, Default)]
pub(super) struct Locations {
    exact: Box<[Arc<Route>]>,
    /// The longest first.
    prefixes: Box<[Arc<Route>]>,
    /// In the order of the snippets.
    patterns: Box<[Arc<Route>]>,
    /// Those that no path leads to.
    named: Box<[Arc<Route>]>,
}

impl Locations {
    /// Orders the locations of a host; they come in the order of its snippets.
    pub(super) fn new(locations: &[Arc<Route>]) -> Self {
        let of = |wanted: fn(LocationKind) -> bool| {
            let is_wanted = move |route: &&Arc<Route>| route.location.as_ref().is_some_and(|it| wanted(it.kind));
            locations.iter().filter(is_wanted).cloned().collect::<Vec<_>>()
        };
        let exact = of(|kind| kind == LocationKind::Exact);
        let mut prefixes = of(|kind| matches!(kind, LocationKind::Prefix | LocationKind::FinalPrefix));
        prefixes.sort_by_key(|route| Reverse(text(route).len()));
        let patterns = of(|kind| matches!(kind, LocationKind::Regex | LocationKind::RegexIgnoringCase));
        let named = of(|kind| kind == LocationKind::Named);
        Self { exact: exact.into(), prefixes: prefixes.into(), patterns: patterns.into(), named: named.into() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.routes().next().is_none()
    }

    /// All of them, in the order in which they are asked.
    pub(super) fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.exact.iter().chain(&self.prefixes).chain(&self.patterns).chain(&self.named)
    }

    /// The one of this name, which begins with `@`. Of several the first counts.
    pub(super) fn named(&self, name: &[u8]) -> Option<&Arc<Route>> {
        self.named.iter().find(|route| text(route) == name)
    }

    /// The location or the path that takes a request with this normalised path, as nginx: ngx_http_core_find_location. A path
    /// that is the request's counts as `=`, as in ingress-nginx.
    pub(super) fn find<'t>(
        &'t self,
        paths: &'t PathIndex,
        path: &[u8],
        request: &RequestView<'_>,
        mode: PathMatching,
    ) -> PathMatch<'t> {
        self.search(paths, &Wanted { path, request, mode }).unwrap_or_else(PathMatch::Limit)
    }

    fn search<'t>(&'t self, paths: &'t PathIndex, wanted: &Wanted<'_, '_>) -> Result<PathMatch<'t>, &'t Pattern> {
        let path = wanted.path;
        if let Some(route) = self.exact.iter().find(|route| text(route) == path) {
            return Ok(PathMatch::Route(route));
        }
        let prefix = self.prefixes.iter().find(|route| path.starts_with(text(route)));
        let is_path = prefix.is_some_and(|route| text(route) == path);
        // Where a prefix is the path, nginx adds no slash.
        let nearest = paths.nearest(wanted)?.filter(|hit| !(is_path && hit.fit == PathFit::AddSlash));
        if let Some(hit) = nearest.as_ref().filter(|hit| is_final(hit, path)) {
            return Ok(paths.taken(hit));
        }
        if let Some(route) = self.lacking_slash(path).filter(|_| !is_path) {
            return Ok(PathMatch::AddSlash(route));
        }
        let prefix = prefix.filter(|route| nearest.as_ref().is_none_or(|hit| text(route).len() > hit.base_length));
        if let Some(route) = prefix.filter(|route| is_kind(route, LocationKind::FinalPrefix)) {
            return Ok(PathMatch::Route(route));
        }
        let mut budget = MatchBudget::default();
        for (route, pattern) in self.patterns.iter().filter_map(|route| Some((route, pattern(route)?))) {
            if pattern.is_match_within(path, &mut budget).map_err(|_| pattern)? {
                return Ok(PathMatch::Route(route));
            }
        }
        if let Some(route) = paths.by_pattern(nearest.as_ref(), wanted, &mut budget)? {
            return Ok(PathMatch::Route(route));
        }
        Ok(match (prefix, nearest) {
            (Some(route), _) => PathMatch::Route(route),
            (None, Some(hit)) => paths.taken(&hit),
            (None, None) => PathMatch::None,
        })
    }

    fn lacking_slash(&self, path: &[u8]) -> Option<&Arc<Route>> {
        self.exact.iter().chain(&self.prefixes).find(|route| adds_slash(route, path))
    }
}

/// Whether a location has a backend, and is this path and a slash: nginx redirects there.
pub(super) fn adds_slash(location: &Route, path: &[u8]) -> bool {
    matches!(location.action, RouteAction::Forward(_)) && text(location).strip_suffix(b"/") == Some(path)
}

/// Whether nothing comes before this match.
fn is_final(hit: &Hit, path: &[u8]) -> bool {
    hit.base_length == path.len() || hit.fit == PathFit::Equal
}

fn text(route: &Route) -> &[u8] {
    route.matches.path.value.as_bytes()
}

fn pattern(route: &Route) -> Option<&Pattern> {
    route.location.as_ref()?.pattern()
}

fn is_kind(route: &Route, kind: LocationKind) -> bool {
    route.location.as_ref().is_some_and(|location| location.kind == kind)
}

#[cfg(test)]
mod tests;
