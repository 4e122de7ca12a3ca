//! What depends on the path that a route of a rule takes.

use super::filters::{Filters, PathFilter};
use super::rule_base::RuleBase;
use gateway::config::{Action, BackendPolicies, PathKind, PathMatch, Rewrite, Route, RoutePolicies, UrlRedirect};
use std::sync::Arc;

/// Lets requests in without authentication.
pub(super) fn open(route: &mut Route) {
    if route.policies.needs_authentication() {
        Arc::make_mut(&mut route.policies).drop_authentication();
    }
}

/// Applies the paths that the filters of a rule and of its backends ask for, or else its policies.
///
/// # Errors
/// One does not fit the path that the route takes.
pub(super) fn change(
    route: &mut Route,
    (filters, base): (&Filters, &RuleBase),
    of_backends: &[Option<PathFilter>],
) -> Result<(), &'static str> {
    let taken = route.matches.path.clone();
    let change = |path: &Option<PathFilter>| path.as_ref().map(|path| path.change(&taken)).transpose();
    let path = change(&filters.path)?;
    if let Some(redirect) = &filters.redirect {
        route.action = Action::UrlRedirect(Box::new(UrlRedirect { path, ..redirect.clone() }));
        return Ok(());
    }
    let policies = || route.policies.as_ref().clone();
    if path.is_some() {
        route.policies = Arc::new(RoutePolicies { path_change: path, ..policies() });
    } else if base.rewrite.is_some() {
        route.policies = Arc::new(RoutePolicies { rewrite: rewrite(base, &taken), ..policies() });
    }
    if let Action::Forward(backends) = &mut route.action
        && of_backends.iter().any(Option::is_some)
    {
        let mut changed = backends.to_vec();
        for (backend, path) in changed.iter_mut().zip(of_backends) {
            if let Some(path) = change(path)? {
                let policies = backend.policies.as_ref().clone();
                backend.policies = Arc::new(BackendPolicies { path_change: Some(Arc::new(path)), ..policies });
            }
        }
        *backends = changed.into();
    }
    Ok(())
}

/// The rewrite that policies ask for. Only a regular expression has groups; of other paths it is known that they match.
fn rewrite(base: &RuleBase, taken: &PathMatch) -> Option<Rewrite> {
    let (target, forwarded_prefix) = base.rewrite.clone()?;
    let pattern = if taken.kind == PathKind::Regex { Arc::clone(&taken.value) } else { "^".into() };
    Some(Rewrite { pattern, target, forwarded_prefix })
}
