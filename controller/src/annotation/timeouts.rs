//! How long to wait for a backend, and when to try another.

use super::entry::{Annotation, Invalid, Scope, Support};
use super::error::AnnotationError;
use super::value::Value;
use crate::route_defaults::Risk;
use std::time::Duration;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation {
        apply: |value, draft| {
            draft.backend.timeouts.connect = seconds(value)?;
            Ok(())
        },
        ..timeout("proxy-connect-timeout", "Time to connect to the backend, in whole seconds. Default 5.")
    },
    Annotation {
        apply: |value, draft| {
            draft.backend.timeouts.send = seconds(value)?;
            Ok(())
        },
        ..timeout("proxy-send-timeout", "Time between two writes to the backend, in whole seconds. Default 60.")
    },
    Annotation {
        apply: |value, draft| {
            draft.backend.timeouts.read = seconds(value)?;
            Ok(())
        },
        ..timeout("proxy-read-timeout", "Time between two reads from the backend, in whole seconds. Default 60.")
    },
    Annotation::planned(
        "proxy-next-upstream",
        Scope::Path,
        Risk::Medium,
        "When a request goes to another endpoint, as words such as `error`, `timeout` and `http_502`. Here it does after a \
         failed connect, or when a kept connection closes before an answer.",
    )
    .unless(&["errortimeout"]),
    Annotation::planned(
        "proxy-next-upstream-timeout",
        Scope::Path,
        Risk::Low,
        "Time within which other endpoints are tried, in whole seconds. 0 is no limit.",
    )
    .unless(&["0"]),
    Annotation::planned(
        "proxy-next-upstream-tries",
        Scope::Path,
        Risk::Low,
        "How many endpoints are tried, the first included.",
    )
    .unless(&["3"]),
];

/// An entry without its `apply`, which const evaluation wants to be complete.
const fn timeout(key: &'static str, doc: &'static str) -> Annotation {
    Annotation {
        support: Support::Full,
        invalid: Invalid::FallsBack,
        ..Annotation::planned(key, Scope::Path, Risk::Low, doc)
    }
}

/// At most some 68 years, which every clock can add.
fn seconds(value: Value<'_>) -> Result<Duration, AnnotationError> {
    const EXPECTED: AnnotationError =
        AnnotationError::Expected("a whole number of seconds, at least 1, without a unit");
    match value.int() {
        Ok(seconds @ 1..=0x7fff_ffff) => Ok(Duration::from_secs(seconds.unsigned_abs())),
        _ => Err(EXPECTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_no_unit() {
        assert_eq!(seconds(Value("30")), Ok(Duration::from_secs(30)));
        for text in ["30s", "0", "-1", "1.5", "99999999999"] {
            assert!(seconds(Value(text)).is_err(), "{text}");
        }
    }
}
