//! What a route changes, and what else it does with a request.

use super::null::or_default;
use super::reference::{BackendRef, ObjectReference};
use serde::Deserialize;

/// A filter; the field of its type has what it does.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct RouteFilter {
    /// `RequestHeaderModifier`, `ResponseHeaderModifier`, `RequestMirror`, `RequestRedirect`, `URLRewrite`, `CORS`,
    /// `ExternalAuth` or `ExtensionRef`.
    #[serde(rename = "type")]
    pub kind: String,
    pub request_header_modifier: Option<HeaderFilter>,
    pub response_header_modifier: Option<HeaderFilter>,
    pub request_mirror: Option<RequestMirrorFilter>,
    pub request_redirect: Option<RequestRedirectFilter>,
    pub url_rewrite: Option<UrlRewriteFilter>,
    pub cors: Option<CorsFilter>,
    pub external_auth: Option<ExternalAuthFilter>,
    pub extension_ref: Option<ObjectReference>,
}

/// Headers that are set, added and removed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct HeaderFilter {
    #[serde(deserialize_with = "or_default")]
    pub set: Vec<HttpHeader>,
    #[serde(deserialize_with = "or_default")]
    pub add: Vec<HttpHeader>,
    #[serde(deserialize_with = "or_default")]
    pub remove: Vec<String>,
}

/// A header.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct HttpHeader {
    pub name: String,
    pub value: String,
}

/// Copies of requests.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct RequestMirrorFilter {
    #[serde(deserialize_with = "or_default")]
    pub backend_ref: BackendRef,
    /// Of 100 requests; default all of them.
    pub percent: Option<i32>,
    /// In place of `percent`.
    pub fraction: Option<Fraction>,
}

/// A share.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Fraction {
    pub numerator: i32,
    /// Default 100.
    pub denominator: Option<i32>,
}

/// A redirect; what it does not say is as in the request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct RequestRedirectFilter {
    /// `http` or `https`.
    pub scheme: Option<String>,
    pub hostname: Option<String>,
    pub path: Option<PathModifier>,
    /// Default: that of the scheme, or without one that of the listener.
    pub port: Option<i32>,
    /// 301, 302, 303, 307 or 308; default 302.
    pub status_code: Option<i32>,
}

/// Another URL for the backend.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct UrlRewriteFilter {
    pub hostname: Option<String>,
    pub path: Option<PathModifier>,
}

/// Another path.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct PathModifier {
    /// `ReplaceFullPath` or `ReplacePrefixMatch`.
    #[serde(rename = "type")]
    pub kind: String,
    pub replace_full_path: Option<String>,
    pub replace_prefix_match: Option<String>,
}

/// What scripts of other origins may do.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct CorsFilter {
    #[serde(deserialize_with = "or_default")]
    pub allow_origins: Vec<String>,
    pub allow_credentials: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    pub allow_methods: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub allow_headers: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub expose_headers: Vec<String>,
    /// Seconds; default 5.
    pub max_age: Option<i32>,
}

/// Who is asked whether a request may pass. Of the experimental channel.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ExternalAuthFilter {
    /// `GRPC` or `HTTP`.
    pub protocol: String,
    #[serde(deserialize_with = "or_default")]
    pub backend_ref: BackendRef,
    /// With `HTTP`.
    pub http: Option<HttpAuth>,
    /// With `GRPC`.
    pub grpc: Option<GrpcAuth>,
    pub forward_body: Option<ForwardBody>,
}

/// How a server of HTTP is asked.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct HttpAuth {
    /// What comes before the path of the request. Default nothing.
    pub path: Option<String>,
    /// Headers of the request that the server gets, beside those that it always gets. Default none.
    #[serde(deserialize_with = "or_default")]
    pub allowed_headers: Vec<String>,
    /// Headers of its response that the backend gets. Default all.
    #[serde(deserialize_with = "or_default")]
    pub allowed_response_headers: Vec<String>,
}

/// How a server of Envoy's gRPC protocol is asked.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct GrpcAuth {
    /// Headers of the request that the server gets. Default all.
    #[serde(deserialize_with = "or_default")]
    pub allowed_headers: Vec<String>,
}

/// Whether the server gets the body of the request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ForwardBody {
    /// Bytes of the largest one. Default 0: it gets none.
    pub max_size: Option<i64>,
}
