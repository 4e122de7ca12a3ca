//! Rewriting the path.

use super::entry::{Annotation, Invalid, Scope, Support};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation {
        key: "rewrite-target",
        scope: Scope::Path,
        risk: Risk::Medium,
        support: Support::Partial(
            "In `path-matching: strict` it makes regular expressions of this Ingress's paths only.",
        ),
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "The backend gets this path instead, with `$1` to `$9` for the groups of the rule's path. Makes every path of \
              the host a regular expression, unless it equals the rule's path.",
        apply: |value, draft| {
            draft.rewrite_target = Some(value.path_with_captures()?.into());
            Ok(())
        },
    },
    Annotation {
        key: "x-forwarded-prefix",
        scope: Scope::Path,
        risk: Risk::Medium,
        support: Support::Full,
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "The header `X-Forwarded-Prefix` of rewritten requests; may hold `$1` to `$9`. Only with `rewrite-target`.",
        apply: |value, draft| {
            draft.forwarded_prefix = Some(value.path_with_captures()?.into());
            Ok(())
        },
    },
];
