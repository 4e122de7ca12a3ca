//! Hosts whose paths are regular expressions.
//!
//! In ingress-nginx one path with `use-regex` or a real `rewrite-target` makes every path of the host one, whichever
//! Ingress it comes from (rule 5; X09). By the letter it concerns only the Ingress that says so.

use super::candidate::Candidate;
use crate::diagnostic::{Diagnostic, Reason};
use gateway::config::{HostName, Origin, PathKind, PathMatch, PathMatching};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Makes regular expressions of the paths that are to be, and drops those that became equal to an older one.
pub(super) fn apply(
    matching: PathMatching,
    host: &HostName,
    candidates: &mut Vec<Candidate<'_>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    match matching {
        // The catch-all is left out, as its rewrite is.
        PathMatching::Nginx if *host == HostName::Any => whole_host(candidates, |candidate| !candidate.implicit),
        PathMatching::Nginx => whole_host(candidates, |_| true),
        PathMatching::Strict => own_ingresses(candidates),
    }
    drop_repeated(host, candidates, diagnostics);
}

fn whole_host(candidates: &mut [Candidate<'_>], counts: impl Fn(&Candidate<'_>) -> bool) {
    if !candidates.iter().any(|candidate| counts(candidate) && candidate.wants_regex()) {
        return;
    }
    let exact: HashSet<Arc<str>> = candidates
        .iter()
        .filter(|candidate| candidate.route.matches.path.kind == PathKind::Exact)
        .map(|candidate| Arc::clone(&candidate.route.matches.path.value))
        .collect();
    for candidate in candidates {
        // A Prefix beside an Exact of the same path is what lies below it (ingress-nginx: `updateServerLocations`).
        let wants_regex = candidate.wants_regex();
        let PathMatch { kind, value } = &mut candidate.route.matches.path;
        let below = *kind == PathKind::Prefix && !wants_regex && exact.contains(value);
        if below && !value.ends_with('/') {
            *value = format!("{value}/").into();
        }
        *kind = PathKind::Regex;
    }
}

fn own_ingresses(candidates: &mut [Candidate<'_>]) {
    let wanting: HashSet<_> = candidates
        .iter()
        .filter(|candidate| !candidate.implicit && candidate.wants_regex())
        .map(|candidate| candidate.ingress.rank.key.clone())
        .collect();
    for candidate in candidates.iter_mut().filter(|candidate| !candidate.implicit) {
        if wanting.contains(&candidate.ingress.rank.key) {
            candidate.route.matches.path.kind = PathKind::Regex;
        }
    }
}

/// Exact and Prefix rules of one path are one regular expression: the first takes every request.
fn drop_repeated(host: &HostName, candidates: &mut Vec<Candidate<'_>>, diagnostics: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<Arc<str>, Origin> = HashMap::new();
    candidates.retain(|candidate| {
        let route = &candidate.route;
        let path = &route.matches.path;
        if path.kind != PathKind::Regex {
            return true;
        }
        let Some(first) = seen.get(&path.value) else {
            seen.insert(Arc::clone(&path.value), route.origin.clone());
            return true;
        };
        let message = format!("is ignored: paths of host {host} are regular expressions, and {first} has the same one");
        let field = format!("{}.path", route.origin.field);
        let lost = candidate.ingress.warning(field, message).with_value(&path.value);
        diagnostics.push(lost.because(Reason::Conflict).with_related(first.object.clone()));
        false
    });
}
