//! Canaries: a rule for each condition, and the weights in the last one.
//!
//! The first condition that a request fulfils decides. Of rules for one path with as many headers the one that stands first
//! counts, so that rules in the order of the conditions decide alike.
//!
//! Sessions come before conditions and weights, in a rule with the affinity of a policy as in an Ingress. There they are with the
//! backends that the rule names: each rule names all that have sessions, those that get no others with the weight 0.

use super::patterns;
use gateway::config::{Condition, HeaderMatch, RouteBackend, ValueMatch};
use serde_json::{Value, json};

/// The requests with a header, or those that are left, and where they go.
#[derive(Debug)]
pub(super) struct Branch<'a> {
    pub(super) header: Option<Value>,
    /// With their weights.
    pub(super) backends: Vec<(&'a RouteBackend, u32)>,
}

impl Branch<'_> {
    /// All requests, which a policy answers, or the default backend.
    pub(super) fn to_nobody() -> Self {
        Self { header: None, backends: Vec::new() }
    }
}

/// How the requests of a route are shared.
///
/// # Errors
/// Why no rules share them so.
pub(super) fn branches(backends: &[RouteBackend]) -> Result<Vec<Branch<'_>>, &'static str> {
    let is_session = |backend: &RouteBackend| matches!(backend.when, Some(Condition::Session { .. }));
    let (sessions, others): (Vec<_>, Vec<_>) = backends.iter().partition(|backend| is_session(backend));
    if !sessions.is_empty() && backends.iter().any(|backend| backend.affinity.is_none()) {
        return Err(
            "keeps sessions at the main backend, but not at the canary (affinity-canary-behavior: legacy), and a rule keeps \
                    them at all of its backends",
        );
    }
    let (conditional, weighted): (Vec<_>, Vec<_>) = others.into_iter().partition(|backend| backend.when.is_some());
    let mut branches = Vec::with_capacity(conditional.len() + 1);
    for backend in conditional {
        let header = match &backend.when {
            Some(Condition::Header(wanted)) => header(wanted),
            Some(Condition::Cookie { name, value: ValueMatch::Exact(value) }) => {
                json!({"type": "RegularExpression", "name": "Cookie", "value": patterns::of_cookie(name, value)})
            }
            Some(Condition::Cookie { .. }) => return Err("asks for a cookie by a regular expression"),
            Some(Condition::Session { .. }) | None => continue,
        };
        branches.push(Branch { header: Some(header), backends: with_sessions(vec![(backend, 1)], &sessions) });
    }
    let weighted = weighted.into_iter().map(|backend| (backend, backend.weight)).collect();
    branches.push(Branch { header: None, backends: with_sessions(weighted, &sessions) });
    Ok(branches)
}

/// These backends, and those that only get the requests of sessions.
fn with_sessions<'a>(
    mut backends: Vec<(&'a RouteBackend, u32)>,
    sessions: &[&'a RouteBackend],
) -> Vec<(&'a RouteBackend, u32)> {
    for session in sessions {
        if backends.iter().all(|(known, _)| known.backend != session.backend) {
            backends.push((session, 0));
        }
    }
    backends
}

fn header(HeaderMatch { name, value }: &HeaderMatch) -> Value {
    match value {
        ValueMatch::Exact(text) => json!({"name": &**name, "value": &**text}),
        ValueMatch::Regex(pattern) => {
            json!({"type": "RegularExpression", "name": &**name, "value": patterns::within(pattern)})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::config::{
        Affinity, AffinityMode, BackendId, BackendPolicies, CookieAttributes, Owner, ServiceBackend,
    };
    use std::sync::Arc;

    fn backend(weight: u32, when: Option<Condition>) -> RouteBackend {
        let policies: Arc<BackendPolicies> = Arc::default();
        let owner = Owner::default();
        RouteBackend { backend: BackendId::Nowhere, weight, when, canary: false, affinity: None, owner, policies }
    }

    #[test]
    fn conditions_come_in_their_order_and_weights_last() {
        let always = HeaderMatch { name: "x-canary".into(), value: ValueMatch::Exact("always".into()) };
        let pattern = HeaderMatch { name: "x-canary".into(), value: ValueMatch::Regex("^a".into()) };
        let cookie = Condition::Cookie { name: "c".into(), value: ValueMatch::Exact("never".into()) };
        let backends = [
            backend(0, Some(Condition::Header(always))),
            backend(0, Some(Condition::Header(pattern))),
            backend(0, Some(cookie)),
            backend(10, None),
            backend(90, None),
        ];
        let branches = branches(&backends).expect("branches");
        let headers: Vec<_> = branches.iter().map(|branch| branch.header.clone().unwrap_or_default()).collect();
        assert_eq!(headers[0], json!({"name": "x-canary", "value": "always"}));
        assert_eq!(headers[1]["value"], "(?s:.*)(?:^a)(?s:.*)");
        assert_eq!(headers[2]["name"], "Cookie");
        assert_eq!(headers[3], Value::Null);
        assert_eq!(branches[3].backends.iter().map(|(_, weight)| *weight).collect::<Vec<_>>(), [10, 90]);
    }

    fn at(service: &str, weight: u32, when: Option<Condition>, affinity: Option<&Arc<Affinity>>) -> RouteBackend {
        let id = ServiceBackend::tcp("shop", service, "80");
        RouteBackend { backend: id.into(), affinity: affinity.cloned(), ..backend(weight, when) }
    }

    /// A main backend with sessions and its canary, which gets requests by a header and by this weight.
    fn main_and_canary(weight: u32, of_canary: bool) -> Vec<RouteBackend> {
        let affinity = Arc::new(Affinity {
            cookie: "route".into(),
            mode: AffinityMode::Balanced,
            change_on_failure: false,
            sets: Some(CookieAttributes::default()),
        });
        let (main, canary) = (Some(&affinity), Some(&affinity).filter(|_| of_canary));
        let session = || Some(Condition::Session { cookie: "route".into() });
        let always = HeaderMatch { name: "x-canary".into(), value: ValueMatch::Exact("always".into()) };
        let mut backends = vec![at("main", 0, session(), main)];
        backends.extend(canary.map(|_| at("canary", 0, session(), canary)));
        backends.push(at("canary", 0, Some(Condition::Header(always)), canary));
        backends.extend((weight > 0).then(|| at("canary", weight, None, canary)));
        backends.push(at("main", 100 - weight, None, main));
        backends
    }

    #[test]
    fn every_rule_names_the_backends_that_have_sessions() {
        for weight in [0, 20] {
            let backends = main_and_canary(weight, true);
            let branches = branches(&backends).expect("branches");
            let shown = |branch: &Branch<'_>| {
                let service = |backend: &RouteBackend| backend.backend.service().map(|id| id.service.to_string());
                let shown =
                    branch.backends.iter().map(|(backend, weight)| (service(backend).expect("a Service"), *weight));
                shown.collect::<Vec<_>>()
            };
            let [by_header, mut by_weight] = [shown(&branches[0]), shown(&branches[1])];
            by_weight.sort_unstable();
            assert_eq!(by_header, [("canary".to_owned(), 1), ("main".to_owned(), 0)]);
            assert_eq!(by_weight, [("canary".to_owned(), weight), ("main".to_owned(), 100 - weight)]);
            assert_eq!(branches.len(), 2);
        }
    }

    #[test]
    fn sessions_with_the_main_backend_alone_are_refused() {
        assert!(branches(&main_and_canary(20, false)).is_err_and(|why| why.contains("legacy")));
    }
}
