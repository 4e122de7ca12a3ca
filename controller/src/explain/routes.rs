use super::source::Source;
use crate::translate::Translator;
use gateway::config::{self, EntryPoint};
use gateway::pattern::PatternLimit;
use gateway::request::RequestView;
use gateway::table::{Host, PathFit, RequestMismatch, Route, RouteMismatch, RouteVerdict, Table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A route of the request's host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteCandidate {
    /// The path as declared, or as a regular expression.
    pub path: String,
    /// How it matches: `Exact`, `Prefix` or `Regex`; for a location of a snippet `location` and its modifier.
    pub kind: String,
    /// What declares it.
    pub source: Source,
    /// Whether it took the request.
    pub won: bool,
    /// Whether it would take the request if there were no other.
    pub matches: bool,
    /// Why it won, or why not.
    pub why: String,
}

/// The routes of the host that a request reaches: the locations of its snippets, then its paths, in order of precedence, each
/// with the locations within it; at the end those that the table does not serve.
pub(super) fn candidates(
    table: &Table,
    translator: &Translator,
    (at, host): (EntryPoint, &Host),
    request: &RequestView<'_>,
    path: &[u8],
) -> Vec<RouteCandidate> {
    let verdicts = table.route_verdicts(host, request, path);
    let mut candidates: Vec<_> = verdicts.map(|(route, verdict)| judged(route, verdict)).collect();
    let served: BTreeSet<_> = host.routes().iter().chain(host.less_specific()).map(|route| &route.origin).collect();
    let declared = translator.host_at(at, host.name()).into_iter();
    let declared = declared.flat_map(|host| host.routes.iter().chain(host.less_specific.iter().flatten()));
    candidates.extend(declared.filter(|route| !served.contains(&route.origin)).map(rejected));
    candidates
}

/// What would win in place of the winner: the next that matches. In nginx's order of locations that is not so simple.
pub(super) fn next(host: &Host, candidates: &[RouteCandidate]) -> Option<Source> {
    let has_locations =
        host.locations().next().is_some() || host.routes().iter().any(|route| route.locations().next().is_some());
    let after = candidates.iter().skip_while(|candidate| !candidate.won).skip(1);
    after.filter(|candidate| candidate.matches && !has_locations).map(|candidate| candidate.source.clone()).next()
}

/// How a route matches.
pub(super) fn kind(route: &Route) -> String {
    match &route.location {
        Some(location) => format!("location {}", location.kind.modifier()).trim_end().to_owned(),
        None => format!("{:?}", route.matches.path.kind),
    }
}

fn judged(route: &Route, verdict: RouteVerdict<'_>) -> RouteCandidate {
    RouteCandidate {
        path: route.matches.path.value.to_string(),
        kind: kind(route),
        source: Source::from(&route.origin),
        won: matches!(verdict, RouteVerdict::Taken(_)),
        matches: !matches!(verdict, RouteVerdict::NotTaken(_)),
        why: why(verdict),
    }
}

fn rejected(route: &config::Route) -> RouteCandidate {
    RouteCandidate {
        path: route.matches.path.value.to_string(),
        kind: format!("{:?}", route.matches.path.kind),
        source: Source::from(&route.origin),
        won: false,
        matches: false,
        why: "is not served: a diagnostic says why".to_owned(),
    }
}

fn why(verdict: RouteVerdict<'_>) -> String {
    match verdict {
        RouteVerdict::Taken(fit) => why_taken(fit).to_owned(),
        RouteVerdict::NotTaken(mismatch) => why_not(mismatch),
        RouteVerdict::After(first) => {
            format!("matches, but {} {} comes first", kind(first), first.matches.path.value)
        }
        RouteVerdict::AfterLimit(_) => "matches, but a pattern before it takes too long".to_owned(),
    }
}

fn why_taken(fit: PathFit) -> &'static str {
    match fit {
        PathFit::Equal => "is the path, byte for byte",
        PathFit::Prefix => "is a prefix of the path, by whole elements",
        PathFit::AddSlash => "is the path with a slash at its end",
        PathFit::TextPrefix => "is what the path begins with",
        PathFit::Within => "matches within the path",
        PathFit::Pattern => "its regular expression matches the path",
    }
}

fn why_not(mismatch: RouteMismatch<'_>) -> String {
    match mismatch {
        RouteMismatch::NotEqual => "is not the path, byte for byte".to_owned(),
        RouteMismatch::NotPrefix => "is not a prefix of the path".to_owned(),
        RouteMismatch::NotByElements => "is a prefix of the path's text, but not by whole elements".to_owned(),
        RouteMismatch::NotWithin => "does not match within the path".to_owned(),
        RouteMismatch::Outside => "stands in paths or locations that do not take the request".to_owned(),
        RouteMismatch::Named => "is a named location, to which only an error_page leads".to_owned(),
        RouteMismatch::PatternDiffers => "does not match the beginning of the path".to_owned(),
        RouteMismatch::PatternLimit(_) => PatternLimit.to_string(),
        RouteMismatch::Request(RequestMismatch::NoCall) => "is for calls of gRPC only".to_owned(),
        RouteMismatch::Request(RequestMismatch::Call) => "is for calls of another service or method".to_owned(),
        RouteMismatch::Request(RequestMismatch::Method(method)) => format!("is for the method {method} only"),
        RouteMismatch::Request(RequestMismatch::Header(name)) => {
            format!("is for requests with another value of the header {name}")
        }
        RouteMismatch::Request(RequestMismatch::Query(name)) => {
            format!("is for requests with another value of the query's argument {name}")
        }
    }
}
