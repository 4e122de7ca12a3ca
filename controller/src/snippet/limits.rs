//! Sizes, times and rates, which are settings of a route or of its backend, and the access log.

use super::entry::{
    Call, Entry, HTTP_SERVER, IN_AUTH, LOCATION, LOCATION_AUTH, OUTSIDE_IF, OUTSIDE_SERVER_IF, set_once,
};
use crate::registry::Value;
use std::num::NonZero;
use std::time::Duration;

const EVERY_LOCATION: &str =
    "every location has its own value, as in ingress-nginx: expected the annotation, or the key of the ConfigMap";
const GRPC: &str = "As the annotation `proxy-read-timeout` and its like, for backends of gRPC. In a server it holds for locations whose \
                    timeout is the default.";

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::works(
        "client_max_body_size",
        LOCATION,
        1..=1,
        "As the annotation `proxy-body-size`, in whose place it counts (nginx refuses it as a duplicate).",
        |call| {
            let bytes = size(call)?;
            set_once(&mut call.block.body_limit, Some(bytes).filter(|bytes| *bytes > 0))
        },
    )
    .but_idle_in(HTTP_SERVER, EVERY_LOCATION),
    Entry::works(
        "proxy_connect_timeout",
        LOCATION_AUTH,
        1..=1,
        "As the annotation `proxy-connect-timeout`, in whose place it counts (nginx refuses it as a duplicate). Without effect for \
         backends of gRPC. In an auth request that of the auth server, in place of the backend's.",
        |call| {
            let time = time(call)?;
            set_once(&mut call.block.proxy_timeouts.connect, time)
        },
    )
    .but_idle_in(HTTP_SERVER, EVERY_LOCATION),
    Entry::works("proxy_send_timeout", LOCATION_AUTH, 1..=1, "As `proxy_connect_timeout`, of `proxy-send-timeout`.", |call| {
        let time = time(call)?;
        set_once(&mut call.block.proxy_timeouts.send, time)
    })
    .but_idle_in(HTTP_SERVER, EVERY_LOCATION),
    Entry::works("proxy_read_timeout", LOCATION_AUTH, 1..=1, "As `proxy_connect_timeout`, of `proxy-read-timeout`.", |call| {
        let time = time(call)?;
        set_once(&mut call.block.proxy_timeouts.read, time)
    })
    .but_idle_in(HTTP_SERVER, EVERY_LOCATION),
    Entry::works("grpc_connect_timeout", OUTSIDE_IF, 1..=1, GRPC, |call| {
        let time = time(call)?;
        set_once(&mut call.block.grpc_timeouts.connect, time)
    }),
    Entry::works("grpc_send_timeout", OUTSIDE_IF, 1..=1, GRPC, |call| {
        let time = time(call)?;
        set_once(&mut call.block.grpc_timeouts.send, time)
    }),
    Entry::works("grpc_read_timeout", OUTSIDE_IF, 1..=1, GRPC, |call| {
        let time = time(call)?;
        set_once(&mut call.block.grpc_timeouts.read, time)
    }),
    Entry::works(
        "limit_rate",
        OUTSIDE_IF,
        1..=1,
        "Bytes of a response's body in a second, with `k` or `m`; 0 is no limit. In a server for locations without the annotation \
         `limit-rate`. Variables are refused, and so is it within an `if`.",
        |call| {
            let rate = NonZero::new(size(call)?);
            set_once(&mut call.block.rate, rate)
        },
    ),
    Entry::works("limit_rate_after", OUTSIDE_IF, 1..=1, "Bytes that are sent before `limit_rate` applies, likewise.", |call| {
        let bytes = size(call)?;
        set_once(&mut call.block.rate_after, bytes)
    }),
    Entry::works(
        "access_log",
        OUTSIDE_SERVER_IF,
        1..=usize::MAX,
        "Only `off`. Files and formats are refused: the ConfigMap's `log-format-upstream` sets the format, and all lines go to the \
         standard output.",
        |call| match call.arguments {
            [off] if off == "off" => set_once(&mut call.block.access_log, false),
            _ => Err("is refused: it names a file, which a snippet must not; expected \"off\"".into()),
        },
    )
    .but_idle_in(IN_AUTH, "auth requests are not logged"),
];

fn size(call: &Call<'_>) -> Result<u64, String> {
    Value::from(call.argument(0)).size().map_err(|error| error.to_string())
}

fn time(call: &Call<'_>) -> Result<Duration, String> {
    Value::from(call.argument(0)).positive_time().map_err(|error| error.to_string())
}
