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
        doc: "A Service of the namespace whose first port serves requests when the rule's backend has no endpoints.",
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
        doc: "Requests go to the Service's cluster IP instead of its endpoints. Boolean.",
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
            "`ewma` is the less busy of two endpoints chosen at random. The other words: round robin.",
        ),
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "How an endpoint is chosen: `round_robin` or `ewma`.",
        apply: |value, draft| {
            draft.upstream.balance = balance(value)?;
            Ok(())
        },
    },
    Annotation::planned(
        "upstream-hash-by",
        Scope::Upstream,
        Risk::High,
        "Requests for which this text, with nginx variables in it, is equal go to one endpoint.",
    ),
    Annotation::planned(
        "upstream-hash-by-subset",
        Scope::Upstream,
        Risk::Low,
        "`upstream-hash-by` chooses several endpoints instead of one. Boolean.",
    )
    .unless(FALSE),
    Annotation::planned(
        "upstream-hash-by-subset-size",
        Scope::Upstream,
        Risk::Low,
        "How many endpoints `upstream-hash-by-subset` chooses. Default 3.",
    ),
];

fn balance(value: Value<'_>) -> Result<Balance, AnnotationError> {
    match value.text() {
        "round_robin" => Ok(Balance::RoundRobin),
        "ewma" => Ok(Balance::LeastRequest),
        "chash" | "chashsubset" | "sticky_balanced" | "sticky_persistent" => {
            Err(AnnotationError::Unsupported("is not supported yet: endpoints take turns"))
        }
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
