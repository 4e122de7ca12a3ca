//! Routes of connections and datagrams: TLSRoutes, TCPRoutes and UDPRoutes.

use super::null::or_default;
use super::reference::{BackendRef, ParentReference};
use serde::Deserialize;

/// What a `TCPRoute` or a `UDPRoute` asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct StreamRouteSpec {
    #[serde(deserialize_with = "or_default")]
    pub parent_refs: Vec<ParentReference>,
    #[serde(deserialize_with = "or_default")]
    pub rules: Vec<StreamRouteRule>,
}

/// What a `TLSRoute` asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct TlsRouteSpec {
    #[serde(deserialize_with = "or_default")]
    pub parent_refs: Vec<ParentReference>,
    /// Names that clients ask for in the handshake.
    #[serde(deserialize_with = "or_default")]
    pub hostnames: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub rules: Vec<StreamRouteRule>,
}

/// Where the connections go.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct StreamRouteRule {
    pub name: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub backend_refs: Vec<BackendRef>,
}
