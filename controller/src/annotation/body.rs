//! Bodies, and the buffers that they pass through. Adit streams bodies both ways and chooses the sizes of its buffers.

use super::entry::{Annotation, FALSE, Invalid, Scope, Support};
use super::error::AnnotationError;
use super::value::Value;
use crate::route_defaults::Risk;

const STREAMED: &str = "bodies are streamed, and Adit chooses the sizes of its buffers";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation {
        key: "proxy-body-size",
        scope: Scope::Path,
        risk: Risk::Medium,
        support: Support::Full,
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "Sets the largest request body. Bytes, or a number with `k`, `m` or `g` for multiples of 1024; 0 is no \
              limit. Default: the ConfigMap's `proxy-body-size` (1m). A larger body is answered with 413.",
        apply: |value, draft| {
            draft.policies.body_limit = match value.size()? {
                Some(0) => None,
                Some(bytes) => Some(bytes),
                None => Some(1 << 20),
            };
            Ok(())
        },
    },
    Annotation {
        support: Support::Partial("Responses are always streamed, as with `off`."),
        apply: |value, _| {
            if on(value)? {
                return Err(AnnotationError::Unsupported("is not supported: responses are streamed, as with \"off\""));
            }
            Ok(())
        },
        ..buffer(
            "proxy-buffering",
            "Sets whether responses are buffered before the client gets them: `on` or `off`. Default: the \
             ConfigMap's `proxy-buffering` (`off`).",
        )
    },
    Annotation {
        support: Support::Partial("Request bodies are always streamed, as with `off`."),
        apply: |value, _| {
            if on(value)? {
                return Err(AnnotationError::Unsupported(
                    "is not supported: request bodies are streamed, as with \"off\"",
                ));
            }
            Ok(())
        },
        ..buffer(
            "proxy-request-buffering",
            "Sets whether a request body is read to its end before the backend gets it: `on` or `off`. Default: the \
             ConfigMap's `proxy-request-buffering` (`on`).",
        )
    },
    buffer(
        "proxy-buffer-size",
        "Sets the size of the buffer for a response head, and so the largest head. Bytes, or a number with `k` or \
         `m`. Default: the ConfigMap's `proxy-buffer-size` (4k).",
    ),
    buffer(
        "proxy-buffers-number",
        "Sets how many buffers one response may use. Whole number. Default: the ConfigMap's `proxy-buffers-number` \
         (4).",
    ),
    buffer(
        "proxy-busy-buffers-size",
        "Sets how many bytes of a response may wait for a slow client. Bytes, or a number with `k` or `m`. Default: \
         the ConfigMap's `proxy-busy-buffers-size` (8k).",
    ),
    buffer(
        "proxy-max-temp-file-size",
        "Sets how much of a response may be written to a temporary file. Bytes, or a number with `k` or `m`. \
         Default: the ConfigMap's `proxy-max-temp-file-size` (1024m).",
    ),
    buffer(
        "client-body-buffer-size",
        "Sets the size of the buffer for a request body. Bytes, or a number with `k` or `m`. Default: the \
         ConfigMap's `client-body-buffer-size` (8k).",
    ),
    Annotation::planned(
        "disable-proxy-intercept-errors",
        Scope::Path,
        Risk::Low,
        "Keeps the error responses of the backend, although `custom-http-errors` names their status. Boolean, \
         default false.",
    )
    .unless(FALSE),
    Annotation::planned(
        "custom-http-errors",
        Scope::Path,
        Risk::Low,
        "Names the statuses whose responses are replaced by responses of the default backend: 4xx and 5xx, separated \
         by commas, such as `404,503`. Default: the ConfigMap's `custom-http-errors` (none).",
    ),
];

const fn buffer(key: &'static str, doc: &'static str) -> Annotation {
    Annotation { invalid: Invalid::FallsBack, ..Annotation::ignored(key, STREAMED, doc) }
}

fn on(value: Value<'_>) -> Result<bool, AnnotationError> {
    Ok(value.one_of(&["on", "off"], "\"on\" or \"off\"")? == "on")
}
