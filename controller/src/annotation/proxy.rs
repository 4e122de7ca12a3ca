//! What is changed in the answers of a backend.

use super::entry::{Annotation, Invalid, Scope};
use super::settings::AnnotationSettings;
use crate::object::Kind;
use crate::registry::{Value, ValueError, settable_header};
use crate::route_defaults::Risk;
use crate::snippet::{Address, cookie_rewrites, redirect_from, redirect_to};
use http::HeaderValue;
use std::sync::Arc;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "proxy-cookie-domain",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Replaces the domain in the `Set-Cookie` headers of the backend: `off`, or the domain to replace and the new one, \
         separated by a space. Case does not count, nor a dot before the domain, which stays. After `~` the first is a \
         regular expression. Without effect for gRPC. Default: the ConfigMap's `proxy-cookie-domain` (`off`).",
        |value, draft| {
            let rewrites = cookie_rewrites(Address::CookieDomain, value.names()?)?;
            draft.policies.response_rewrites.cookie_domains = rewrites;
            Ok(())
        },
    ),
    Annotation::full(
        "proxy-cookie-path",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Replaces the beginning of the path in the `Set-Cookie` headers of the backend: `off`, or the beginning and the \
         new one, separated by a space. After `~` the first is a regular expression, and all of the path is replaced. \
         Without effect for gRPC. Default: the ConfigMap's `proxy-cookie-path` (`off`).",
        |value, draft| {
            let rewrites = cookie_rewrites(Address::CookiePath, value.urls()?)?;
            draft.policies.response_rewrites.cookie_paths = rewrites;
            Ok(())
        },
    ),
    Annotation::full(
        "proxy-redirect-from",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the beginning of the `Location` header of the backend, and of the URL in its `Refresh`, that \
         `proxy-redirect-to` replaces: a URL, or `off`. After `~` it is a regular expression, and all of the header is \
         replaced. `default` replaces `http://upstream_balancer/` by `/`, as does a URL without `proxy-redirect-to`. A \
         `Location` that comes to a path becomes a URL, unless `relative-redirects` is true. Without effect for gRPC. Default: \
         the ConfigMap's `proxy-redirect-from` (`off`).",
        |value, draft| {
            draft.proxy_redirect.from = redirect_from(value.urls()?)?;
            Ok(())
        },
    ),
    Annotation::full(
        "proxy-redirect-to",
        Scope::Path,
        Risk::Medium,
        Invalid::FallsBack,
        "Sets the text that replaces `proxy-redirect-from`: a URL or a path, or `off`. Default: the ConfigMap's \
         `proxy-redirect-to` (`off`).",
        |value, draft| {
            draft.proxy_redirect.to = redirect_to(value.urls()?)?;
            Ok(())
        },
    ),
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
