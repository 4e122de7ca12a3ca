//! TCP and UDP services.

use super::entry::Key;

pub(super) const KEYS: &[Key] = &[
    Key::full("proxy-stream-timeout", "600s", "How long nothing may move before a session ends.", |value, draft| {
        draft.config.gateway.streams.timeout = value.positive_time()?;
        Ok(())
    }),
    Key::full(
        "proxy-stream-next-upstream",
        "true",
        "Another endpoint is tried when one cannot be reached. Boolean.",
        |value, draft| {
            draft.config.gateway.streams.next_upstream = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-stream-next-upstream-timeout",
        "600s",
        "Time after which no other endpoint is tried; 0 is never.",
        |value, draft| {
            draft.config.gateway.streams.next_upstream_timeout = value.time()?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-stream-next-upstream-tries",
        "3",
        "How many endpoints are tried for a session; 0 is all.",
        |value, draft| {
            draft.config.gateway.streams.next_upstream_tries = value.number(0..=u32::MAX, "a whole number")?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-stream-responses",
        "1",
        "Datagrams with which a UDP service answers each one of a client. A session ends when all have come: with 0, as \
         soon as the client's are delivered.",
        |value, draft| {
            draft.config.gateway.streams.responses = value.number(0..=u32::MAX, "a whole number")?;
            Ok(())
        },
    ),
];
