//! What the filters of a rule come to.

use super::cors;
use super::external_auth::{self, AuthServer};
use super::mirrors::{self, MirrorFilter};
use super::wrong::{Read, Wrong, wrong};
use crate::gateway_api::{
    HeaderFilter, HttpHeader, ObjectReference, PathModifier, RequestRedirectFilter, RouteFilter, UrlRewriteFilter,
};
use gateway::config::{
    Cors, FRAMING_HEADERS, HeaderChanges, HostName, PathChange, PathKind, PathMatch, Piece, Template, UrlRedirect,
};
use http::{HeaderName, HeaderValue};
use std::sync::Arc;

/// What the filters of a rule or of a backend ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filters {
    pub(super) request_headers: HeaderChanges,
    pub(super) response_headers: HeaderChanges,
    /// Without the path, which depends on the match.
    pub(super) redirect: Option<UrlRedirect>,
    /// The path of the redirect, or else the path that the backend gets.
    pub(super) path: Option<PathFilter>,
    /// The host that the backend gets.
    pub(super) host: Option<Template>,
    pub(super) cors: Option<Cors>,
    /// Who authorizes requests.
    pub(super) auth: Option<AuthServer>,
    pub(super) mirrors: Vec<MirrorFilter>,
    pub(super) extensions: Vec<Extension>,
    /// What of them has no effect.
    pub(super) without_effect: Vec<Wrong>,
}

impl Filters {
    /// Whether they only change the request on its way to a backend, and the response: as those of one backend may.
    pub(super) fn only_change(&self) -> bool {
        let Self { redirect, cors, auth, mirrors, extensions, .. } = self;
        redirect.is_none() && cors.is_none() && auth.is_none() && mirrors.is_empty() && extensions.is_empty()
    }
}

/// A policy that a rule names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Extension {
    /// Where: `filters[0].extensionRef`.
    pub(super) field: String,
    pub(super) reference: ObjectReference,
}

/// Another path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PathFilter {
    Full(Arc<str>),
    Prefix(Arc<str>),
}

/// Reads filters. Nothing of them is left out: whoever asks for one relies on it.
///
/// # Errors
/// The first that is not of these kinds, or malformed.
pub(super) fn parse(filters: &[RouteFilter], kinds: &[&str]) -> Read<Filters> {
    let mut parsed = Filters::default();
    for (index, filter) in filters.iter().enumerate() {
        let field = format!("filters[{index}]");
        if !kinds.contains(&&*filter.kind) {
            let message = format!("is not supported: expected one of {}", kinds.join(", "));
            return wrong(format!("{field}.type"), &filter.kind, message);
        }
        let may_be_again = ["RequestMirror", "ExtensionRef"].contains(&&*filter.kind);
        if !may_be_again && filters[..index].iter().any(|before| before.kind == filter.kind) {
            return wrong(format!("{field}.type"), &filter.kind, "is there already: expected each filter once");
        }
        let without_effect = add(filter, index, &mut parsed).map_err(|wrong| wrong.within(&field))?;
        parsed.without_effect.extend(without_effect.map(|part| part.within(&field)));
    }
    if parsed.redirect.is_some() && filters.iter().any(|filter| filter.kind == "URLRewrite") {
        return wrong("filters", "", "has both RequestRedirect and URLRewrite: expected one of them");
    }
    if parsed.redirect.is_some() && parsed.auth.is_some() {
        let message = "has both RequestRedirect and ExternalAuth, and nobody would be asked: expected one of them";
        return wrong("filters", "", message);
    }
    if parsed.redirect.is_some() {
        let without_effect = parsed.mirrors.drain(..).map(|mirror| {
            Wrong::new(mirror.field, &mirror.reference.name, "has no effect with RequestRedirect: there are no copies")
        });
        parsed.without_effect.extend(without_effect);
    }
    Ok(parsed)
}

/// Adds what a filter asks for. Returns what of it has no effect.
fn add(filter: &RouteFilter, index: usize, parsed: &mut Filters) -> Read<Option<Wrong>> {
    match &*filter.kind {
        "RequestHeaderModifier" => {
            parsed.request_headers = headers("requestHeaderModifier", filter.request_header_modifier.as_ref())?;
        }
        "ResponseHeaderModifier" => {
            parsed.response_headers = headers("responseHeaderModifier", filter.response_header_modifier.as_ref())?;
        }
        "RequestRedirect" => {
            let redirect = filter.request_redirect.as_ref();
            let Some(redirect) = redirect else { return missing("requestRedirect") };
            (parsed.redirect, parsed.path) = (Some(url_redirect(redirect)?), path("requestRedirect", &redirect.path)?);
        }
        "URLRewrite" => {
            let Some(UrlRewriteFilter { hostname, path: to }) = &filter.url_rewrite else {
                return missing("urlRewrite");
            };
            let host = hostname.as_deref().map(|name| host("urlRewrite", name)).transpose()?;
            parsed.host = host.map(|host| Template([Piece::Literal(host)].into()));
            parsed.path = path("urlRewrite", to)?;
        }
        "CORS" => {
            let Some(filter) = &filter.cors else { return missing("cors") };
            let (cors, without_effect) = cors::parse(filter)?;
            parsed.cors = Some(cors);
            return Ok(without_effect);
        }
        "ExternalAuth" => {
            let Some(filter) = &filter.external_auth else { return missing("externalAuth") };
            parsed.auth = Some(external_auth::parse(filter, index)?);
        }
        "RequestMirror" => {
            let Some(filter) = &filter.request_mirror else { return missing("requestMirror") };
            parsed.mirrors.push(mirrors::parse(filter, index)?);
        }
        "ExtensionRef" => {
            let Some(reference) = filter.extension_ref.clone() else { return missing("extensionRef") };
            parsed.extensions.push(Extension { field: format!("filters[{index}].extensionRef"), reference });
        }
        _ => {} // not among the kinds
    }
    Ok(None)
}

fn missing<T>(field: &str) -> Read<T> {
    wrong(field, "", "is missing: expected the field of the filter's type")
}

fn headers(field: &str, filter: Option<&HeaderFilter>) -> Read<HeaderChanges> {
    let Some(HeaderFilter { set, add, remove }) = filter else { return missing(field) };
    let all = |headers: &[HttpHeader]| {
        let read = headers.iter().map(|HttpHeader { name, value }| {
            let value_is_valid = HeaderValue::from_str(value).is_ok();
            if value_is_valid { Ok((header_name(field, name)?, value.as_str().into())) } else { bad_value(field, name) }
        });
        read.collect::<Read<Arc<[_]>>>()
    };
    let remove = remove.iter().map(|name| header_name(field, name)).collect::<Read<_>>()?;
    Ok(HeaderChanges { remove, set: all(set)?, add: all(add)? })
}

fn bad_value<T>(field: &str, name: &str) -> Read<T> {
    wrong(field, name, "has a value that no header can have")
}

/// A name that users may change: not one that says where a message ends.
fn header_name(field: &str, name: &str) -> Read<Arc<str>> {
    let lower = name.to_ascii_lowercase();
    if HeaderName::from_bytes(lower.as_bytes()).is_err() {
        return wrong(field, name, "is not the name of a header: expected a token");
    }
    if FRAMING_HEADERS.contains(&&*lower) {
        return wrong(field, name, "is a header that frames messages, which Adit sets itself: expected another one");
    }
    Ok(if field.starts_with("request") { name.into() } else { lower.into() })
}

fn url_redirect(redirect: &RequestRedirectFilter) -> Read<UrlRedirect> {
    let field = |name| format!("requestRedirect.{name}");
    let code = redirect.status_code.unwrap_or(302);
    let Some(code) = [301, 302, 303, 307, 308].into_iter().find(|known| i32::from(*known) == code) else {
        let message = "is not the status of a redirect: expected 301, 302, 303, 307 or 308";
        return wrong(field("statusCode"), &code.to_string(), message);
    };
    let scheme = redirect.scheme.as_deref();
    if let Some(scheme) = scheme.filter(|scheme| !matches!(*scheme, "http" | "https")) {
        return wrong(field("scheme"), scheme, "is not a scheme: expected http or https");
    }
    let port = redirect.port.map(|port| match u16::try_from(port) {
        Ok(port) if port > 0 => Ok(port),
        _ => wrong(field("port"), &port.to_string(), "is not a port: expected 1 to 65535"),
    });
    let host = redirect.hostname.as_deref().map(|name| host("requestRedirect", name)).transpose()?;
    Ok(UrlRedirect { code, scheme: scheme.map(Into::into), host, port: port.transpose()?, path: None })
}

/// One host, without a wildcard.
fn host(filter: &str, text: &str) -> Read<Arc<str>> {
    match HostName::parse(text) {
        Ok(HostName::Exact(name)) => Ok(name),
        _ => wrong(format!("{filter}.hostname"), text, "is not a host: expected a DNS name such as shop.example.com"),
    }
}

fn path(filter: &str, modifier: &Option<PathModifier>) -> Read<Option<PathFilter>> {
    let Some(PathModifier { kind, replace_full_path, replace_prefix_match }) = modifier else { return Ok(None) };
    let (name, value) = match &**kind {
        "ReplaceFullPath" => ("replaceFullPath", replace_full_path),
        "ReplacePrefixMatch" => ("replacePrefixMatch", replace_prefix_match),
        other => {
            let message = "is not known: expected ReplaceFullPath or ReplacePrefixMatch";
            return wrong(format!("{filter}.path.type"), other, message);
        }
    };
    let field = format!("{filter}.path.{name}");
    let Some(value) = value else { return missing(&field) };
    let is_path = value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'));
    if !is_path || !(value.is_empty() || value.starts_with('/')) {
        return wrong(field, value, "is not a path: expected one that begins with '/', escaped, and without a query");
    }
    Ok(Some(match name {
        "replaceFullPath" => PathFilter::Full(if value.is_empty() { "/" } else { value }.into()),
        _ => PathFilter::Prefix(value.strip_suffix('/').unwrap_or(value).into()),
    }))
}

impl PathFilter {
    /// The change of the paths that a match takes.
    ///
    /// # Errors
    /// A prefix is to be replaced, and the match is for none.
    pub(super) fn change(&self, matches: &PathMatch) -> Result<PathChange, &'static str> {
        match (self, matches.kind) {
            (Self::Full(path), _) => Ok(PathChange::Full(Arc::clone(path))),
            (Self::Prefix(replacement), PathKind::Prefix) => Ok(PathChange::Prefix {
                prefix: matches.value.strip_suffix('/').unwrap_or(&matches.value).into(),
                replacement: Arc::clone(replacement),
            }),
            (Self::Prefix(_), PathKind::Exact | PathKind::Regex) => {
                Err("has ReplacePrefixMatch for a match that is no PathPrefix: expected one")
            }
        }
    }
}
