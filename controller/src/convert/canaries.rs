//! Canaries: a rule for each condition, and the weights in the last one.
//!
//! The first condition that a request fulfils decides. Of rules for one path with as many headers the one that stands first
//! counts, so that rules in the order of the conditions decide alike.

use super::patterns;
use gateway::config::{Condition, HeaderMatch, RouteBackend, ValueMatch};
use serde_json::{Value, json};

/// The requests with a header, or those that are left, and where they go.
#[derive(Debug)]
pub(super) struct Branch<'a> {
    pub(super) header: Option<Value>,
    /// With their weights.
    pub(super) backends: Vec<&'a RouteBackend>,
}

/// How the requests of a route are shared.
///
/// # Errors
/// Why no rules share them so.
pub(super) fn branches(backends: &[RouteBackend]) -> Result<Vec<Branch<'_>>, &'static str> {
    let (conditional, weighted): (Vec<_>, Vec<_>) = backends.iter().partition(|backend| backend.when.is_some());
    let mut branches = Vec::new();
    for backend in conditional {
        let header = match &backend.when {
            Some(Condition::Header(wanted)) => header(wanted),
            Some(Condition::Cookie { name, value: ValueMatch::Exact(value) }) => {
                json!({"type": "RegularExpression", "name": "Cookie", "value": patterns::of_cookie(name, value)})
            }
            Some(Condition::Cookie { .. }) => return Err("asks for a cookie by a regular expression"),
            Some(Condition::Session { .. }) => {
                return Err("keeps sessions at the canary or at the main backend, which no rule can tell");
            }
            None => continue,
        };
        branches.push(Branch { header: Some(header), backends: vec![backend] });
    }
    branches.push(Branch { header: None, backends: weighted });
    Ok(branches)
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
    use gateway::config::{BackendId, BackendPolicies, Owner};
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
        assert_eq!(branches[3].backends.iter().map(|backend| backend.weight).collect::<Vec<_>>(), [10, 90]);
    }

    #[test]
    fn sessions_are_refused() {
        let session = Condition::Session { cookie: "route".into() };
        assert!(branches(&[backend(0, Some(session)), backend(1, None)]).is_err());
    }
}
