//! Errors that a default backend answers.

use super::entry::{Annotation, Invalid, Scope};
use crate::registry::error_statuses;
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "custom-http-errors",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Sets the statuses that the default backend answers: that of the annotation `default-backend`, or else of the flag \
         `--default-backend-service`. It gets the request without its body, for `/`, with the headers `X-Code`, `X-Format`, \
         `X-Original-URI`, `X-Namespace`, `X-Ingress-Name`, `X-Service-Name` and `X-Service-Port`. Statuses from 400 to 599, \
         separated by commas, such as `404,503`. Default: the ConfigMap's `custom-http-errors` (none), which the Service of \
         the flag answers.",
        |value, draft| {
            draft.custom_errors = Some(error_statuses(value.text())?);
            Ok(())
        },
    )
    .but(
        "Who is refused keeps the status of the refusal, whatever the default backend answers. Errors of gRPC stay as they \
         are, and so do all where there is no default backend.",
    ),
    Annotation::full(
        "disable-proxy-intercept-errors",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Keeps the responses of the backend, also where `custom-http-errors` has their status. Boolean. Default: the \
         ConfigMap's `disable-proxy-intercept-errors` (false).",
        |value, draft| {
            draft.policies.custom_errors.keeps_responses = value.bool()?;
            Ok(())
        },
    ),
];
