//! Errors that have pages, or that a default backend answers.

use super::entry::{Annotation, Invalid, Scope};
use super::settings::AnnotationSettings;
use crate::object::Kind;
use crate::registry::{self, Value, ValueError, error_statuses};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "custom-http-errors",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Names the statuses of errors that clients do not get as they are: an error of the backend or of Adit with one of these \
         statuses is answered by the page of `error-pages`, or where there is none, by a default backend: that of the \
         annotation `default-backend`, or else of the flag `--default-backend-service`. The default backend gets the request \
         without its body, for `/`, with the headers `X-Code`, `X-Format`, `X-Original-URI`, `X-Namespace`, `X-Ingress-Name`, \
         `X-Service-Name` and `X-Service-Port`. Statuses from 400 to 599, separated by commas, such as `404,503`. Default: the \
         ConfigMap's `custom-http-errors` (none), of which the Service of the flag is the default backend.",
        |value, draft| {
            draft.custom_errors = Some(error_statuses(value.text())?);
            Ok(())
        },
    )
    .but(
        "A request that Adit refuses, such as one without a valid password, keeps the status of the refusal, whatever the \
         default backend answers. Errors of gRPC stay as they are, and so do all where there is neither a page nor a default \
         backend.",
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
    Annotation::own(
        "error-pages",
        Scope::Path,
        Invalid::FallsBack,
        "Names a ConfigMap in the same namespace, whose values are the bodies of responses to errors: Adit's own, and with \
         `custom-http-errors` those of the backend with a status of that list. A key is a status, such as `404.html`, or `4xx`, \
         `5xx` or `default` for all others; the most precise one that there is counts. `.html` or nothing behind it, `.json`, \
         `.xml` and `.txt` are the type; where there are several, the client's `Accept` chooses, or else the first of these. \
         Texts are sent as they are, up to 256 KiB together. Default: the pages of the ConfigMap's `error-pages`, also for errors \
         that these have no page for.",
        error_pages,
    )
    .refers_to(Kind::ConfigMap),
];

/// `error-pages`.
fn error_pages(value: Value<'_>, draft: &mut AnnotationSettings) -> Result<(), ValueError> {
    let (pages, complaints) = registry::error_pages(value.own_config_map()?)?;
    complaints.into_iter().for_each(|complaint| draft.complain(complaint));
    draft.policies.error_pages = Some(pages);
    Ok(())
}
