//! Canaries, which send a part of another Ingress's requests elsewhere, and mirrors, which send copies.

use super::entry::{Annotation, Invalid, Scope};
use crate::registry::ValueError;
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "canary",
        Scope::Ingress,
        Risk::Low,
        Invalid::FallsBack,
        "Makes this Ingress a canary: it has no routes of its own, and takes a part of the requests of the Ingress \
         with the same host and path. Boolean, default false.",
        |value, draft| {
            draft.canary = value.bool()?;
            if draft.canary {
                return Err(ValueError::Unsupported(
                    "is not supported yet: this Ingress gets no requests, the main Ingress serves all of them",
                ));
            }
            Ok(())
        },
    )
    .but("A canary gets no requests yet: all of them stay with the main Ingress."),
    Annotation::planned(
        "canary-by-header",
        Scope::Upstream,
        Risk::Medium,
        "Names a request header that chooses the backend: `always` the canary, `never` the main one. Other values \
         leave the choice to `canary-by-cookie` and `canary-weight`. Default: not set.",
    ),
    Annotation::planned(
        "canary-by-header-value",
        Scope::Upstream,
        Risk::Medium,
        "Sets the value of that header which chooses the canary, in place of `always` and `never`. Default: not set.",
    ),
    Annotation::planned(
        "canary-by-header-pattern",
        Scope::Upstream,
        Risk::Medium,
        "Sets a regular expression for the values of that header which choose the canary. Ignored with \
         `canary-by-header-value`. Default: not set.",
    ),
    Annotation::planned(
        "canary-by-cookie",
        Scope::Upstream,
        Risk::Medium,
        "Names a cookie that chooses the backend: `always` the canary, `never` the main one. Other values leave the \
         choice to `canary-weight`. Default: not set.",
    ),
    Annotation::planned(
        "canary-weight",
        Scope::Upstream,
        Risk::Low,
        "Sets the share of requests that the canary gets, in parts of `canary-weight-total`. Whole number from 0 to \
         that total. Default 0.",
    ),
    Annotation::planned(
        "canary-weight-total",
        Scope::Upstream,
        Risk::Low,
        "Sets the total that `canary-weight` is a share of. Whole number from 100. Default 100.",
    ),
    Annotation::planned(
        "mirror-target",
        Scope::Path,
        Risk::High,
        "Sets the URL to which a copy of each request is sent. May contain nginx variables, such as `$request_uri`. \
         The response to the copy is dropped. Default: not set, no copies.",
    ),
    Annotation::planned(
        "mirror-host",
        Scope::Path,
        Risk::High,
        "Sets the `Host` header of the copies. Default: the host of `mirror-target`.",
    ),
    Annotation::planned(
        "mirror-request-body",
        Scope::Path,
        Risk::Low,
        "Sets whether the copies have the body of the request: `on` or `off`. Default `on`.",
    ),
];
