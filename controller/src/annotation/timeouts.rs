//! How long to wait for a backend, and when to try another.

use super::entry::{Annotation, Invalid, Scope};
use crate::registry::{Value, ValueError};
use crate::route_defaults::Risk;
use std::time::Duration;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "proxy-connect-timeout",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets how long connecting to an endpoint may take. Whole seconds from 1 to 2147483647, without a unit. \
         Default: the ConfigMap's `proxy-connect-timeout` (5). Then another endpoint is tried, three in all; if none \
         is left, the request is answered with 504.",
        |value, draft| {
            draft.backend.timeouts.connect = seconds(value)?;
            Ok(())
        },
    ),
    Annotation::full(
        "proxy-send-timeout",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets how long the backend may take no bytes of the request: the time between two writes. Whole seconds from \
         1 to 2147483647, without a unit. Default: the ConfigMap's `proxy-send-timeout` (60). Then the request is \
         answered with 504.",
        |value, draft| {
            draft.backend.timeouts.send = seconds(value)?;
            Ok(())
        },
    ),
    Annotation::full(
        "proxy-read-timeout",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets how long the backend may send no bytes: the time between two reads. Whole seconds from 1 to \
         2147483647, without a unit. Default: the ConfigMap's `proxy-read-timeout` (60). Then the request is \
         answered with 504, or a response that has begun is cut off. It also ends WebSockets and gRPC streams on \
         which nothing moves.",
        |value, draft| {
            draft.backend.timeouts.read = seconds(value)?;
            Ok(())
        },
    ),
    Annotation::planned(
        "proxy-next-upstream",
        Scope::Path,
        Risk::Medium,
        "Sets after which failures another endpoint is tried: words such as `error`, `timeout` and `http_502`, \
         separated by spaces. Default: the ConfigMap's `proxy-next-upstream` (`error timeout`). Adit tries another \
         endpoint when connecting fails. It sends an idempotent request again when a kept connection closes before \
         the response begins.",
    )
    .unless(&["errortimeout"]),
    Annotation::planned(
        "proxy-next-upstream-timeout",
        Scope::Path,
        Risk::Low,
        "Limits the time in which other endpoints are tried. Whole seconds; 0 is no limit. Default: the ConfigMap's \
         `proxy-next-upstream-timeout` (0).",
    )
    .unless(&["0"]),
    Annotation::planned(
        "proxy-next-upstream-tries",
        Scope::Path,
        Risk::Low,
        "Limits how many endpoints are tried, the first included. Whole number; 0 is no limit. Default: the \
         ConfigMap's `proxy-next-upstream-tries` (3).",
    )
    .unless(&["3"]),
];

/// At most some 68 years, which every clock can add.
fn seconds(value: Value<'_>) -> Result<Duration, ValueError> {
    value.number(1..=0x7fff_ffff, "a whole number of seconds, at least 1, without a unit").map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_no_unit() {
        assert_eq!(seconds(Value::from("30")), Ok(Duration::from_secs(30)));
        for text in ["30s", "0", "-1", "1.5", "99999999999"] {
            assert!(seconds(Value::from(text)).is_err(), "{text}");
        }
    }
}
