//! Headers of responses.

use super::entry::{Call, Entry, HTTP, IN_AUTH, OUTSIDE_IF, OUTSIDE_SERVER_IF, set_once};
use super::field::{Field, field, media_types, removable, settable, statuses, value};
use crate::registry::Value;
use gateway::config::{Expires, ResponseFilter, ResponseHeader};
use http::HeaderValue;

const ALONE: &str = "has no effect on a header that frames messages or holds for one connection: Adit alone sets it";
const UNSEEN: &str = "the client does not get the response of an auth server";

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::works(
        "add_header",
        OUTSIDE_SERVER_IF,
        2..=3,
        "Adds a header to responses with 200, 201, 204, 206, 301, 302, 303, 304, 307 and 308, or with `always` to all. As in nginx, a \
         block with one of its own inherits none.",
        |call| {
            let always = match call.arguments.get(2).map(String::as_str) {
                None => false,
                Some("always") => true,
                Some(_) => return Err("is not valid: expected \"always\" or nothing after the value".into()),
            };
            let name = settable(call.argument(0))?;
            let value = value(call.argument(1), call.variables)?;
            call.block.added_headers.push(ResponseHeader::Add { name, value, always });
            Ok(())
        },
    )
    .but_idle_in(IN_AUTH, UNSEEN),
    Entry::works(
        "more_set_headers",
        OUTSIDE_SERVER_IF,
        1..=usize::MAX,
        "Sets headers of responses, whatever their status: `-s` only for these statuses, `-t` only for these media types, `-a` beside \
         those that are there. A block adds to what it inherits.",
        set,
    )
    .but_idle_in(IN_AUTH, UNSEEN),
    Entry::works(
        "more_clear_headers",
        OUTSIDE_SERVER_IF,
        1..=usize::MAX,
        "Removes headers of responses, with `-s` and `-t` likewise. A `*` at the end takes all names that begin so, but for headers \
         that frame the message.",
        clear,
    )
    .but_idle_in(IN_AUTH, UNSEEN),
    Entry::works(
        "proxy_hide_header",
        OUTSIDE_IF,
        1..=1,
        "Removes a header from the backend's response. The ConfigMap's `hide-headers` goes on to hold, which in nginx it does not.",
        |call| {
            match removable(call.argument(0))? {
                Some(name) => call.block.hidden_headers.push(name),
                None => call.warnings.push(ALONE.into()),
            }
            Ok(())
        },
    )
    .but_idle_in(IN_AUTH, UNSEEN),
    Entry::works(
        "expires",
        OUTSIDE_SERVER_IF,
        1..=2,
        "Sets `Expires` and `Cache-Control`: a time, `epoch`, `max` or `off`. `modified`, times of day and variables are refused.",
        expires,
    )
    .but_idle_in(IN_AUTH, UNSEEN),
    Entry::works(
        "default_type",
        OUTSIDE_SERVER_IF,
        1..=1,
        "Sets the `Content-Type` of a text that `return` gives, unless the path's extension says another one. Default `text/html`.",
        |call| {
            let text = call.argument(0);
            if text.contains('$') || HeaderValue::from_str(text).is_err() {
                return Err("is not valid: expected a media type, such as \"text/plain\"".into());
            }
            set_once(&mut call.block.default_type, text.into())
        },
    )
    .but_idle_in(IN_AUTH, UNSEEN),
    Entry::idle(
        "proxy_pass_header",
        HTTP,
        "the ConfigMap's server-tokens and hide-headers decide which headers of a backend are hidden, and X-Accel-* always are",
    ),
];

fn set(call: &mut Call<'_>) -> Result<(), String> {
    let (fields, only, appends) = options(call, true)?;
    for text in fields {
        let header = match field(text, call.variables)? {
            Field { name, value: Some(value) } => ResponseHeader::Set { name, value, only: only.clone(), appends },
            Field { name, value: None } => ResponseHeader::Clear { name, only: only.clone() },
        };
        call.block.changed_headers.push(header);
    }
    Ok(())
}

fn clear(call: &mut Call<'_>) -> Result<(), String> {
    let (names, only, _) = options(call, false)?;
    for name in names {
        match removable(name)? {
            Some(name) => call.block.changed_headers.push(ResponseHeader::Clear { name, only: only.clone() }),
            None => call.warnings.push(ALONE.into()),
        }
    }
    Ok(())
}

/// What options of headers-more say, and the headers that stand between them.
fn options<'a>(call: &Call<'a>, may_append: bool) -> Result<(Vec<&'a str>, ResponseFilter, bool), String> {
    let (mut headers, mut found_statuses, mut found_types, mut appends) = (Vec::new(), Vec::new(), Vec::new(), false);
    let mut arguments = call.arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-s" => found_statuses.extend(statuses(arguments.next())?),
            "-t" => found_types.extend(media_types(arguments.next())?),
            "-a" if may_append => appends = true,
            option if option.starts_with('-') => {
                let options = if may_append { "-s, -t and -a" } else { "-s and -t" };
                return Err(format!("has the option {option:?}: expected {options}"));
            }
            header => headers.push(header),
        }
    }
    if headers.is_empty() {
        return Err("names no header: expected one, such as \"X-Frame-Options: DENY\"".into());
    }
    Ok((headers, ResponseFilter { statuses: found_statuses.into(), media_types: found_types.into() }, appends))
}

fn expires(call: &mut Call<'_>) -> Result<(), String> {
    const EXPECTED: &str =
        "is not supported: expected a time such as \"30d\" or \"-1\", or \"epoch\", \"max\" or \"off\"";
    let [text] = call.arguments else { return Err(EXPECTED.into()) };
    let expires = match text.as_str() {
        "off" => None,
        "epoch" => Some(Expires::Epoch),
        "max" => Some(Expires::Max),
        text => {
            let (time, sign) = text.strip_prefix('-').map_or((text, 1), |time| (time, -1));
            let time = Value::from(time).time().map_err(|_| EXPECTED)?;
            Some(Expires::In(sign * i64::try_from(time.as_secs()).map_err(|_| EXPECTED)?))
        }
    };
    set_once(&mut call.block.expires, expires)
}
