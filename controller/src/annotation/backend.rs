//! Which address a request goes to.

use super::entry::{Annotation, FALSE, Invalid, Scope, Support};
use super::error::AnnotationError;
use super::value::Value;
use crate::route_defaults::Risk;
use gateway::config::Balance;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation {
        key: "default-backend",
        scope: Scope::Path,
        risk: Risk::Low,
        support: Support::Partial("It does not serve `custom-http-errors` yet."),
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "Sets the Service that serves requests when the Service of the rule has no endpoints. The name of a \
              Service in the same namespace; its first port is used. Default: not set, such requests are answered \
              with 503.",
        apply: |value, draft| {
            draft.default_backend = Some(value.service_name()?);
            Ok(())
        },
    },
    Annotation {
        key: "service-upstream",
        scope: Scope::Upstream,
        risk: Risk::Low,
        support: Support::Full,
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "Sends requests to the Service's cluster IP instead of its endpoints. Boolean. Default: the ConfigMap's \
              `service-upstream` (false). The oldest Ingress that uses the Service port decides for all.",
        apply: |value, draft| {
            draft.upstream.service_upstream = value.bool()?;
            Ok(())
        },
    },
    Annotation {
        key: "load-balance",
        scope: Scope::Upstream,
        risk: Risk::Low,
        support: Support::Partial(
            "`ewma` takes two endpoints at random and chooses the one with fewer requests in progress. `chash`, \
             `chashsubset`, `sticky_balanced` and `sticky_persistent` are not supported yet: the default applies.",
        ),
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "Sets how an endpoint is chosen for each request: `round_robin` takes one after the other, `ewma` \
              prefers the less busy. Default: the ConfigMap's `load-balance` (`round_robin`). The oldest Ingress \
              that uses the Service port decides for all.",
        apply: |value, draft| {
            draft.upstream.balance = balance(value)?;
            Ok(())
        },
    },
    Annotation::planned(
        "upstream-hash-by",
        Scope::Upstream,
        Risk::High,
        "Sends all requests with the same hash key to the same endpoint. The key is a text with nginx variables, \
         such as `$request_uri`. Default: not set, `load-balance` decides.",
    ),
    Annotation::planned(
        "upstream-hash-by-subset",
        Scope::Upstream,
        Risk::Low,
        "Makes `upstream-hash-by` choose a subset of the endpoints instead of one. Each request goes to a random \
         endpoint of the subset. Boolean, default false.",
    )
    .unless(FALSE),
    Annotation::planned(
        "upstream-hash-by-subset-size",
        Scope::Upstream,
        Risk::Low,
        "Sets how many endpoints a subset of `upstream-hash-by-subset` has. Whole number, default 3.",
    ),
];

fn balance(value: Value<'_>) -> Result<Balance, AnnotationError> {
    match value.text() {
        "round_robin" => Ok(Balance::RoundRobin),
        "ewma" => Ok(Balance::LeastRequest),
        "chash" | "chashsubset" | "sticky_balanced" | "sticky_persistent" => Err(AnnotationError::Unsupported(
            "is not supported yet: expected \"round_robin\" or \"ewma\"; the default is used instead",
        )),
        _ => Err(AnnotationError::Expected("\"round_robin\" or \"ewma\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balances() {
        assert_eq!(balance(Value("round_robin")), Ok(Balance::RoundRobin));
        assert_eq!(balance(Value("ewma")), Ok(Balance::LeastRequest));
        assert!(matches!(balance(Value("chash")), Err(AnnotationError::Unsupported(_))));
        assert!(matches!(balance(Value("random")), Err(AnnotationError::Expected(_))));
    }
}
