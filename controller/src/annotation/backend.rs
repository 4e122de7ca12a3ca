//! Which address a request goes to.

use super::entry::{Annotation, Invalid, Scope};
use super::hash_settings::{self, Balancing};
use super::settings::AnnotationSettings;
use crate::object::Kind;
use crate::registry::{Value, ValueError, balance};
use crate::route_defaults::Risk;
use gateway::config::{Template, TemplateError};
use std::num::NonZero;

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
        "Sets how an endpoint is chosen for each request: `round_robin` takes one after the other. `ewma` takes two at random \
         and chooses the one whose responses have taken less time of late, by an exponentially weighted moving average with a \
         decay of 10 s. `least_request`, which ingress-nginx does not have, chooses the one of two with fewer requests in \
         progress. Default: the ConfigMap's `load-balance` (`round_robin`). The oldest Ingress that uses the Service port \
         decides for all.",
        load_balance,
    )
    .but(
        "`chash` and `chashsubset` have no effect without `upstream-hash-by`, `sticky_balanced` and `sticky_persistent` none \
         without `affinity`: the default applies.",
    ),
    Annotation::full(
        "upstream-hash-by",
        Scope::Upstream,
        Risk::High,
        Invalid::RejectsIngress,
        "Sends all requests with the same key to the same endpoint, whatever `load-balance` says. When endpoints come or go, only \
         a part of the keys leads elsewhere. The key is a text of letters, digits, `-` and `_` with nginx variables, such as \
         `$request_uri` or `${remote_addr}-$host`. If the endpoint fails and `proxy-next-upstream` allows it, another one is \
         tried, the same for all requests with the key. With `affinity` it has no effect. Default: not set, `load-balance` \
         decides. The oldest Ingress that uses the Service port decides for all.",
        |value, draft| {
            draft.hashing.key = Some(hash_key(value)?);
            Ok(())
        },
    )
    .but("It accepts the variables that the log formats have; with another one `load-balance` decides."),
    Annotation::full(
        "upstream-hash-by-subset",
        Scope::Upstream,
        Risk::Low,
        Invalid::RejectsIngress,
        "Makes `upstream-hash-by` choose a subset of the endpoints instead of one. Each request goes to a random \
         endpoint of the subset. Boolean, default false.",
        |value, draft| {
            draft.hashing.in_subsets = value.bool()?;
            Ok(())
        },
    ),
    Annotation::full(
        "upstream-hash-by-subset-size",
        Scope::Upstream,
        Risk::Low,
        Invalid::RejectsIngress,
        "Sets how many endpoints a subset of `upstream-hash-by-subset` has. Whole number from 1, or 0 for the default, 3. The \
         last subset is filled up with endpoints of the first.",
        |value, draft| {
            draft.hashing.size = NonZero::new(value.number(0..=u32::MAX, "a whole number from 0")?);
            Ok(())
        },
    ),
];

/// `load-balance`. What other annotations switch on is remembered; it counts if they do.
fn load_balance(value: Value<'_>, draft: &mut AnnotationSettings) -> Result<(), ValueError> {
    match value.text() {
        "chash" | "chashsubset" => draft.hashing.balance = Some(Balancing::ByKey),
        "sticky_balanced" | "sticky_persistent" => draft.hashing.balance = Some(Balancing::BySession),
        text => draft.upstream.balance = balance(text)?,
    }
    Ok(())
}

/// `upstream-hash-by`. Blanks do not make it invalid.
fn hash_key(value: Value<'_>) -> Result<Result<Template, TemplateError>, ValueError> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || "-_${}".contains(c);
    match value.text().chars().all(is_part) {
        true => Ok(hash_settings::key(value.text())),
        false => {
            Err(ValueError::Expected("letters, digits, \"-\", \"_\" and nginx variables, such as \"$request_uri\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route_defaults::RouteDefaults;
    use gateway::config::Balance;

    #[test]
    fn balances() {
        let read = |text: &'static str| {
            let mut draft = AnnotationSettings::new(&RouteDefaults::default());
            load_balance(Value::from(text), &mut draft).map(|()| (draft.upstream.balance, draft.hashing.balance))
        };
        assert_eq!(read("round_robin"), Ok((Balance::RoundRobin, None)));
        assert_eq!(read("ewma"), Ok((Balance::Ewma, None)));
        assert_eq!(read("least_request"), Ok((Balance::LeastRequest, None)));
        assert_eq!(read("chashsubset"), Ok((Balance::RoundRobin, Some(Balancing::ByKey))));
        assert_eq!(read("sticky_balanced"), Ok((Balance::RoundRobin, Some(Balancing::BySession))));
        assert!(matches!(read("random"), Err(ValueError::Expected(_))));
    }

    /// The values of ingress-nginx's own test.
    #[test]
    fn hash_keys_are_letters_and_variables() {
        for valid in ["$request_URI", "$request_uri$scheme", "false", "a b", "${remote_addr}-$http_x_user"] {
            assert!(matches!(hash_key(Value::from(valid)), Ok(Ok(_))), "{valid}");
        }
        assert!(matches!(hash_key(Value::from("lalal${scheme_test}")), Ok(Err(TemplateError::Unknown(_)))));
        for invalid in ["xpto;[]", "$uri/", "$host.", "\\$host", "\u{e4}"] {
            assert!(matches!(hash_key(Value::from(invalid)), Err(ValueError::Expected(_))), "{invalid}");
        }
    }
}
