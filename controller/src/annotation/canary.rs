//! Canaries, which get a part of the requests for another Ingress's backend.

use super::entry::{Annotation, Invalid, Scope};
use crate::registry::header_name;
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "canary",
        Scope::Ingress,
        Risk::Low,
        Invalid::FallsBack,
        "Makes this Ingress a canary: it has no routes of its own. Its Service gets a part of the requests for the main \
         backend, which is that of the Ingress with the same host, path and path type, wherever that backend is used. \
         All settings but `canary-*` and those of its Service are those of the main Ingress. Boolean, default false.",
        |value, draft| {
            draft.canary_settings.enabled = value.bool()?;
            Ok(())
        },
    )
    .but(
        "A canary for an Ingress of another namespace gets requests only with the ConfigMap's \
         `allow-cross-namespace-resources`. While a canary has no endpoint, the main backend gets its share, and requests \
         that a header or cookie sends to it are answered with 503.",
    ),
    Annotation::full(
        "canary-by-header",
        Scope::Upstream,
        Risk::Medium,
        Invalid::FallsBack,
        "Names a request header that chooses the backend: `always` the canary, `never` the main one. Other values \
         leave the choice to `canary-by-cookie` and `canary-weight`. Default: not set.",
        |value, draft| {
            // nginx reads headers by variables, whose names have `_` in place of `-`.
            draft.canary_settings.header = Some(header_name(&value.basic()?.replace('_', "-"))?);
            Ok(())
        },
    ),
    Annotation::full(
        "canary-by-header-value",
        Scope::Upstream,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the value of that header which chooses the canary, in place of `always` and `never`. Default: not set.",
        |value, draft| {
            draft.canary_settings.header_value = Some(value.names()?.into());
            Ok(())
        },
    ),
    Annotation::full(
        "canary-by-header-pattern",
        Scope::Upstream,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets a regular expression for the values of that header which choose the canary, in place of `always` and \
         `never`. It regards case and matches anywhere in the value. Ignored with `canary-by-header-value`. If it is \
         not valid, requests with the header go to the main backend. Default: not set.",
        |value, draft| {
            draft.canary_settings.header_pattern = Some(value.regex()?.into());
            Ok(())
        },
    ),
    Annotation::full(
        "canary-by-cookie",
        Scope::Upstream,
        Risk::Medium,
        Invalid::FallsBack,
        "Names a cookie that chooses the backend: `always` the canary, `never` the main one. Other values leave the \
         choice to `canary-weight`. Default: not set.",
        |value, draft| {
            draft.canary_settings.cookie = Some(value.basic()?.into());
            Ok(())
        },
    ),
    Annotation::full(
        "canary-weight",
        Scope::Upstream,
        Risk::Low,
        Invalid::FallsBack,
        "Sets the share of requests that the canary gets, in parts of `canary-weight-total`. Whole number from 0 to \
         that total. Default 0.",
        |value, draft| {
            draft.canary_settings.weight = value.number(0..=u32::MAX, "a whole number from 0, such as \"20\"")?;
            Ok(())
        },
    ),
    Annotation::full(
        "canary-weight-total",
        Scope::Upstream,
        Risk::Low,
        Invalid::FallsBack,
        "Sets the total that `canary-weight` is a share of. Whole number from 100. Default 100.",
        |value, draft| {
            let total = value.number(0..=u32::MAX, "a whole number from 100, such as \"1000\"")?;
            draft.canary_settings.weight_total = Some(total);
            Ok(())
        },
    ),
];
