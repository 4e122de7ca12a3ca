//! Bodies and the buffers they pass through. Adit streams both ways; sizes of buffers are its own business.

use super::entry::{Annotation, FALSE, Invalid, Scope, Support};
use super::error::AnnotationError;
use super::value::Value;
use crate::route_defaults::Risk;

const STREAMED: &str = "bodies are streamed, and buffers grow as they must";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation {
        key: "proxy-body-size",
        scope: Scope::Path,
        risk: Risk::Medium,
        support: Support::Full,
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "The largest request body; a larger one is answered 413. A number of bytes, or of `k`, `m` or `g`; 0 is no \
              limit. Default 1m.",
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
        support: Support::Partial("Answers are always streamed, as with `off`."),
        apply: |value, _| {
            if on(value)? {
                return Err(AnnotationError::Unsupported("is not supported: answers are streamed, as with \"off\""));
            }
            Ok(())
        },
        ..buffer("proxy-buffering", "Whether answers are buffered: `on` or `off`. Default off.")
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
        ..buffer("proxy-request-buffering", "Whether request bodies are buffered: `on` or `off`.")
    },
    buffer("proxy-buffer-size", "The buffer for the head of an answer, and so its largest size."),
    buffer("proxy-buffers-number", "How many buffers an answer has."),
    buffer("proxy-busy-buffers-size", "How much of an answer may wait for the client."),
    buffer("proxy-max-temp-file-size", "How much of an answer may go to a file."),
    buffer("client-body-buffer-size", "The buffer for a request's body."),
    Annotation::planned(
        "disable-proxy-intercept-errors",
        Scope::Path,
        Risk::Low,
        "The backend's own error answers are kept in spite of `custom-http-errors`. Boolean.",
    )
    .unless(FALSE),
    Annotation::planned(
        "custom-http-errors",
        Scope::Path,
        Risk::Low,
        "Statuses whose answers the default backend replaces, such as `404,503`.",
    ),
];

const fn buffer(key: &'static str, doc: &'static str) -> Annotation {
    Annotation { invalid: Invalid::FallsBack, ..Annotation::ignored(key, STREAMED, doc) }
}

fn on(value: Value<'_>) -> Result<bool, AnnotationError> {
    Ok(value.one_of(&["on", "off"], "\"on\" or \"off\"")? == "on")
}
