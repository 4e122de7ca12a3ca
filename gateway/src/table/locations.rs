//! The locations of a host's snippets, which stand among its paths in nginx's order, and those within routes.

use super::path_fit::PathFit;
use super::path_index::{Hit, PathIndex, PathMatch, Wanted};
use super::route::{Locations, Route, RouteAction};
use crate::config::{LocationKind, PathKind, PathMatching};
use crate::pattern::{MatchBudget, Pattern};
use crate::request::RequestView;
use std::cmp::Reverse;
use std::sync::Arc;

/// What the locations within a route say of a path that the route takes.
enum Within<'t> {
    /// This takes it, whatever regular expressions stand around the route.
    Final(PathMatch<'t>),
    /// This takes it, unless one of these does.
    Prefix(&'t Arc<Route>),
    /// None of them takes it.
    None,
}

impl Locations {
    /// Orders locations, which come in the order of their snippets.
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
        let mut budget = MatchBudget::default();
        if let Some(route) = self.exact(path) {
            return Ok(PathMatch::Route(route));
        }
        let prefix = self.prefix(path);
        let is_path = prefix.is_some_and(|route| text(route) == path);
        // Where a prefix is the path, nginx adds no slash.
        let nearest = paths.nearest(wanted)?.filter(|hit| !(is_path && hit.fit == PathFit::AddSlash));
        if let Some(hit) = nearest.as_ref().filter(|hit| is_final(hit, path)) {
            return deepest(paths.taken(hit), path, &mut budget);
        }
        if let Some(route) = self.lacking_slash(path).filter(|_| !is_path) {
            return Ok(PathMatch::AddSlash(route));
        }
        let prefix = prefix.filter(|route| nearest.as_ref().is_none_or(|hit| text(route).len() > hit.base_length));
        let longest = prefix.or(nearest.as_ref().map(|hit| paths.route_of(hit)));
        let within = longest.map_or(Ok(Within::None), |route| within(route, path, &mut budget))?;
        if let Within::Final(found) = within {
            return Ok(found);
        }
        if !prefix.is_some_and(is_final_prefix) {
            if let Some(route) = self.by_pattern(path, &mut budget)? {
                return deepest(PathMatch::Route(route), path, &mut budget);
            }
            if let Some(route) = paths.by_pattern(nearest.as_ref(), wanted, &mut budget)? {
                return deepest(PathMatch::Route(route), path, &mut budget);
            }
        }
        let prefix = if let Within::Prefix(route) = within { Some(route) } else { longest };
        Ok(prefix.map_or(PathMatch::None, PathMatch::Route))
    }

    fn exact(&self, path: &[u8]) -> Option<&Arc<Route>> {
        self.exact.iter().find(|route| text(route) == path)
    }

    /// The longest prefix of a path.
    fn prefix(&self, path: &[u8]) -> Option<&Arc<Route>> {
        self.prefixes.iter().find(|route| path.starts_with(text(route)))
    }

    /// The first regular expression that matches.
    fn by_pattern(&self, path: &[u8], budget: &mut MatchBudget) -> Result<Option<&Arc<Route>>, &Pattern> {
        for (route, pattern) in self.patterns.iter().filter_map(|route| Some((route, pattern(route)?))) {
            if pattern.is_match_within(path, budget).map_err(|_| pattern)? {
                return Ok(Some(route));
            }
        }
        Ok(None)
    }

    fn lacking_slash(&self, path: &[u8]) -> Option<&Arc<Route>> {
        self.exact.iter().chain(&self.prefixes).find(|route| adds_slash(route, path))
    }
}

/// What becomes of a request that a route takes, unless it is redirected: the locations within it are asked.
fn deepest<'t>(found: PathMatch<'t>, path: &[u8], budget: &mut MatchBudget) -> Result<PathMatch<'t>, &'t Pattern> {
    let PathMatch::Route(route) = found else { return Ok(found) };
    Ok(match within(route, path, budget)? {
        Within::Final(found) => found,
        Within::Prefix(route) => PathMatch::Route(route),
        Within::None => found,
    })
}

/// Which of the locations within a route takes a path, as nginx: ngx_http_core_find_location, which asks itself. A `^~` there
/// is for the regular expressions beside it.
fn within<'t>(route: &'t Arc<Route>, path: &[u8], budget: &mut MatchBudget) -> Result<Within<'t>, &'t Pattern> {
    let Some(locations) = &route.locations else { return Ok(Within::None) };
    if let Some(route) = locations.exact(path) {
        return Ok(Within::Final(PathMatch::Route(route)));
    }
    let prefix = locations.prefix(path).filter(|prefix| is_inside(prefix, route));
    let is_path = prefix.is_some_and(|route| text(route) == path);
    if let Some(route) = locations.lacking_slash(path).filter(|_| !is_path) {
        return Ok(Within::Final(PathMatch::AddSlash(route)));
    }
    let nearest = match prefix.map(|prefix| within(prefix, path, budget)).transpose()? {
        Some(Within::None) | None => prefix.map_or(Within::None, Within::Prefix),
        Some(found) => found,
    };
    if let Within::Final(_) = nearest {
        return Ok(nearest);
    }
    if !prefix.is_some_and(is_final_prefix)
        && let Some(route) = locations.by_pattern(path, budget)?
    {
        return Ok(Within::Final(deepest(PathMatch::Route(route), path, budget)?));
    }
    Ok(nearest)
}

/// Whether a location is no shorter than the path that it stands within: nginx refuses it otherwise. Within a regular
/// expression, where it does as well, none is too short.
pub(super) fn is_inside(location: &Route, outer: &Route) -> bool {
    let path = &outer.matches.path;
    path.kind == PathKind::Regex || text(location).len() >= path.value.len()
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

fn is_final_prefix(route: &Arc<Route>) -> bool {
    route.location.as_ref().is_some_and(|location| location.kind == LocationKind::FinalPrefix)
}

#[cfg(test)]
mod tests;
