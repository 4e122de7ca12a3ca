//! How much a client may do, and which clients may do anything.

use super::entry::{Annotation, Invalid, Scope, Support};
use crate::route_defaults::Risk;

const ZERO: &[&str] = &["0"];

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::denied("limit-rps", Scope::Path, Risk::Low, "Requests per second of one client. 0 is no limit.")
        .unless(ZERO),
    Annotation::denied("limit-rpm", Scope::Path, Risk::Low, "Requests per minute of one client. 0 is no limit.")
        .unless(ZERO),
    Annotation::denied("limit-burst-multiplier", Scope::Path, Risk::Low, "How much more at once. Default 5."),
    Annotation::denied("limit-connections", Scope::Path, Risk::Low, "Requests of one client at a time. 0 is no limit.")
        .unless(ZERO),
    Annotation::denied("limit-rate", Scope::Path, Risk::Low, "Kilobytes per second of one answer. 0 is no limit.")
        .unless(ZERO),
    Annotation::denied("limit-rate-after", Scope::Path, Risk::Low, "Kilobytes after which that begins.").unless(ZERO),
    Annotation::denied("limit-allowlist", Scope::Path, Risk::Low, "Addresses without limits."),
    Annotation::denied("limit-whitelist", Scope::Path, Risk::Low, "The former name of `limit-allowlist`."),
    Annotation {
        key: "allowlist-source-range",
        apply: |value, draft| {
            draft.allowlist = Some(value.networks()?);
            Ok(())
        },
        ..source_range(
            "The only clients that are served: IP addresses and networks, separated by commas. Others are answered 403. \
             Default: every client is served. It replaces `whitelist-source-range`.",
        )
    },
    Annotation {
        key: "whitelist-source-range",
        apply: |value, draft| {
            let networks = value.networks()?;
            draft.allowlist.get_or_insert(networks); // annotations are read in the order of their names
            Ok(())
        },
        ..source_range("The former name of `allowlist-source-range`, which counts if both are there.")
    },
    Annotation {
        key: "denylist-source-range",
        apply: |value, draft| {
            draft.policies.source_ranges.deny = value.networks()?;
            Ok(())
        },
        ..source_range(
            "Clients that are answered 403: IP addresses and networks, separated by commas. It comes before \
             `allowlist-source-range`. Default: none.",
        )
    },
];

/// A list of client addresses.
const fn source_range(doc: &'static str) -> Annotation {
    Annotation {
        support: Support::Full,
        invalid: Invalid::Denies,
        ..Annotation::denied("", Scope::Path, Risk::Medium, doc)
    }
}
