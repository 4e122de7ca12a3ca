//! Headers that settings name.

use super::error::ValueError;
use gateway::config::{FRAMING_HEADERS, Piece, Template, TemplateError};
use http::{HeaderName, HeaderValue};
use std::sync::Arc;

/// A header's name, in lower case.
///
/// # Errors
/// The text is not the name of a header.
pub(crate) fn header_name(text: &str) -> Result<Arc<str>, ValueError> {
    let name =
        HeaderName::try_from(text).map_err(|_| ValueError::Expected("a header's name, such as \"X-Real-IP\""))?;
    Ok(name.as_str().into())
}

/// The name of a header that a setting may set or remove, in lower case.
///
/// # Errors
/// The text is not the name of a header, or that of one that frames messages or holds for one connection only.
pub(crate) fn settable_header(text: &str) -> Result<Arc<str>, ValueError> {
    let name = header_name(text)?;
    if FRAMING_HEADERS.contains(&&*name) {
        return Err(format!(
            "is not valid: {name} frames messages or holds for one connection only, so that Adit alone sets it"
        )
        .into());
    }
    Ok(name)
}

/// The name, in lower case, of a header in a ConfigMap that a setting names.
///
/// # Errors
/// The header must not be set, or cannot have that value. That may be a secret, and is not shown.
pub(crate) fn settable_field(name: &str, text: &str) -> Result<Arc<str>, ValueError> {
    let header = settable_header(name).map_err(|error| format!("names a ConfigMap with {name:?}, which {error}"))?;
    match HeaderValue::from_str(text) {
        Ok(_) => Ok(header),
        Err(_) => {
            let fault = "is not valid: expected one line of text";
            Err(format!("names a ConfigMap whose value of {name:?} {fault}").into())
        }
    }
}

/// The value of such a header, with nginx variables.
///
/// # Errors
/// It contains one that does not exist.
pub(crate) fn field_template(name: &str, text: &str) -> Result<Template, ValueError> {
    match Template::parse(text) {
        Ok(template) => Ok(template),
        // A lone `$` is a price, not a variable.
        Err(TemplateError::Dangling) => Ok(Template([Piece::Literal(text.into())].into())),
        Err(error) => Err(format!("names a ConfigMap whose value of {name:?} {error}").into()),
    }
}
