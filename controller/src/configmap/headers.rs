//! Headers of requests and answers.

use super::builder::ConfigBuilder;
use super::entry::Key;
use super::error::KeyError;
use super::value::Value;
use crate::diagnostic::Severity;
use gateway::config::{Piece, Template};
use http::{HeaderName, HeaderValue};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const KEYS: &[Key] = &[
    Key::full("server-tokens", "false", "Answers have `Server: adit`. Boolean.", |value, draft| {
        draft.config.gateway.server_tokens = value.bool()?;
        Ok(())
    }),
    Key::full("generate-request-id", "true", "Requests without `X-Request-ID` get one. Boolean.", |value, draft| {
        draft.config.gateway.generate_request_id = value.bool()?;
        Ok(())
    }),
    Key::full("add-headers", "", "A ConfigMap, as `namespace/name`, of headers for every answer.", add_headers)
        .but("Values are sent as they stand: no variables."),
    Key::full(
        "proxy-set-headers",
        "",
        "A ConfigMap, as `namespace/name`, of headers for every request to a backend. Values may hold nginx variables.",
        set_headers,
    ),
    Key::full("hide-headers", "", "Headers removed from every backend's answers, separated by commas.", hide_headers),
    Key::planned("allow-backend-server-header", "false", "The backend's `Server` header passes. Boolean."),
    Key::planned("global-allowed-response-headers", "", "What the annotation `custom-headers` may set."),
];

/// A header's name, in lower case.
pub(super) fn header_name(text: &str) -> Result<Arc<str>, KeyError> {
    let name = HeaderName::try_from(text).map_err(|_| KeyError::Expected("a header's name, such as \"X-Real-IP\""))?;
    Ok(name.as_str().into())
}

fn add_headers(value: Value<'_>, draft: &mut ConfigBuilder<'_>) -> Result<(), KeyError> {
    let mut headers = Vec::new();
    for (name, text) in named_map(value, draft)? {
        if let Some(name) = valid_header(&name, &text, draft) {
            headers.push((name, text.into()));
        }
    }
    draft.config.gateway.add_headers = headers.into();
    Ok(())
}

fn set_headers(value: Value<'_>, draft: &mut ConfigBuilder<'_>) -> Result<(), KeyError> {
    let mut headers = Vec::new();
    for (name, text) in named_map(value, draft)? {
        let Some(header) = valid_header(&name, &text, draft) else { continue };
        match Template::parse(&text) {
            Ok(template) => headers.push((header, template)),
            // A lone `$` is a price, not a variable.
            Err(gateway::config::TemplateError::Dangling) => {
                headers.push((header, Template(Arc::from([Piece::Literal(text.into())]))));
            }
            Err(error) => {
                draft.complain(
                    Severity::Error,
                    format!("names a ConfigMap whose value of {name:?} {error}; it is left out"),
                );
            }
        }
    }
    draft.config.gateway.set_headers = headers.into();
    Ok(())
}

fn hide_headers(value: Value<'_>, draft: &mut ConfigBuilder<'_>) -> Result<(), KeyError> {
    let names: Result<Vec<_>, _> = value.list().map(header_name).collect();
    draft.config.gateway.hide_headers = names?.into();
    Ok(())
}

/// The data of the ConfigMap that a value names; empty for an empty value.
fn named_map(value: Value<'_>, draft: &ConfigBuilder<'_>) -> Result<BTreeMap<String, String>, KeyError> {
    if value.text().is_empty() {
        return Ok(BTreeMap::new());
    }
    let name = value.namespaced_name()?;
    let map = draft.lookup.config_map(&name.namespace, &name.name).ok_or(KeyError::NoConfigMap)?;
    Ok(map.data.clone().unwrap_or_default())
}

/// The header's name in lower case, if name and value may be sent.
fn valid_header(name: &str, text: &str, draft: &mut ConfigBuilder<'_>) -> Option<Arc<str>> {
    let header = header_name(name).ok().filter(|_| HeaderValue::from_str(text).is_ok());
    if header.is_none() {
        let complaint = format!("names a ConfigMap with {name:?}: {text:?}, which is not a header; it is left out");
        draft.complain(Severity::Error, complaint);
    }
    header
}
