//! How long to wait for a backend, and when to try another.

use super::entry::{Annotation, Invalid, Scope};
use crate::registry::{Value, ValueError, retry_conditions};
use crate::route_defaults::Risk;
use std::num::NonZero;
use std::time::Duration;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "proxy-connect-timeout",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets how long connecting to an endpoint may take. Whole seconds from 1 to 2147483647, without a unit. \
         Default: the ConfigMap's `proxy-connect-timeout` (5). Then another endpoint is tried, if `proxy-next-upstream` \
         allows it, or the request is answered with 504.",
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
         1 to 2147483647, without a unit. Default: the ConfigMap's `proxy-send-timeout` (60). Then another \
         endpoint is tried, if `proxy-next-upstream` allows it, or the request is answered with 504.",
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
         2147483647, without a unit. Default: the ConfigMap's `proxy-read-timeout` (60). Then another \
         endpoint is tried, if `proxy-next-upstream` allows it, or the request is answered with 504, or a response that has \
         begun is cut off. It also ends WebSockets and gRPC streams on \
         which nothing moves.",
        |value, draft| {
            draft.backend.timeouts.read = seconds(value)?;
            Ok(())
        },
    ),
    Annotation::full(
        "proxy-next-upstream",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets after which failures another endpoint is tried: words separated by spaces. `error`: no connection, or one that \
         breaks before the head of a response. `timeout`: one of the timeouts has passed before it. `invalid_header`: the \
         response violates HTTP. `http_500`, `http_502`, `http_503`, `http_504`, `http_403`, `http_404`, `http_429`: a \
         response with this status, which the client gets if no other endpoint may be tried. `non_idempotent`: POST, LOCK and \
         PATCH are sent again, too; without it they go to another endpoint only if the first could not be connected. `off`: \
         none of them. Default: the ConfigMap's `proxy-next-upstream` (`error timeout`). Once the client has got a byte of a \
         response, nothing is tried again.",
        |value, draft| {
            draft.backend.retries.on = retry_conditions(value.text())?;
            Ok(())
        },
    )
    .but(
        "Each endpoint is tried once at most, also where the backend has fewer than `proxy-next-upstream-tries`. A body is \
         sent again only while no more than 64 KiB of it have been passed on, unless `proxy-request-buffering` is on. A \
         kept connection that closes before a byte of the response is replaced by a new one whatever the words are, unless the \
         method is POST, LOCK or PATCH.",
    ),
    Annotation::full(
        "proxy-next-upstream-timeout",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Limits the time in which other endpoints are tried: none is after so many seconds from the first attempt's beginning. \
         An attempt that has begun goes on. Whole seconds from 0 to 2147483647, without a unit; 0 is no limit. Default: the \
         ConfigMap's `proxy-next-upstream-timeout` (0).",
        |value, draft| {
            let seconds = value.number(0..=LONGEST, "a whole number of seconds without a unit; 0 is no limit")?;
            draft.backend.retries.timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
            Ok(())
        },
    ),
    Annotation::full(
        "proxy-next-upstream-tries",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Limits how many endpoints are tried, the first included. Whole number from 0 to 4294967295; 0 is no limit, so that \
         each is tried once. Default: the ConfigMap's `proxy-next-upstream-tries` (3).",
        |value, draft| {
            draft.backend.retries.tries = NonZero::new(value.number(0..=u32::MAX, "a whole number; 0 is no limit")?);
            Ok(())
        },
    ),
];

/// At most some 68 years, which every clock can add.
const LONGEST: u64 = 0x7fff_ffff;

fn seconds(value: Value<'_>) -> Result<Duration, ValueError> {
    value.number(1..=LONGEST, "a whole number of seconds, at least 1, without a unit").map(Duration::from_secs)
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
