//! Names of headers.

use super::error::ValueError;
use http::HeaderName;
use std::sync::Arc;

/// Headers that frame a message, or hold for one connection only. Gateways set them on each side by themselves: a value
/// of somebody else's makes two sides disagree on where a message ends.
const FRAMING: [&str; 9] = [
    "connection",
    "content-length",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

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
    if FRAMING.contains(&&*name) {
        return Err(format!(
            "is not valid: {name} frames messages or holds for one connection only, so that Adit alone sets it"
        )
        .into());
    }
    Ok(name)
}
