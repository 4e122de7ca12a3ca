//! Rewriting the path.

use super::entry::{Annotation, Invalid, Scope};
use crate::registry::ValueError;
use crate::route_defaults::Risk;
use gateway::config::Rewrite;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "rewrite-target",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the path that the backend gets in place of the request's. Letters, digits and `/-._~:`; `$1` to `$9` \
         insert the groups of the rule's path. The query is kept. What begins with `http://`, `https://` or \
         `$scheme://` is a URL, to which clients are redirected (302). At most 2048 bytes with 20 groups; a request \
         whose new path would be longer than 16 KiB is answered with 414. Default: not set, the path is not changed. It \
         makes all paths of the host regular expressions, as `use-regex` does, unless it equals the rule's path.",
        |value, draft| {
            draft.rewrite_target = Some(bounded(value.path_with_captures()?)?.into());
            Ok(())
        },
    )
    .but("With `path-matching: strict` it makes only the paths of this Ingress regular expressions."),
    Annotation::full(
        "x-forwarded-prefix",
        Scope::Path,
        Risk::Medium,
        Invalid::RejectsIngress,
        "Sets the header `X-Forwarded-Prefix` of rewritten requests. Letters, digits and `/-._~:`; `$1` to `$9` \
         insert the groups of the rule's path. Default: not set, the header is not added. It applies only together \
         with `rewrite-target`. At most 2048 bytes with 20 groups.",
        |value, draft| {
            draft.forwarded_prefix = Some(bounded(value.path_with_captures()?)?.into());
            Ok(())
        },
    ),
];

/// A target or prefix that is not too long.
fn bounded(text: &str) -> Result<&str, ValueError> {
    Rewrite::excess(text).map_or(Ok(text), |excess| Err(ValueError::Refused(excess.into())))
}
