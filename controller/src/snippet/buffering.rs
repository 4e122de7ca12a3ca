//! How bodies are held back.

use super::context::Context;
use super::entry::{Apply, Call, Entry, HTTP, LOCATION, OUTSIDE_IF, set_once};
use crate::registry::{BUSY_BUFFERS, Value, ValueError};
use std::ops::RangeInclusive;

const EVERY_LOCATION: &str = "every location has its own value, as in ingress-nginx, and no bodies of auth requests are held back: \
                              expected the annotation, or the key of the ConfigMap";
const OUTSIDE_LOCATION: &[Context] = &[Context::Http, Context::Server, Context::Auth];
/// Those that nginx knows. Only one of them changes what Adit does.
const IGNORED_HEADERS: [&str; 9] = [
    "x-accel-redirect",
    "x-accel-expires",
    "x-accel-limit-rate",
    BUFFERING,
    "x-accel-charset",
    "expires",
    "cache-control",
    "set-cookie",
    "vary",
];
const BUFFERING: &str = "x-accel-buffering";

pub(super) const DIRECTIVES: &[Entry] = &[
    of_location(
        "proxy_request_buffering",
        1..=1,
        "As the annotation `proxy-request-buffering`, in whose place it counts (nginx refuses it as a duplicate).",
        |call| {
            let is_on = call.switch()?;
            set_once(&mut call.block.buffering.request, is_on)
        },
    ),
    of_location(
        "client_body_buffer_size",
        1..=1,
        "As the annotation `client-body-buffer-size`, in whose place it counts (nginx refuses it as a duplicate).",
        |call| {
            let bytes = argument(call, 0, Value::size)?;
            set_once(&mut call.block.buffering.request_memory, bytes)
        },
    ),
    of_location(
        "proxy_buffering",
        1..=1,
        "As the annotation `proxy-buffering`, in whose place it counts (nginx refuses it as a duplicate).",
        |call| {
            let is_on = call.switch()?;
            set_once(&mut call.block.buffering.response, is_on)
        },
    ),
    of_location(
        "proxy_buffer_size",
        1..=1,
        "As the annotation `proxy-buffer-size` for the largest head of a response, in whose place it counts (nginx refuses it as a \
         duplicate).",
        |call| {
            let bytes = argument(call, 0, Value::size)?;
            set_once(&mut call.block.buffering.head, bytes)
        },
    ),
    of_location(
        "proxy_buffers",
        2..=2,
        "The number and the size of the buffers for a response: in place of the annotations `proxy-buffers-number` and \
         `proxy-buffer-size` (nginx refuses it as a duplicate).",
        |call| {
            let (number, size) = (argument(call, 0, Value::buffers)?, argument(call, 1, Value::buffer_size)?);
            set_once(&mut call.block.buffering.buffers, (number, size))
        },
    ),
    of_location(
        "proxy_max_temp_file_size",
        1..=1,
        "As the annotation `proxy-max-temp-file-size`, in whose place it counts (nginx refuses it as a duplicate).",
        |call| {
            let bytes = argument(call, 0, Value::size)?;
            set_once(&mut call.block.buffering.file, bytes)
        },
    ),
    Entry::works(
        "proxy_ignore_headers",
        OUTSIDE_IF,
        1..=usize::MAX,
        "`X-Accel-Buffering` of a response does not count. Other headers of backends change nothing of what Adit does, so that they \
         have no effect here.",
        ignore_headers,
    )
    .but_idle_in(&[Context::Http, Context::Auth], "it holds for locations: expected it in a server or a location"),
    Entry::idle("proxy_busy_buffers_size", HTTP, BUSY_BUFFERS),
    Entry::idle("proxy_temp_file_write_size", HTTP, "Adit chooses how much it writes to a file at a time"),
    Entry::idle("grpc_buffer_size", HTTP, "responses of gRPC are streamed, and Adit chooses the sizes of its buffers"),
];

/// A directive that counts in a location only.
const fn of_location(name: &'static str, arguments: RangeInclusive<usize>, doc: &'static str, apply: Apply) -> Entry {
    Entry::works(name, LOCATION, arguments, doc, apply).but_idle_in(OUTSIDE_LOCATION, EVERY_LOCATION)
}

fn argument<'a, T>(
    call: &Call<'a>,
    number: usize,
    read: impl Fn(Value<'a>) -> Result<T, ValueError>,
) -> Result<T, String> {
    read(Value::from(call.argument(number))).map_err(|error| error.to_string())
}

fn ignore_headers(call: &mut Call<'_>) -> Result<(), String> {
    for name in call.arguments {
        match IGNORED_HEADERS.iter().find(|known| name.eq_ignore_ascii_case(known)) {
            Some(&BUFFERING) => call.block.buffering.ignores_header = Some(true),
            Some(_) => {
                call.block.buffering.ignores_header.get_or_insert(false);
                call.warnings
                    .push(format!("has no effect on {name}: no such header of a backend changes what Adit does"));
            }
            None => return Err(format!("has {name:?}, which nginx does not know there: expected X-Accel-Buffering")),
        }
    }
    Ok(())
}
