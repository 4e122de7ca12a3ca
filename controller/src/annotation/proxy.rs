//! What is changed in the answers of a backend.

use super::entry::{Annotation, Invalid, Scope};
use super::settings::AnnotationSettings;
use crate::object::Kind;
use crate::registry::{Value, ValueError, settable_header};
use crate::route_defaults::Risk;
use http::HeaderValue;
use std::sync::Arc;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::planned(
        "proxy-cookie-domain",
        Scope::Path,
        Risk::Medium,
        "Replaces the domain in the backend's `Set-Cookie` headers: `off`, or the domain to replace and the new one, \
         separated by a space. Default: the ConfigMap's `proxy-cookie-domain` (`off`).",
    )
    .unless(&["off"]),
    Annotation::planned(
        "proxy-cookie-path",
        Scope::Path,
        Risk::Medium,
        "Replaces the path in the backend's `Set-Cookie` headers: `off`, or the path to replace and the new one, \
         separated by a space. Default: the ConfigMap's `proxy-cookie-path` (`off`).",
    )
    .unless(&["off"]),
    Annotation::planned(
        "proxy-redirect-from",
        Scope::Path,
        Risk::Medium,
        "Sets the beginning of the backend's `Location` and `Refresh` headers that `proxy-redirect-to` replaces. A \
         URL, or `off`. Default: the ConfigMap's `proxy-redirect-from` (`off`).",
    )
    .unless(&["off"]),
    Annotation::planned(
        "proxy-redirect-to",
        Scope::Path,
        Risk::Medium,
        "Sets the text that replaces `proxy-redirect-from`. A URL, or `off`. Default: the ConfigMap's \
         `proxy-redirect-to` (`off`).",
    )
    .unless(&["off"]),
    Annotation::full(
        "custom-headers",
        Scope::Path,
        Risk::Medium,
        Invalid::Denies,
        "Names a ConfigMap of the same namespace, as `name` or `namespace/name`, with headers that are set on every response \
         of the routes, also on those of Adit. An existing header of that name is replaced. The ConfigMap's \
         `global-allowed-response-headers` must name each of them. Where there is no such ConfigMap, or a header is not \
         allowed or not valid, the routes answer 503. Default: none.",
        custom_headers,
    )
    .refers_to(Kind::ConfigMap),
];

/// Values may be secrets, and are not shown.
fn custom_headers(value: Value<'_>, draft: &mut AnnotationSettings) -> Result<(), ValueError> {
    if value.text().is_empty() {
        return Ok(());
    }
    let map = value.own_config_map()?;
    let header = |(name, text): (&String, &String)| {
        let fault = |fault: String| ValueError::from(format!("names a ConfigMap with {name:?}, which {fault}"));
        let header = settable_header(name).map_err(|error| fault(error.to_string()))?;
        if !draft.allowed_headers.contains(&header) {
            return Err(fault("the ConfigMap's global-allowed-response-headers does not name".to_owned()));
        }
        if text.is_empty() || HeaderValue::from_str(text).is_err() {
            return Err(fault("has no valid value: expected one line of text".to_owned()));
        }
        Ok((header, Arc::from(text.as_str())))
    };
    draft.policies.custom_headers = map.data.iter().flatten().map(header).collect::<Result<_, _>>()?;
    Ok(())
}
