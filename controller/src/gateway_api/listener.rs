//! Where a Gateway listens, and for whom.

use super::null::or_default;
use super::reference::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A listener of a Gateway or of a ListenerSet.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Listener {
    /// Unique in its object.
    pub name: String,
    /// `shop.example.com` or `*.example.com`; default every host.
    pub hostname: Option<String>,
    pub port: i32,
    /// `HTTP`, `HTTPS`, `TLS`, `TCP` or `UDP`.
    pub protocol: String,
    pub tls: Option<ListenerTls>,
    pub allowed_routes: Option<AllowedRoutes>,
}

/// TLS of a listener.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ListenerTls {
    /// `Terminate` or `Passthrough`; default `Terminate`.
    pub mode: Option<String>,
    /// Secrets, unless they say otherwise.
    #[serde(deserialize_with = "or_default")]
    pub certificate_refs: Vec<ObjectReference>,
    #[serde(deserialize_with = "or_default")]
    pub options: BTreeMap<String, String>,
}

/// The routes that may attach to a listener.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct AllowedRoutes {
    /// Default: those in the listener's namespace.
    pub namespaces: Option<FromNamespaces>,
    /// Default: all kinds that fit the protocol.
    #[serde(deserialize_with = "or_default")]
    pub kinds: Vec<RouteGroupKind>,
}

/// A choice of namespaces.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct FromNamespaces {
    /// `All`, `Selector`, `Same` or `None`; the field that has this says the default.
    pub from: Option<String>,
    /// Of the labels of namespaces, with `Selector`.
    pub selector: Option<LabelSelector>,
}

/// A kind of route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct RouteGroupKind {
    /// Default: Gateway API's.
    pub group: Option<String>,
    pub kind: String,
}
