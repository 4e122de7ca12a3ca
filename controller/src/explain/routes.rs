use super::source::Source;
use crate::translate::Translator;
use gateway::config::{self, PathKind, PathMatching};
use gateway::pattern::{Anchor, Pattern};
use gateway::table::{Host, Route, Table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A route of the request's host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteCandidate {
    /// The path as declared, or as a regular expression.
    pub path: String,
    /// How it matches: `Exact`, `Prefix` or `Regex`.
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

/// The routes of the host that a request reaches, in order of precedence; at the end those that the table does not
/// serve.
pub(super) fn candidates(
    table: &Table,
    translator: &Translator,
    host: &Host,
    path: &[u8],
    won: Option<&Arc<Route>>,
) -> Vec<RouteCandidate> {
    let mode = table.settings().path_matching;
    let mut candidates: Vec<_> = host.routes().iter().map(|route| candidate(route, path, mode, won)).collect();
    let served: BTreeSet<_> = host.routes().iter().map(|route| &route.origin).collect();
    let declared = translator.host(host.name()).map(|host| host.routes.as_slice()).unwrap_or_default();
    candidates.extend(declared.iter().filter(|route| !served.contains(&route.origin)).map(rejected));
    candidates
}

fn candidate(route: &Arc<Route>, path: &[u8], mode: PathMatching, won: Option<&Arc<Route>>) -> RouteCandidate {
    let is_winner = won.is_some_and(|won| Arc::ptr_eq(won, route));
    let declared = &route.matches.path;
    let fit = fit(declared.kind, &declared.value, path, mode);
    let why = match (&fit, won) {
        (Err(why), _) => why.clone(),
        (Ok(why), _) if is_winner => why.clone(),
        (Ok(_), Some(won)) => {
            let first = &won.matches.path;
            format!("matches, but {:?} {} comes first", first.kind, first.value)
        }
        (Ok(_), None) => "matches, but a pattern before it takes too long".to_owned(),
    };
    RouteCandidate {
        path: declared.value.to_string(),
        kind: format!("{:?}", declared.kind),
        source: Source::from(&route.origin),
        won: is_winner,
        matches: fit.is_ok(),
        why,
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

/// Whether a route takes a normalised path when it is alone: why it does, or why not.
fn fit(kind: PathKind, declared: &Arc<str>, path: &[u8], mode: PathMatching) -> Result<String, String> {
    let lacks_slash = mode == PathMatching::Nginx && declared.as_bytes().strip_suffix(b"/") == Some(path);
    match kind {
        PathKind::Exact | PathKind::Prefix if lacks_slash && !path.is_empty() => {
            Ok("is the path with a slash at its end".to_owned())
        }
        PathKind::Exact if declared.as_bytes() == path => Ok("is the path, byte for byte".to_owned()),
        PathKind::Exact => Err("is not the path, byte for byte".to_owned()),
        PathKind::Prefix if is_prefix(declared, path) => Ok("is a prefix of the path, by whole elements".to_owned()),
        PathKind::Prefix if path.starts_with(declared.as_bytes()) => {
            Err("is a prefix of the path's text, but not by whole elements".to_owned())
        }
        PathKind::Prefix => Err("is not a prefix of the path".to_owned()),
        PathKind::Regex => match Pattern::new(declared, Anchor::Start).map(|pattern| pattern.is_match(path)) {
            Ok(Ok(true)) => Ok("matches the beginning of the path, ignoring case".to_owned()),
            Ok(Ok(false)) => Err("does not match the beginning of the path".to_owned()),
            Ok(Err(limit)) => Err(limit.to_string()),
            Err(error) => Err(error.to_string()),
        },
    }
}

fn is_prefix(declared: &str, path: &[u8]) -> bool {
    let base = declared.strip_suffix('/').unwrap_or(declared);
    path.strip_prefix(base.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}
