//! How much a client may do, and which clients may do anything.

use super::entry::{Annotation, Invalid, Scope};
use crate::registry::{Value, ValueError};
use crate::route_defaults::Risk;
use std::num::NonZero;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "limit-rps",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Limits the requests per second of one client address to all paths of the Ingress. Whole number; 0 is no limit. \
         Default 0. More requests, beyond a burst (`limit-burst-multiplier`), are answered with 503 or the ConfigMap's \
         `limit-req-status-code`. Each replica of Adit counts for itself, unless the ConfigMap's `limit-replicas` is `share`.",
        |value, draft| {
            draft.limits.per_second = limit(value)?;
            Ok(())
        },
    ),
    Annotation::full(
        "limit-rpm",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Limits the requests per minute of one client address, as `limit-rps` does those per second. If both are set, a \
         request that exceeds one of them counts for neither. Whole number; 0 is no limit. Default 0.",
        |value, draft| {
            draft.limits.per_minute = limit(value)?;
            Ok(())
        },
    ),
    Annotation::full(
        "limit-burst-multiplier",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets how many requests may come at once, beyond the first: `limit-rps` and `limit-rpm` times this number. Whole \
         number from 1. Default 5.",
        |value, draft| {
            let multiplier = value.number(1..=u32::MAX, "a whole number from 1 to 4294967295")?;
            draft.limits.burst_multiplier = NonZero::new(multiplier);
            Ok(())
        },
    ),
    Annotation::full(
        "limit-connections",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Limits how many requests of one client address to all paths of the Ingress are in progress at a time. Those of \
         one HTTP/2 connection count one by one, upgraded connections until they end. Whole number; 0 is no limit. Default \
         0. More requests are answered with 503 or the ConfigMap's `limit-conn-status-code`.",
        |value, draft| {
            draft.limits.connections = limit(value)?;
            Ok(())
        },
    ),
    Annotation::full(
        "limit-rate",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Limits the speed of the body of each response; the backend is read no faster. It does not apply to upgraded \
         connections. Kilobytes per second, a whole number; 0 is no limit. Default: the ConfigMap's `limit-rate` (0).",
        |value, draft| {
            draft.policies.response_rate.bytes_per_second = NonZero::new(value.kilobytes()?);
            Ok(())
        },
    ),
    Annotation::full(
        "limit-rate-after",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets how much of the body of a response is sent before `limit-rate` applies. Kilobytes, a whole number. Default: \
         the ConfigMap's `limit-rate-after` (0).",
        |value, draft| {
            draft.policies.response_rate.after = value.kilobytes()?;
            Ok(())
        },
    ),
    Annotation::full(
        "limit-allowlist",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Names the client addresses and networks to which `limit-rps`, `limit-rpm` and `limit-connections` do not apply, \
         separated by commas. Default: none.",
        |value, draft| {
            draft.limits.exempt = Some(value.networks()?);
            Ok(())
        },
    ),
    Annotation::full(
        "limit-whitelist",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "The former name of `limit-allowlist`. If an Ingress has both, this one is ignored.",
        |value, draft| {
            let networks = value.networks()?;
            draft.limits.exempt.get_or_insert(networks); // annotations are read in the order of their names
            Ok(())
        },
    ),
    Annotation::full(
        "allowlist-source-range",
        Scope::Path,
        Risk::Medium,
        Invalid::Denies,
        "Names the client addresses and networks that may send requests, separated by commas. All others get 403. \
         Default: all clients may. A value that is not valid denies the routes: they answer 503.",
        |value, draft| {
            draft.allowlist = Some(value.networks()?);
            Ok(())
        },
    ),
    Annotation::full(
        "whitelist-source-range",
        Scope::Path,
        Risk::Medium,
        Invalid::Denies,
        "The former name of `allowlist-source-range`. If an Ingress has both, this one is ignored.",
        |value, draft| {
            let networks = value.networks()?;
            draft.allowlist.get_or_insert(networks); // annotations are read in the order of their names
            Ok(())
        },
    ),
    Annotation::full(
        "denylist-source-range",
        Scope::Path,
        Risk::Medium,
        Invalid::Denies,
        "Names the client addresses and networks that get 403, separated by commas. It is checked before \
         `allowlist-source-range`. Default: none. A value that is not valid denies the routes: they answer 503.",
        |value, draft| {
            draft.policies.source_ranges.deny = value.networks()?;
            Ok(())
        },
    ),
];

/// A limit; 0 is none.
fn limit(value: Value<'_>) -> Result<Option<NonZero<u32>>, ValueError> {
    value.number(0..=u32::MAX, "a whole number from 0 to 4294967295").map(NonZero::new)
}
