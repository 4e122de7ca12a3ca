//! TCP and UDP services.

use super::entry::Key;

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "proxy-stream-timeout",
        "600s",
        "Sets how long a session of a TCP or UDP service may carry no bytes. Time above 0. Then it is ended.",
        |value, draft| {
            draft.config.gateway.streams.timeout = value.positive_time()?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-stream-next-upstream",
        "true",
        "Tries another endpoint if one cannot be reached. Boolean. With false the session is ended.",
        |value, draft| {
            draft.config.gateway.streams.next_upstream = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-stream-next-upstream-timeout",
        "600s",
        "Limits the time in which other endpoints are tried for one session. Time; 0 is no limit.",
        |value, draft| {
            draft.config.gateway.streams.next_upstream_timeout = value.time()?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-stream-next-upstream-tries",
        "3",
        "Limits how many endpoints are tried for one session, the first included. Whole number; 0 is no limit.",
        |value, draft| {
            draft.config.gateway.streams.next_upstream_tries = value.number(0..=u32::MAX, "a whole number")?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-stream-responses",
        "1",
        "Sets how many datagrams a UDP service sends back for each datagram of a client. Whole number. The session \
         ends when all of them have come; with 0, as soon as the client's datagrams are delivered.",
        |value, draft| {
            draft.config.gateway.streams.responses = value.number(0..=u32::MAX, "a whole number")?;
            Ok(())
        },
    ),
];
