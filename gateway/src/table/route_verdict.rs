//! What became of each route of a host in the look-up of a request, for a person who asks why.

use super::Table;
use super::host::Host;
use super::location::Location;
use super::locations::{adds_slash, is_inside};
use super::path_fit::{self, PathFit};
use super::path_index::PathMatch;
use super::request_match::RequestMismatch;
use super::route::Route;
use crate::config::{self, LocationKind, PathKind, PathMatching};
use crate::pattern::Pattern;
use crate::request::RequestView;
use std::collections::HashSet;
use std::sync::Arc;

/// What became of a route in the look-up of a request.
#[derive(Clone, Copy, Debug)]
pub enum RouteVerdict<'t> {
    /// It takes the request.
    Taken(PathFit),
    /// It would take the request, but this route comes first.
    After(&'t Arc<Route>),
    /// It would take the request, but this pattern comes first and takes too long.
    AfterLimit(&'t Pattern),
    /// It does not take the request.
    NotTaken(RouteMismatch<'t>),
}

/// Why a route does not take a request, whatever other routes there are.
#[derive(Clone, Copy, Debug)]
pub enum RouteMismatch<'t> {
    /// It is Exact, and not the path.
    NotEqual,
    /// It is no prefix of the path.
    NotPrefix,
    /// It is a prefix of the path's text, but not by whole elements.
    NotByElements,
    /// Its regular expression does not match the beginning of the path.
    PatternDiffers,
    /// It is a location whose regular expression matches nowhere in the path.
    NotWithin,
    /// It stands within routes that do not take the request.
    Outside,
    /// It is a named location, to which no path leads.
    Named,
    /// This pattern of its path, a header or an argument takes too long.
    PatternLimit(&'t Pattern),
    /// Its path takes the request's, but it wants another part of the request otherwise.
    Request(RequestMismatch<'t>),
}

impl Table {
    /// The locations of one of its hosts and then its routes, both in their order and with the locations within them, with what
    /// became of each in the look-up of a request with this normalised path; at the end those of less specific names.
    pub fn route_verdicts<'t>(
        &'t self,
        host: &'t Host,
        request: &RequestView<'_>,
        path: &[u8],
    ) -> impl Iterator<Item = (&'t Arc<Route>, RouteVerdict<'t>)> {
        let mode = self.settings.path_matching;
        let found = host.find(path, request, mode);
        let routes = std::iter::once(&host.paths)
            .chain(&host.less_specific)
            .flat_map(|paths| paths.routes().iter().enumerate().map(|(number, route)| (route, paths.pattern(number))));
        let routes = host.locations().map(|location| (location, None)).chain(routes);
        let routes = routes.map(|(route, pattern)| (route, route_fit(route, pattern, request, path, mode)));
        with_those_within(&routes.collect::<Vec<_>>(), path).into_iter().map(move |(route, fit)| {
            let verdict = match (fit, &found) {
                (Err(mismatch), _) => RouteVerdict::NotTaken(mismatch),
                (Ok(_), PathMatch::Route(first) | PathMatch::AddSlash(first)) if !Arc::ptr_eq(first, route) => {
                    RouteVerdict::After(first)
                }
                (Ok(_), PathMatch::Limit(pattern)) => RouteVerdict::AfterLimit(pattern),
                (Ok(fit), _) => RouteVerdict::Taken(fit),
            };
            (route, verdict)
        })
    }
}

/// Whether and how a route takes a request when it is alone.
type Fit<'t> = Result<PathFit, RouteMismatch<'t>>;

/// Puts behind routes the locations within them, behind the first of those that share them.
fn with_those_within<'t>(routes: &[(&'t Arc<Route>, Fit<'t>)], path: &[u8]) -> Vec<(&'t Arc<Route>, Fit<'t>)> {
    let (mut all, mut listed) = (Vec::with_capacity(routes.len()), HashSet::new());
    for (route, fit) in routes {
        all.push((*route, *fit));
        let Some(within) = route.locations.as_ref().filter(|within| listed.insert(Arc::as_ptr(within))) else {
            continue;
        };
        let around = routes.iter().filter(|(other, fit)| {
            fit.is_ok() && other.locations.as_ref().is_some_and(|theirs| Arc::ptr_eq(theirs, within))
        });
        let around: Vec<_> = around.map(|(other, _)| other).collect();
        let fits = within.routes().map(|location| match &location.location {
            Some(it) if around.iter().any(|outer| is_inside(location, outer)) => {
                (location, location_fit(location, it, path))
            }
            _ => (location, Err(RouteMismatch::Outside)),
        });
        all.extend(with_those_within(&fits.collect::<Vec<_>>(), path));
    }
    all
}

fn route_fit<'t>(
    route: &'t Route,
    pattern: Option<&'t Pattern>,
    request: &RequestView<'_>,
    path: &[u8],
    mode: PathMatching,
) -> Fit<'t> {
    let fit = match (&route.location, pattern) {
        (Some(location), _) => location_fit(route, location, path)?,
        (None, Some(pattern)) => pattern_fit(pattern, path)?,
        (None, None) => declared_fit(&route.matches.path, path, mode)?,
    };
    if fit == PathFit::AddSlash && !route.policies.add_slash {
        return Err(RouteMismatch::NotEqual);
    }
    match route.mismatch(request, path) {
        Ok(None) => Ok(fit),
        Ok(Some(mismatch)) => Err(RouteMismatch::Request(mismatch)),
        Err(pattern) => Err(RouteMismatch::PatternLimit(pattern)),
    }
}

fn location_fit<'t>(route: &'t Route, location: &'t Location, path: &[u8]) -> Fit<'t> {
    let text = route.matches.path.value.as_bytes();
    match (location.kind, location.pattern()) {
        (LocationKind::Exact, _) if text == path => Ok(PathFit::Equal),
        (LocationKind::Prefix | LocationKind::FinalPrefix, _) if path.starts_with(text) => Ok(PathFit::TextPrefix),
        (_, Some(pattern)) => match pattern.is_match(path) {
            Ok(true) => Ok(PathFit::Within),
            Ok(false) => Err(RouteMismatch::NotWithin),
            Err(_) => Err(RouteMismatch::PatternLimit(pattern)),
        },
        _ if adds_slash(route, path) => Ok(PathFit::AddSlash),
        (LocationKind::Named, _) => Err(RouteMismatch::Named),
        (LocationKind::Exact, None) => Err(RouteMismatch::NotEqual),
        _ => Err(RouteMismatch::NotPrefix),
    }
}

fn pattern_fit<'t>(pattern: &'t Pattern, path: &[u8]) -> Fit<'t> {
    match pattern.is_match(path) {
        Ok(true) => Ok(PathFit::Pattern),
        Ok(false) => Err(RouteMismatch::PatternDiffers),
        Err(_) => Err(RouteMismatch::PatternLimit(pattern)),
    }
}

fn declared_fit(declared: &config::PathMatch, path: &[u8], mode: PathMatching) -> Fit<'static> {
    let base = path_fit::base(&declared.value);
    let has_slash = base.len() < declared.value.len();
    let rest = path.strip_prefix(base.as_bytes());
    let fit = rest.and_then(|rest| path_fit::fit(declared.kind, has_slash, rest, mode));
    fit.ok_or(match declared.kind {
        PathKind::Exact => RouteMismatch::NotEqual,
        _ if path.starts_with(declared.value.as_bytes()) => RouteMismatch::NotByElements,
        _ => RouteMismatch::NotPrefix,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Found;
    use super::super::fixtures;
    use super::*;
    use crate::config::{EntryPoint, HeaderMatch, QueryMatch, RouteMatch, ValueMatch};
    use crate::headers::Headers;
    use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    const PATHS: [&str; 6] = ["/", "/a", "/a/", "/a/b", "/a/b/", "/ab"];
    /// The last one takes too long on the last of the targets, which is longer than the backtracking engine searches.
    const PATTERNS: [&str; 4] = ["/a", "/A/.$", "/[ab]+/", "/a(?!/b)"];

    fn targets() -> Vec<String> {
        let targets = ["/", "/a", "/a/", "/a/b", "/a/b/c", "/abc", "/a?q=1", "/a/?q=2", "/x"];
        targets.into_iter().map(str::to_owned).chain([format!("/a/{}", "c".repeat(3000))]).collect()
    }

    fn matches() -> impl Strategy<Value = RouteMatch> {
        let declared = prop_oneof![
            3 => (select(vec![PathKind::Exact, PathKind::Prefix]), select(PATHS.to_vec())),
            1 => (Just(PathKind::Regex), select(PATTERNS.to_vec())),
        ];
        let method = proptest::option::weighted(0.3, select(vec![Method::GET, Method::POST]));
        (declared, method, any::<(Index, Index)>()).prop_map(|((kind, path), method, (header, query))| {
            let value = |index: Index| match index.index(6) {
                0 => Some(ValueMatch::Exact("1".into())),
                1 => Some(ValueMatch::Regex("^[2-3]".into())),
                _ => None,
            };
            let headers = value(header).map(|value| HeaderMatch { name: "x-v".into(), value });
            let query = value(query).map(|value| QueryMatch { name: "q".into(), value });
            let matches = RouteMatch::path(kind, path);
            RouteMatch { method, headers: headers.into_iter().collect(), query: query.into_iter().collect(), ..matches }
        })
    }

    fn headers(value: Option<&'static str>) -> HeaderMap {
        let line = |value| (HeaderName::from_static("x-v"), HeaderValue::from_static(value));
        value.map(line).into_iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

        /// A route takes alone what its verdict says, and the verdicts name the winner of the look-up.
        #[test]
        fn verdicts_agree_with_the_lookup(
            routes in proptest::collection::vec(matches(), 1..6),
            target in select(targets()),
            method in select(vec![Method::GET, Method::POST]),
            value in select(vec![None, Some("1"), Some("2")]),
            mode in select(vec![PathMatching::Nginx, PathMatching::Strict]),
        ) {
            let headers = headers(value);
            let headers = Headers::from(&headers);
            let request = RequestView::new(&method, target.as_bytes(), &headers, Version::HTTP_11);
            let serving = |routes: &[RouteMatch]| {
                let routes = routes.iter().cloned().enumerate();
                let routes = routes.map(|(number, matches)| fixtures::route("h", number, matches)).collect();
                fixtures::serving(mode, [fixtures::host_of("", routes)])
            };
            let table = serving(&routes);
            let host = table.host(EntryPoint::Http, "").expect("quick").expect("the host");
            let winner = match table.find(EntryPoint::Http, &request, request.path()) {
                Found::Route(route) | Found::AddSlash(route) => Some(route),
                _ => None,
            };
            for (route, verdict) in table.route_verdicts(host, &request, request.path()) {
                let alone = serving(std::slice::from_ref(&route.matches));
                let alone = alone.find(EntryPoint::Http, &request, request.path());
                let won = winner.is_some_and(|winner| Arc::ptr_eq(winner, route));
                match verdict {
                    RouteVerdict::Taken(PathFit::AddSlash) => prop_assert!(won && matches!(alone, Found::AddSlash(_))),
                    RouteVerdict::Taken(_) => prop_assert!(won && matches!(alone, Found::Route(_))),
                    RouteVerdict::After(first) => {
                        prop_assert!(winner.is_some_and(|winner| Arc::ptr_eq(winner, first)) && !won);
                        prop_assert!(matches!(alone, Found::Route(_) | Found::AddSlash(_)));
                    }
                    RouteVerdict::AfterLimit(_) => prop_assert!(winner.is_none()),
                    RouteVerdict::NotTaken(RouteMismatch::PatternLimit(_)) => {
                        prop_assert!(!won && matches!(alone, Found::PatternLimit(_)));
                    }
                    RouteVerdict::NotTaken(_) => prop_assert!(!won && matches!(alone, Found::NoPath(_))),
                }
            }
        }
    }
}
