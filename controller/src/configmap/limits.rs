//! Limits on clients, and on the speed of responses.

use super::entry::Key;
use crate::snippet::is_late;
use gateway::config::Template;
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
            draft.config.gateway.limits.request_status = value.refusal_status()?;
            Ok(())
        },
    ),
    Key::full(
        "limit-conn-status-code",
        "503",
        "Sets the HTTP status of requests above the annotation `limit-connections`. From 400 to 599, such as 429.",
        |value, draft| {
            draft.config.gateway.limits.connection_status = value.refusal_status()?;
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
        "Sets how replicas of Adit count for the annotations `limit-rps`, `limit-rpm` and `limit-connections`, and for \
         `limit_req` and `limit_conn` of snippets: `each` or `share`. With `each`, as in ingress-nginx, every replica allows a \
         client the whole limit, so that a client who reaches three replicas may send three times as much. With `share`, every \
         replica allows its part: the limit divided by the number of ready endpoints of the Service of the flag \
         `--publish-service`, but at least one request in progress. Use `share` where clients reach all replicas alike. The \
         namespace of that Service has to be watched. Adit's own.",
        |value, draft| {
            draft.shares_limits = value.one_of(&["each", "share"], "\"each\" or \"share\"")? == "share";
            Ok(())
        },
    ),
];
