//! Headers of requests.

use super::entry::{AUTH, Call, Entry, HTTP_SERVER, LOCATION, LOCATION_AUTH, OUTSIDE_SERVER_IF, set_once};
use super::field::{Field, clearable, field, settable, value};
use crate::registry::{Value, auth_server};
use gateway::config::{InputHeader, Template};
use std::sync::Arc;

const EVERY_LOCATION: &str = "every location sets headers of its own, as in ingress-nginx: expected configuration-snippet, or the \
                              ConfigMap's proxy-set-headers";

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::works(
        "proxy_set_header",
        LOCATION_AUTH,
        2..=2,
        "Sets a header of the request to the backend, or of the auth request, in place of Adit's own and the client's, where nginx \
         would send both; an empty value removes it. For backends of HTTP. `Connection` and `Upgrade` have no effect: Adit passes \
         upgrades on by itself.",
        |call| {
            let header = backend_header(call)?;
            call.block.proxy_headers.extend(header);
            Ok(())
        },
    )
    .but_idle_in(HTTP_SERVER, EVERY_LOCATION),
    Entry::works("grpc_set_header", LOCATION, 2..=2, "As `proxy_set_header`, for backends of gRPC.", |call| {
        let header = backend_header(call)?;
        call.block.grpc_headers.extend(header);
        Ok(())
    })
    .but_idle_in(HTTP_SERVER, EVERY_LOCATION),
    Entry::works(
        "proxy_method",
        AUTH,
        1..=1,
        "Sets the method of the auth request, as the annotation `auth-method`, in whose place it counts (nginx refuses it as a \
         duplicate). Variables are refused.",
        |call| {
            let method = auth_server::method(Value::from(call.argument(0))).map_err(|error| error.to_string())?;
            set_once(&mut call.block.method, method)
        },
    ),
    Entry::works(
        "more_set_input_headers",
        OUTSIDE_SERVER_IF,
        1..=usize::MAX,
        "Sets headers of the request as if the client had sent them; `-r` only where it has. `Host` and `-t` are refused.",
        set_input,
    ),
    Entry::works(
        "more_clear_input_headers",
        OUTSIDE_SERVER_IF,
        1..=usize::MAX,
        "Removes headers of the request as if the client had not sent them. A `*` at the end takes all names that begin so.",
        clear_input,
    ),
];

/// A header for the backend; `None` for one that Adit sets by itself.
fn backend_header(call: &mut Call<'_>) -> Result<Option<(Arc<str>, Template)>, String> {
    let (name, text) = (call.argument(0), call.argument(1));
    if name.eq_ignore_ascii_case("content-length") && text.is_empty() {
        call.warnings.push("has no effect: Adit frames requests by itself, and auth requests without a body".into());
        return Ok(None);
    }
    if is_of_upgrades(name, text) {
        call.warnings.push("has no effect: Adit sets Connection and Upgrade by itself, also for WebSockets".into());
        return Ok(None);
    }
    Ok(Some((settable(name)?, value(text, call.variables)?)))
}

/// The usual lines for WebSockets and for kept connections.
fn is_of_upgrades(name: &str, text: &str) -> bool {
    const VALUES: [&str; 7] =
        ["", "upgrade", "keep-alive", "close", "$connection_upgrade", "$http_upgrade", "$http_connection"];
    let is_usual = VALUES.iter().any(|value| value.eq_ignore_ascii_case(text));
    is_usual && ["connection", "upgrade"].iter().any(|header| header.eq_ignore_ascii_case(name))
}

fn set_input(call: &mut Call<'_>) -> Result<(), String> {
    let (fields, replaces_only) = input_options(call, true)?;
    for text in fields {
        let header = match field(text, call.variables)? {
            Field { name, .. } if name.eq_ignore_ascii_case("host") => return Err(OF_HOST.into()),
            Field { name, value: Some(value) } => InputHeader::Set { name, value, replaces_only },
            Field { name, value: None } => InputHeader::Clear(name),
        };
        call.block.input_headers.push(header);
    }
    Ok(())
}

const OF_HOST: &str =
    "changes Host, by which the request has been routed: expected proxy_set_header or the annotation upstream-vhost";

fn clear_input(call: &mut Call<'_>) -> Result<(), String> {
    for name in input_options(call, false)?.0 {
        let name = clearable(name)?;
        if name.eq_ignore_ascii_case("host") {
            return Err(OF_HOST.into());
        }
        call.block.input_headers.push(InputHeader::Clear(name));
    }
    Ok(())
}

/// The headers, and whether `-r` stands between them.
fn input_options<'a>(call: &Call<'a>, may_restrict: bool) -> Result<(Vec<&'a str>, bool), String> {
    let (mut headers, mut restricts) = (Vec::new(), false);
    for argument in call.arguments {
        match argument.as_str() {
            "-r" if may_restrict => restricts = true,
            option if option.starts_with('-') => {
                let expected = if may_restrict { "-r" } else { "none" };
                return Err(format!("has the option {option:?}, which is not supported: expected {expected}"));
            }
            header => headers.push(header),
        }
    }
    if headers.is_empty() {
        Err("names no header: expected one, such as \"X-User: a\"".into())
    } else {
        Ok((headers, restricts))
    }
}
