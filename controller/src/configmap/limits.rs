//! Limits on clients, and on the speed of responses.

use super::entry::Key;
use crate::registry::{Value, ValueError};
use gateway::config::{Piece, Template, Variable};
use std::num::NonZero;

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "limit-rate",
        "0",
        "Limits the speed of the body of each response, where no annotation of that name does; the backend is read no \
         faster. It does not apply to upgraded connections. Kilobytes per second, a whole number; 0 is no limit.",
        |value, draft| {
            draft.policies().response_rate.bytes_per_second = NonZero::new(value.kilobytes()?);
            Ok(())
        },
    ),
    Key::full(
        "limit-rate-after",
        "0",
        "Sets how much of the body of a response is sent before `limit-rate` applies, where no annotation of that name \
         does. Kilobytes, a whole number.",
        |value, draft| {
            draft.policies().response_rate.after = value.kilobytes()?;
            Ok(())
        },
    ),
    Key::full(
        "limit-req-status-code",
        "503",
        "Sets the HTTP status of requests above the annotations `limit-rps` and `limit-rpm`. From 400 to 599, such as 429.",
        |value, draft| {
            draft.config.gateway.limits.request_status = status(value)?;
            Ok(())
        },
    ),
    Key::full(
        "limit-conn-status-code",
        "503",
        "Sets the HTTP status of requests above the annotation `limit-connections`. From 400 to 599, such as 429.",
        |value, draft| {
            draft.config.gateway.limits.connection_status = status(value)?;
            Ok(())
        },
    ),
    Key::full(
        "limit-conn-zone-variable",
        "$binary_remote_addr",
        "Sets what tells clients apart for the annotations `limit-rps`, `limit-rpm` and `limit-connections`: text with \
         nginx variables, such as `$binary_remote_addr` or `$http_x_api_key`. A request for which it is empty has no \
         limits. Only variables that are known when a request arrives can be used.",
        |value, draft| {
            let key = value.text();
            let template = Template::parse(key)?;
            if template.0.iter().any(is_late) {
                return Err("contains a variable that is not known when a request arrives, such as $status".into());
            }
            let is_address = matches!(key, "" | "$binary_remote_addr" | "${binary_remote_addr}");
            if !is_address && template.literal().is_some() {
                return Err("contains no variable: expected one, such as $binary_remote_addr".into());
            }
            draft.config.gateway.limits.key = (!is_address).then_some(template);
            Ok(())
        },
    ),
    Key::full(
        "limit-replicas",
        "each",
        "Sets whose the annotations `limit-rps`, `limit-rpm` and `limit-connections` are: with `each`, every replica of Adit \
         counts up to the whole limit, as in ingress-nginx; with `share`, up to its part, as many as the Service of \
         `--publish-service` has ready endpoints. That fits where clients reach all replicas alike. At least one request may \
         be in progress. The namespace of the Service must be watched. Adit's own.",
        |value, draft| {
            draft.shares_limits = value.one_of(&["each", "share"], "\"each\" or \"share\"")? == "share";
            Ok(())
        },
    ),
];

/// A status for requests that are refused. nginx closes the connection for 444, which is no status of HTTP.
fn status(value: Value<'_>) -> Result<u16, ValueError> {
    const EXPECTED: &str = "an HTTP status from 400 to 599, but not 444, such as \"429\"";
    value.number(400..=599, EXPECTED).and_then(|status| match status {
        444 => Err(ValueError::Expected(EXPECTED)),
        status => Ok(status),
    })
}

/// Whether this has no value yet when a request is counted.
fn is_late(piece: &Piece) -> bool {
    use Variable as V;
    let Piece::Variable(variable) = piece else { return false };
    match variable {
        // Of the end of a request.
        V::BodyBytesSent | V::BytesSent | V::RequestLength | V::RequestTime | V::Status => true,
        V::BrotliRatio | V::GzipRatio | V::ZstdRatio => true,
        V::UpstreamAddr | V::UpstreamConnectTime | V::UpstreamHeaderTime => true,
        V::UpstreamResponseLength | V::UpstreamResponseTime | V::UpstreamStatus => true,
        // Other for each request.
        V::Msec | V::RequestId | V::RequestIdNginx | V::TimeIso8601 | V::TimeLocal => true,
        // Of TCP and UDP services.
        V::BytesReceived | V::Protocol | V::SessionTime | V::SslPrereadServerName => true,
        V::UpstreamBytesReceived | V::UpstreamBytesSent => true,
        _ => false,
    }
}
