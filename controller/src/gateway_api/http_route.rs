//! Routes of HTTP.

use super::filter::RouteFilter;
use super::null::or_default;
use super::reference::{BackendRef, ParentReference};
use super::session::SessionPersistence;
use serde::Deserialize;

/// What an `HTTPRoute` asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct HttpRouteSpec {
    #[serde(deserialize_with = "or_default")]
    pub parent_refs: Vec<ParentReference>,
    /// Default: those of the listeners.
    #[serde(deserialize_with = "or_default")]
    pub hostnames: Vec<String>,
    /// Default: one rule that takes every request.
    #[serde(deserialize_with = "or_default")]
    pub rules: Vec<HttpRouteRule>,
}

/// What becomes of the requests of any of its matches. What few have is boxed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct HttpRouteRule {
    pub name: Option<String>,
    /// Default: every path.
    #[serde(deserialize_with = "or_default")]
    pub matches: Vec<HttpRouteMatch>,
    #[serde(deserialize_with = "or_default")]
    pub filters: Vec<RouteFilter>,
    #[serde(deserialize_with = "or_default")]
    pub backend_refs: Vec<RouteBackendRef>,
    pub timeouts: Option<Box<Timeouts>>,
    pub retry: Option<Box<Retry>>,
    pub session_persistence: Option<Box<SessionPersistence>>,
}

/// The requests that fulfil all of these.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct HttpRouteMatch {
    pub path: Option<PathMatch>,
    #[serde(deserialize_with = "or_default")]
    pub headers: Vec<NamedMatch>,
    #[serde(deserialize_with = "or_default")]
    pub query_params: Vec<NamedMatch>,
    pub method: Option<String>,
}

/// A condition on the path.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PathMatch {
    /// `Exact`, `PathPrefix` or `RegularExpression`; default `PathPrefix`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Default `/`.
    pub value: Option<String>,
}

/// A condition on a header or on an argument of the query.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct NamedMatch {
    /// `Exact` or `RegularExpression`; default `Exact`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub name: String,
    pub value: String,
}

/// Where the requests of a route go, and what is changed of those that go there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct RouteBackendRef {
    pub group: Option<String>,
    pub kind: Option<String>,
    pub name: String,
    pub namespace: Option<String>,
    pub port: Option<i32>,
    /// Its share of the sum of all weights; default 1.
    pub weight: Option<i32>,
    #[serde(deserialize_with = "or_default")]
    pub filters: Vec<RouteFilter>,
}

impl From<BackendRef> for RouteBackendRef {
    fn from(BackendRef { group, kind, name, namespace, port, weight }: BackendRef) -> Self {
        Self { group, kind, name, namespace, port, weight, filters: Vec::new() }
    }
}

/// How long a response may take: durations such as `10s` and `1m30s`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Timeouts {
    /// From the request to the whole response, with all tries.
    pub request: Option<String>,
    /// One try.
    pub backend_request: Option<String>,
}

/// Which failed tries are repeated.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Retry {
    /// Statuses of responses.
    #[serde(deserialize_with = "or_default")]
    pub codes: Vec<i32>,
    /// How often at most, besides the first try.
    pub attempts: Option<i32>,
    /// The shortest pause between two tries.
    pub backoff: Option<String>,
}
