//! Gateways, their classes, and sets of listeners beside them.

use super::listener::{FromNamespaces, Listener};
use super::null::or_default;
use super::reference::ObjectReference;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a `GatewayClass` asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct GatewayClassSpec {
    /// Who serves the Gateways of this class.
    pub controller_name: String,
    pub parameters_ref: Option<ObjectReference>,
    pub description: Option<String>,
}

/// What a `Gateway` asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct GatewaySpec {
    pub gateway_class_name: String,
    #[serde(deserialize_with = "or_default")]
    pub listeners: Vec<Listener>,
    #[serde(deserialize_with = "or_default")]
    pub addresses: Vec<GatewayAddress>,
    pub infrastructure: Option<GatewayInfrastructure>,
    /// The ListenerSets that may attach; default none.
    pub allowed_listeners: Option<AllowedListeners>,
    pub tls: Option<GatewayTls>,
}

/// An address that a Gateway asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GatewayAddress {
    /// `IPAddress`, `Hostname`, `NamedAddress` or a type of somebody's own; default `IPAddress`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Empty: any of the type.
    pub value: Option<String>,
}

/// What is made for a Gateway.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct GatewayInfrastructure {
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
    pub parameters_ref: Option<ObjectReference>,
}

/// The ListenerSets that may attach to a Gateway.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AllowedListeners {
    /// Default: of no namespace.
    pub namespaces: Option<FromNamespaces>,
}

/// TLS for all listeners, and towards backends.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct GatewayTls {
    pub backend: Option<GatewayBackendTls>,
    pub frontend: Option<FrontendTls>,
}

/// TLS towards backends.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GatewayBackendTls {
    /// A Secret with the certificate that is shown to backends.
    pub client_certificate_ref: Option<ObjectReference>,
}

/// TLS towards clients.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FrontendTls {
    /// For ports that have none of their own.
    #[serde(deserialize_with = "or_default")]
    pub default: PortTls,
    /// For single ports.
    #[serde(deserialize_with = "or_default")]
    pub per_port: Vec<TlsOfPort>,
}

/// TLS of one port.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct TlsOfPort {
    pub port: i32,
    #[serde(deserialize_with = "or_default")]
    pub tls: PortTls,
}

/// How clients are asked for certificates.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PortTls {
    /// Default: they are not asked.
    pub validation: Option<FrontendValidation>,
}

/// How the certificates of clients are verified.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FrontendValidation {
    /// ConfigMaps with CA certificates, unless they say otherwise.
    #[serde(rename = "caCertificateRefs", deserialize_with = "or_default")]
    pub ca_certificate_refs: Vec<ObjectReference>,
    /// `AllowValidOnly` or `AllowInsecureFallback`; default `AllowValidOnly`.
    pub mode: Option<String>,
}

/// What a `ListenerSet` asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ListenerSetSpec {
    /// A Gateway, unless it says otherwise.
    #[serde(deserialize_with = "or_default")]
    pub parent_ref: ObjectReference,
    #[serde(deserialize_with = "or_default")]
    pub listeners: Vec<Listener>,
}
