//! Connections of clients, and the limits on requests.

use super::entry::Key;
use crate::registry::{Value, ValueError};

/// The largest buffer in bytes, and the most of them: larger heads would only cost memory.
const LARGEST: u64 = 1 << 20;
const MOST: usize = 64;

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "keep-alive",
        "75",
        "Sets how long an idle client connection stays open. Time; 0 closes the connection after each response.",
        |value, draft| {
            draft.config.gateway.client.keep_alive = value.time()?;
            Ok(())
        },
    ),
    Key::full(
        "keep-alive-requests",
        "1000",
        "Limits the requests on one client connection. Whole number from 1. The last response closes an HTTP/1.1 \
         connection; an HTTP/2 client gets GOAWAY and opens a new connection.",
        |value, draft| {
            const EXPECTED: &str = "a whole number from 1";
            draft.config.gateway.client.keep_alive_requests = value.number(1..=u32::MAX, EXPECTED)?;
            Ok(())
        },
    ),
    Key::full(
        "client-header-timeout",
        "60",
        "Sets how long a client may take to send a request head. Time above 0. Then the client gets 408, and the \
         connection is closed. A connection that has sent nothing is closed without a response.",
        |value, draft| {
            draft.config.gateway.client.header_timeout = value.positive_time()?;
            Ok(())
        },
    ),
    Key::full(
        "client-body-timeout",
        "60",
        "Sets how long a client may send no bytes of a request body: the time between two reads. Time above 0. Then \
         the client gets 408, and the connection is closed.",
        |value, draft| {
            draft.config.gateway.client.body_timeout = value.positive_time()?;
            Ok(())
        },
    )
    .but("To a backend of HTTP/2, `proxy-read-timeout` ends a body that stalls."),
    Key::full(
        "client-header-buffer-size",
        "1k",
        "Sets the size of the first buffer for a request head. Size from 1 byte to 1m. It adds to the size that a \
         whole request head may have, see `large-client-header-buffers`.",
        |value, draft| {
            draft.config.gateway.client.header_buffer = buffer(value.size()?)?;
            Ok(())
        },
    ),
    Key::full(
        "large-client-header-buffers",
        "4 8k",
        "Sets the number (1 to 64) and the size (1 byte to 1m) of the further buffers for a request head. The size \
         limits the request line (longer: 414) and each header line (longer: 400). A whole head may have \
         `client-header-buffer-size` and all these buffers together (larger: 400).",
        |value, draft| {
            const EXPECTED: ValueError =
                ValueError::Expected("a number up to 64 and a size up to 1m, such as \"4 8k\"");
            let (number, size) = value.text().split_once(' ').ok_or(EXPECTED)?;
            let number = number.parse().ok().filter(|number| (1..=MOST).contains(number)).ok_or(EXPECTED)?;
            let size = buffer(Value::from(size).size().map_err(|_| EXPECTED)?)?;
            draft.config.gateway.client.large_header_buffers = number;
            draft.config.gateway.client.large_header_size = size;
            Ok(())
        },
    ),
    Key::full(
        "max-headers",
        "128",
        "Limits the headers of a request. Whole number from 1 to 256. More get 400. Each piece into which HTTP/2 splits \
         a cookie counts. Adit's own.",
        |value, draft| {
            const EXPECTED: &str = "a whole number from 1 to 256";
            draft.config.gateway.client.headers = value.number(1..=256, EXPECTED)? as usize;
            Ok(())
        },
    ),
    Key::full(
        "send-timeout",
        "60",
        "Sets how long a client may take to receive one piece of a response. Time above 0. A piece has up to 16 KiB, so that by \
         default a client has to receive 273 bytes each second. After that time its connection is closed, or over HTTP/2 the \
         stream is reset. Adit's own.",
        |value, draft| {
            draft.config.gateway.client.send_timeout = value.positive_time()?;
            Ok(())
        },
    ),
    Key::full(
        "client-body-buffer-size",
        "8k",
        "Sets how much of a request body that is held back (`proxy-request-buffering`) stays in memory; a larger body goes to \
         a temporary file. Size. The annotation of this name overrides it.",
        |value, draft| {
            draft.policies().request_buffering.memory = value.size()?;
            Ok(())
        },
    ),
    Key::full(
        "enable-underscores-in-headers",
        "false",
        "Sets whether request headers with `_` in their names are valid. Boolean. With false `ignore-invalid-headers` says what \
         happens to them.",
        |value, draft| {
            draft.config.gateway.client.underscores_in_headers = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "ignore-invalid-headers",
        "true",
        "Drops request headers whose names have other bytes than letters, digits and `-`. Boolean. With false they are passed \
         on, and a request is refused (400) where HTTP does not allow such a name at all. A name with a space or a control byte \
         is refused in any case.",
        |value, draft| {
            draft.config.gateway.client.ignore_invalid_headers = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "use-http2",
        "true",
        "Offers HTTP/2 to clients: over TLS by ALPN, and in cleartext by prior knowledge. Boolean. With false only \
         HTTP/1 is offered.",
        |value, draft| {
            draft.config.gateway.http2.enabled = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "http2-max-concurrent-streams",
        "128",
        "Limits the requests that one HTTP/2 connection may have in progress. Whole number from 1. Further requests \
         are refused (REFUSED_STREAM).",
        |value, draft| {
            const EXPECTED: &str = "a whole number from 1";
            draft.config.gateway.http2.streams = value.number(1..=u32::MAX, EXPECTED)?;
            Ok(())
        },
    ),
    Key::ignored(
        "http2-max-requests",
        "0",
        "`keep-alive-requests` applies",
        "Limits the requests on one HTTP/2 connection. Whole number.",
    ),
    Key::ignored(
        "http2-max-field-size",
        "",
        "`large-client-header-buffers` applies",
        "Limits the size of one header of an HTTP/2 request. Size.",
    ),
    Key::ignored(
        "http2-max-header-size",
        "",
        "`large-client-header-buffers` applies",
        "Limits the size of the head of an HTTP/2 request. Size.",
    ),
];

fn buffer(bytes: u64) -> Result<usize, ValueError> {
    const EXPECTED: ValueError = ValueError::Expected("a size from 1 byte to 1m");
    usize::try_from(bytes).ok().filter(|_| (1..=LARGEST).contains(&bytes)).ok_or(EXPECTED)
}
