//! Which address a request goes to.

use super::entry::{Annotation, FALSE, Invalid, Scope};
use crate::object::Kind;
use crate::registry::{Value, ValueError};
use crate::route_defaults::Risk;
use gateway::config::Balance;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "default-backend",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets the Service that serves requests when the Service of the rule has no endpoints, and that answers the errors of \
         `custom-http-errors`. The name of a Service \
         in the same namespace; its first port is used. Default: not set, such requests are answered with 503.",
        |value, draft| {
            draft.default_backend = Some(value.service_name()?);
            Ok(())
        },
    )
    .refers_to(Kind::Service),
    Annotation::full(
        "service-upstream",
        Scope::Upstream,
        Risk::Low,
        Invalid::FallsBack,
        "Sends requests to the Service's cluster IP instead of its endpoints. Boolean. Default: the ConfigMap's \
         `service-upstream` (false). The oldest Ingress that uses the Service port decides for all.",
        |value, draft| {
            draft.upstream.service_upstream = value.bool()?;
            Ok(())
        },
    ),
    Annotation::full(
        "load-balance",
        Scope::Upstream,
        Risk::Low,
        Invalid::RejectsIngress,
        "Sets how an endpoint is chosen for each request: `round_robin` takes one after the other, `ewma` prefers \
         the less busy. Default: the ConfigMap's `load-balance` (`round_robin`). The oldest Ingress that uses the \
         Service port decides for all.",
        |value, draft| {
            draft.upstream.balance = balance(value)?;
            Ok(())
        },
    )
    .but(
        "`ewma` takes two endpoints at random and chooses the one with fewer requests in progress. `chash`, \
         `chashsubset`, `sticky_balanced` and `sticky_persistent` are not supported yet: the default applies.",
    ),
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

fn balance(value: Value<'_>) -> Result<Balance, ValueError> {
    match value.text() {
        "round_robin" => Ok(Balance::RoundRobin),
        "ewma" => Ok(Balance::LeastRequest),
        "chash" | "chashsubset" | "sticky_balanced" | "sticky_persistent" => Err(ValueError::Unsupported(
            "is not supported yet: expected \"round_robin\" or \"ewma\"; the default is used instead",
        )),
        _ => Err(ValueError::Expected("\"round_robin\" or \"ewma\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balances() {
        assert_eq!(balance(Value::from("round_robin")), Ok(Balance::RoundRobin));
        assert_eq!(balance(Value::from("ewma")), Ok(Balance::LeastRequest));
        assert!(matches!(balance(Value::from("chash")), Err(ValueError::Unsupported(_))));
        assert!(matches!(balance(Value::from("random")), Err(ValueError::Expected(_))));
    }
}
