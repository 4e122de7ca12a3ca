//! Header fields, as directives write them.

use super::template::{Variables, literals};
use crate::registry::{header_name, settable_header};
use gateway::config::Template;
use http::{HeaderName, HeaderValue};
use std::sync::Arc;

/// `Name: value`; no value if it is empty, which removes the header.
pub(super) struct Field {
    pub(super) name: Arc<str>,
    pub(super) value: Option<Template>,
}

/// A field as headers-more reads it. It lets `:` be left out; here a forgotten `;` is found so.
pub(super) fn field(text: &str, variables: Variables<'_>) -> Result<Field, String> {
    let Some((name, text)) = text.split_once(':') else {
        return Err(format!("has {text:?} for a header: expected \"Name: value\", or \"Name:\" to remove it"));
    };
    let text = text.trim_matches(' ');
    let value = if text.is_empty() { None } else { Some(value(text, variables)?) };
    Ok(Field { name: settable(name.trim_matches(' '))?, value })
}

/// The name of a header that may be set, as written.
pub(super) fn settable(name: &str) -> Result<Arc<str>, String> {
    match settable_header(name) {
        Ok(_) => Ok(name.into()),
        Err(error) => Err(format!("has the header {name:?}, which {error}")),
    }
}

/// The name of a header that may be removed from responses, or the beginning of names and `*`; `None` for one that Adit alone
/// sets, whatever the backend says.
pub(super) fn removable(name: &str) -> Result<Option<Arc<str>>, String> {
    if header_name(name).is_ok() && settable(name).is_err() {
        return Ok(None);
    }
    clearable(name).map(Some)
}

/// The name of a header that may be removed, or the beginning of names and `*`.
pub(super) fn clearable(name: &str) -> Result<Arc<str>, String> {
    match name.strip_suffix('*') {
        Some(beginning) if HeaderName::try_from(beginning).is_ok() => Ok(name.into()),
        Some(_) => Err(format!("has the header {name:?}: expected a name, or the beginning of one before the '*'")),
        None => settable(name),
    }
}

/// The value of a header.
pub(super) fn value(text: &str, variables: Variables<'_>) -> Result<Template, String> {
    let template = variables.template(text)?;
    let is_valid = literals(&template).all(|text| HeaderValue::from_bytes(text.as_bytes()).is_ok());
    let fault = || "has a line feed or another control character in a header's value: expected one line".into();
    is_valid.then_some(template).ok_or_else(fault)
}

/// The statuses of `-s`.
pub(super) fn statuses(list: Option<&String>) -> Result<Vec<u16>, String> {
    let statuses = words(list).map(|word| word.parse().ok().filter(|status| (100..=599).contains(status)));
    let statuses: Option<Vec<_>> = statuses.collect();
    statuses
        .filter(|list| !list.is_empty())
        .ok_or_else(|| "has -s without statuses after it: expected such as -s '404 500'".into())
}

/// The media types of `-t`, in lower case.
pub(super) fn media_types(list: Option<&String>) -> Result<Vec<Arc<str>>, String> {
    let types: Vec<_> = words(list).map(|word| word.to_ascii_lowercase().into()).collect();
    if types.is_empty() {
        Err("has -t without media types after it: expected such as -t 'text/html'".into())
    } else {
        Ok(types)
    }
}

fn words(list: Option<&String>) -> impl Iterator<Item = &str> {
    list.map(String::as_str).unwrap_or_default().split_ascii_whitespace()
}
