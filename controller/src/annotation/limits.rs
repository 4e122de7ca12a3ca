//! How much a client may do, and which clients may do anything.

use super::entry::{Annotation, Invalid, Scope};
use crate::route_defaults::Risk;

const ZERO: &[&str] = &["0"];

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::denied(
        "limit-rps",
        Scope::Path,
        Risk::Low,
        "Limits the requests per second of one client address. Whole number; 0 is no limit. Default 0. More requests \
         are answered with 503.",
    )
    .unless(ZERO),
    Annotation::denied(
        "limit-rpm",
        Scope::Path,
        Risk::Low,
        "Limits the requests per minute of one client address. Whole number; 0 is no limit. Default 0. More requests \
         are answered with 503.",
    )
    .unless(ZERO),
    Annotation::denied(
        "limit-burst-multiplier",
        Scope::Path,
        Risk::Low,
        "Sets how many requests may exceed `limit-rps` or `limit-rpm` in a burst: the limit times this number. Whole \
         number from 1. Default 5.",
    ),
    Annotation::denied(
        "limit-connections",
        Scope::Path,
        Risk::Low,
        "Limits how many requests of one client address are served at the same time. Whole number; 0 is no limit. \
         Default 0. More requests are answered with 503.",
    )
    .unless(ZERO),
    Annotation::denied(
        "limit-rate",
        Scope::Path,
        Risk::Low,
        "Limits the speed of one response. Kilobytes per second; 0 is no limit. Default: the ConfigMap's \
         `limit-rate` (0).",
    )
    .unless(ZERO),
    Annotation::denied(
        "limit-rate-after",
        Scope::Path,
        Risk::Low,
        "Sets how much of a response is sent before `limit-rate` applies. Kilobytes. Default: the ConfigMap's \
         `limit-rate-after` (0).",
    )
    .unless(ZERO),
    Annotation::denied(
        "limit-allowlist",
        Scope::Path,
        Risk::Low,
        "Names the client addresses and networks to which no limit applies, separated by commas. Default: none.",
    ),
    Annotation::denied("limit-whitelist", Scope::Path, Risk::Low, "The former name of `limit-allowlist`."),
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
