//! The kinds of Gateway API (`gateway.networking.k8s.io`, v1.7), as far as Adit reads or reports them.
//!
//! What Go has as an enum is text here, and what is required may be missing: one value that is not known must cost one
//! object a condition, and never end a watch. Translation judges the values.

mod adit_policy;
mod backend_tls_policy;
mod features;
mod filter;
mod gateway;
mod grpc_route;
mod http_route;
mod listener;
mod null;
mod raw_status;
mod reference;
mod reference_grant;
mod service;
mod session;
mod status;
mod stream_routes;

pub use adit_policy::{AditPolicySpec, OWN_API, OWN_GROUP};
pub use backend_tls_policy::{BackendTlsPolicySpec, BackendTlsValidation, SubjectAltName};
pub use features::SUPPORTED_FEATURES;
pub use filter::{
    CorsFilter, ExternalAuthFilter, ForwardBody, Fraction, GrpcAuth, HeaderFilter, HttpAuth, HttpHeader, PathModifier,
    RequestMirrorFilter, RequestRedirectFilter, RouteFilter, UrlRewriteFilter,
};
pub use gateway::{
    AllowedListeners, FrontendTls, FrontendValidation, GatewayAddress, GatewayBackendTls, GatewayClassSpec,
    GatewayInfrastructure, GatewaySpec, GatewayTls, ListenerSetSpec, PortTls, TlsOfPort,
};
pub use grpc_route::{GrpcMethodMatch, GrpcRouteMatch, GrpcRouteRule, GrpcRouteSpec};
pub use http_route::{
    HttpRouteMatch, HttpRouteRule, HttpRouteSpec, NamedMatch, PathMatch, Retry, RouteBackendRef, Timeouts,
};
pub use listener::{AllowedRoutes, FromNamespaces, Listener, ListenerTls, RouteGroupKind};
pub use raw_status::RawStatus;
pub use reference::{BackendRef, ObjectReference, ParentReference, PolicyTargetReference};
pub use reference_grant::{GrantFrom, GrantTo, ReferenceGrantSpec};
pub use service::{GatewayService, OwnService, ServicePort, ServiceType, TARGET_PORTS, target_port, target_ports_name};
pub use session::{SessionCookie, SessionHeader, SessionPersistence};
pub use status::{Condition, Fault, ListenerStatus, ObjectStatus, ParentStatus, StatusParts};
pub use stream_routes::{StreamRouteRule, StreamRouteSpec, TlsRouteSpec};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use null::or_default;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// The API group of all these kinds.
pub const GROUP: &str = "gateway.networking.k8s.io";

/// An object of a kind with this specification.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "S: Default + DeserializeOwned")]
pub struct Resource<S> {
    #[serde(rename = "apiVersion")]
    _api_version: Skipped,
    #[serde(rename = "kind")]
    _kind: Skipped,
    /// Name, namespace, generation and labels.
    pub metadata: ObjectMeta,
    /// What the user asks for.
    #[serde(deserialize_with = "or_default")]
    pub spec: S,
    /// What it says now.
    pub status: RawStatus,
}

/// `GatewayClass`.
pub type GatewayClass = Resource<GatewayClassSpec>;
/// `Gateway`.
pub type Gateway = Resource<GatewaySpec>;
/// `ListenerSet`.
pub type ListenerSet = Resource<ListenerSetSpec>;
/// `HTTPRoute`.
pub type HttpRoute = Resource<HttpRouteSpec>;
/// `GRPCRoute`.
pub type GrpcRoute = Resource<GrpcRouteSpec>;
/// `TLSRoute`.
pub type TlsRoute = Resource<TlsRouteSpec>;
/// `TCPRoute`.
pub type TcpRoute = Resource<StreamRouteSpec>;
/// `UDPRoute`, which has the fields of a `TCPRoute`.
pub type UdpRoute = Resource<StreamRouteSpec>;
/// `ReferenceGrant`.
pub type ReferenceGrant = Resource<ReferenceGrantSpec>;
/// `BackendTLSPolicy`.
pub type BackendTlsPolicy = Resource<BackendTlsPolicySpec>;

/// `AditPolicy`, which is a kind of ours.
pub type AditPolicy = Resource<AditPolicySpec>;

/// A text that is part of the form and says nothing: the kind of an object is known when it is typed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<String>::deserialize(deserializer).map(|_| Self)
    }
}

#[cfg(test)]
mod tests;
