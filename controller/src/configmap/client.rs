//! Connections of clients, and the limits on what comes in by them.

use super::entry::Key;
use super::error::KeyError;
use super::value::Value;

/// The largest buffer, and the most of them: a head of 64 MiB is no head.
const LARGEST: u64 = 1 << 20;
const MOST: usize = 64;

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "keep-alive",
        "75",
        "How long an idle connection is kept; 0 closes after each answer.",
        |value, draft| {
            draft.config.gateway.client.keep_alive = value.time()?;
            Ok(())
        },
    ),
    Key::full("keep-alive-requests", "1000", "Requests on one connection before it is closed.", |value, draft| {
        const EXPECTED: &str = "a whole number, at least 1";
        draft.config.gateway.client.keep_alive_requests = value.number(1..=u32::MAX, EXPECTED)?;
        Ok(())
    }),
    Key::full("client-header-timeout", "60", "Time for a whole request head.", |value, draft| {
        draft.config.gateway.client.header_timeout = value.positive_time()?;
        Ok(())
    }),
    Key::full("client-body-timeout", "60", "Time between two reads of a request body.", |value, draft| {
        draft.config.gateway.client.body_timeout = value.positive_time()?;
        Ok(())
    })
    .but("over HTTP/2 `proxy-read-timeout` ends a body that stalls"),
    Key::full("client-header-buffer-size", "1k", "Where reading a request head begins, up to 1m.", |value, draft| {
        draft.config.gateway.client.header_buffer = buffer(value.size()?)?;
        Ok(())
    }),
    Key::full(
        "large-client-header-buffers",
        "4 8k",
        "How many buffers more, up to 64, and their size, up to 1m: the longest header line (else 400) and request line \
         (else 414).",
        |value, draft| {
            const EXPECTED: KeyError = KeyError::Expected("a number up to 64 and a size up to 1m, such as \"4 8k\"");
            let (number, size) = value.text().split_once(' ').ok_or(EXPECTED)?;
            let number = number.parse().ok().filter(|number| (1..=MOST).contains(number)).ok_or(EXPECTED)?;
            let size = buffer(Value(size).size().map_err(|_| EXPECTED)?)?;
            draft.config.gateway.client.large_header_buffers = number;
            draft.config.gateway.client.large_header_size = size;
            Ok(())
        },
    ),
    Key::ignored("client-body-buffer-size", "8k", "bodies are streamed", "The buffer for a request's body."),
    Key::planned("enable-underscores-in-headers", "false", "Headers with `_` in their names pass. Boolean."),
    Key::planned("ignore-invalid-headers", "true", "Headers with invalid names are dropped. Boolean."),
    Key::full(
        "use-http2",
        "true",
        "HTTP/2 is offered over TLS, and taken by prior knowledge in cleartext. Boolean.",
        |value, draft| {
            draft.config.gateway.http2.enabled = value.bool()?;
            Ok(())
        },
    ),
    Key::full("http2-max-concurrent-streams", "128", "Requests at once on one HTTP/2 connection.", |value, draft| {
        const EXPECTED: &str = "a whole number, at least 1";
        draft.config.gateway.http2.streams = value.number(1..=u32::MAX, EXPECTED)?;
        Ok(())
    }),
    Key::ignored("http2-max-requests", "0", "`keep-alive-requests` counts", "Requests on one HTTP/2 connection."),
    Key::ignored("http2-max-field-size", "", "`large-client-header-buffers` counts", "The longest HTTP/2 header."),
    Key::ignored("http2-max-header-size", "", "`large-client-header-buffers` counts", "The largest HTTP/2 head."),
];

fn buffer(bytes: u64) -> Result<usize, KeyError> {
    const EXPECTED: KeyError = KeyError::Expected("a size from 1 byte to 1m");
    usize::try_from(bytes).ok().filter(|_| (1..=LARGEST).contains(&bytes)).ok_or(EXPECTED)
}
