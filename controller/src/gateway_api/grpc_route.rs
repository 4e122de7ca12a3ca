//! Routes of gRPC.

use super::filter::RouteFilter;
use super::http_route::{NamedMatch, RouteBackendRef};
use super::null::or_default;
use super::reference::ParentReference;
use super::session::SessionPersistence;
use serde::Deserialize;

/// What a `GRPCRoute` asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct GrpcRouteSpec {
    #[serde(deserialize_with = "or_default")]
    pub parent_refs: Vec<ParentReference>,
    /// Default: those of the listeners.
    #[serde(deserialize_with = "or_default")]
    pub hostnames: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub rules: Vec<GrpcRouteRule>,
}

/// What becomes of the calls of any of its matches.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct GrpcRouteRule {
    pub name: Option<String>,
    /// Default: every call.
    #[serde(deserialize_with = "or_default")]
    pub matches: Vec<GrpcRouteMatch>,
    #[serde(deserialize_with = "or_default")]
    pub filters: Vec<RouteFilter>,
    #[serde(deserialize_with = "or_default")]
    pub backend_refs: Vec<RouteBackendRef>,
    pub session_persistence: Option<Box<SessionPersistence>>,
}

/// The calls that fulfil all of these.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct GrpcRouteMatch {
    pub method: Option<GrpcMethodMatch>,
    #[serde(deserialize_with = "or_default")]
    pub headers: Vec<NamedMatch>,
}

/// A condition on what is called.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct GrpcMethodMatch {
    /// `Exact` or `RegularExpression`; default `Exact`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub service: Option<String>,
    pub method: Option<String>,
}
