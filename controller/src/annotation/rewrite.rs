//! Rewriting the path.

use super::entry::{Annotation, Invalid, Scope, Support};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation {
        key: "rewrite-target",
        scope: Scope::Path,
        risk: Risk::Medium,
        support: Support::Partial(
            "With `path-matching: strict` it makes only the paths of this Ingress regular expressions.",
        ),
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "Sets the path that the backend gets in place of the request's. Letters, digits and `/-._~:`; `$1` to \
              `$9` insert the groups of the rule's path. The query is kept. Default: not set, the path is not \
              changed. It makes all paths of the host regular expressions, as `use-regex` does, unless it equals the \
              rule's path.",
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
        doc: "Sets the header `X-Forwarded-Prefix` of rewritten requests. Letters, digits and `/-._~:`; `$1` to `$9` \
              insert the groups of the rule's path. Default: not set, the header is not added. It applies only \
              together with `rewrite-target`.",
        apply: |value, draft| {
            draft.forwarded_prefix = Some(value.path_with_captures()?.into());
            Ok(())
        },
    },
];
