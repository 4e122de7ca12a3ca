//! Headers of requests and responses.

use super::builder::ConfigBuilder;
use super::entry::Key;
use crate::diagnostic::Severity;
use crate::object::Kind;
use crate::registry::{Value, ValueError, field_template, settable_field, settable_header};
use gateway::config::Template;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "server-tokens",
        "false",
        "Adds `Server: adit` to responses, and the name to error pages. Boolean. With false, responses have no \
         `Server` header.",
        |value, draft| {
            draft.config.gateway.server_tokens = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "generate-request-id",
        "true",
        "Gives a request without `X-Request-ID` a random one of 32 hexadecimal digits, for the backend and the log. \
         Boolean.",
        |value, draft| {
            draft.config.gateway.generate_request_id = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "add-headers",
        "",
        "Names a ConfigMap, as `namespace/name`, with headers that are set on every response. An existing header of \
         that name is replaced. Values may contain nginx variables; a header whose value is empty is removed. Headers that \
         frame messages or hold for one connection only, such as `Transfer-Encoding`, are refused. Empty: none.",
        add_headers,
    )
    .refers_to(Kind::ConfigMap),
    Key::full(
        "proxy-set-headers",
        "",
        "Names a ConfigMap, as `namespace/name`, with headers that are set on every request to a backend. An \
         existing header of that name is replaced. Values may contain nginx variables; a header whose value is empty \
         is removed. Headers that frame messages or hold for one connection only, such as `Transfer-Encoding`, are \
         refused. Empty: none.",
        set_headers,
    )
    .refers_to(Kind::ConfigMap),
    Key::full(
        "hide-headers",
        "",
        "Names headers that are removed from every response of a backend, separated by commas.",
        hide_headers,
    ),
    Key::full(
        "allow-backend-server-header",
        "false",
        "Passes the `Server` header of backends to clients, in place of Adit's, where `server-tokens` is true. Boolean. With \
         false, or without `server-tokens`, it is removed.",
        |value, draft| {
            draft.config.gateway.backend_server_header = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "global-allowed-response-headers",
        "",
        "Names the headers that the annotation `custom-headers` may set, separated by commas. Case does not count. \
         Headers that frame messages or hold for one connection only cannot be set. Empty: none.",
        |value, draft| {
            let names: Result<Vec<_>, _> = value.list().map(settable_header).collect();
            draft.config.routes.allowed_headers = names?.into();
            Ok(())
        },
    ),
];

fn add_headers(value: Value<'_>, draft: &mut ConfigBuilder) -> Result<(), ValueError> {
    draft.config.gateway.add_headers = templates(value, draft)?;
    Ok(())
}

fn set_headers(value: Value<'_>, draft: &mut ConfigBuilder) -> Result<(), ValueError> {
    draft.config.gateway.set_headers = templates(value, draft)?;
    Ok(())
}

/// Names of headers, and the values that they are set to.
type Templates = Arc<[(Arc<str>, Template)]>;

/// The headers of the ConfigMap that a value names, but those that cannot be set.
fn templates(value: Value<'_>, draft: &mut ConfigBuilder) -> Result<Templates, ValueError> {
    let mut headers = Vec::new();
    for (name, text) in named_map(value)? {
        let Some(header) = valid_header(&name, &text, draft) else { continue };
        match field_template(&name, &text) {
            Ok(template) => headers.push((header, template)),
            Err(error) => draft.complain(Severity::Error, format!("{error}; this header is not set")),
        }
    }
    Ok(headers.into())
}

fn hide_headers(value: Value<'_>, draft: &mut ConfigBuilder) -> Result<(), ValueError> {
    let names: Result<Vec<_>, _> = value.list().map(settable_header).collect();
    draft.config.gateway.hide_headers = names?.into();
    Ok(())
}

/// The data of the ConfigMap that a value names; empty for an empty value.
fn named_map(value: Value<'_>) -> Result<BTreeMap<String, String>, ValueError> {
    if value.text().is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(value.config_map()?.data.clone().unwrap_or_default())
}

/// The header's name in lower case, if name and value may be sent.
fn valid_header(name: &str, text: &str, draft: &mut ConfigBuilder) -> Option<Arc<str>> {
    let header = settable_field(name, text);
    header.map_err(|error| draft.complain(Severity::Error, format!("{error}; this header is not set"))).ok()
}
