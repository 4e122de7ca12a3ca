//! What routes of HTTP and of gRPC have in common, and where they differ.

use super::wrong::Read;
use super::{calls, matches};
use crate::gateway_api::{
    GrpcRouteRule, GrpcRouteSpec, HttpRouteRule, HttpRouteSpec, ParentReference, Resource, Retry, RouteBackendRef,
    RouteFilter, SessionPersistence, Timeouts,
};
use crate::object::{Age, Kind, ObjectKey};
use crate::store::{GatewayObjects, Stored};
use gateway::config::{BackendProtocol, RouteMatch};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// A route, of whichever kind.
pub(super) struct RouteParts<'a> {
    pub(super) key: &'a ObjectKey,
    pub(super) age: &'a Age,
    pub(super) metadata: &'a ObjectMeta,
    pub(super) kind: &'static RouteKind,
    pub(super) parents: &'a [ParentReference],
    pub(super) hostnames: &'a [String],
    pub(super) rules: Vec<RuleParts<'a>>,
}

/// A rule, likewise.
#[derive(Default)]
pub(super) struct RuleParts<'a> {
    /// Which requests it takes; without any, all that its kind is for.
    pub(super) matches: Vec<Read<RouteMatch>>,
    pub(super) filters: &'a [RouteFilter],
    pub(super) backends: &'a [RouteBackendRef],
    pub(super) timeouts: Option<&'a Timeouts>,
    pub(super) retry: Option<&'a Retry>,
    pub(super) sessions: Option<&'a SessionPersistence>,
}

/// How kinds of routes differ.
#[derive(Debug)]
pub(super) struct RouteKind {
    /// The filters that a rule may have.
    pub(super) filters: &'static [&'static str],
    /// The settings that its policies may not have, by the names of annotations.
    pub(super) unfit: &'static [&'static str],
    /// What requests are answered with that cannot be served as they are meant, or lead nowhere.
    pub(super) refusal: u16,
    /// How a Service's port is spoken to, by its `appProtocol`.
    pub(super) protocol: fn(&str) -> BackendProtocol,
    /// The requests of a rule without matches.
    pub(super) all: fn() -> RouteMatch,
}

const HTTP: RouteKind = RouteKind {
    filters: &[
        "RequestHeaderModifier",
        "ResponseHeaderModifier",
        "RequestRedirect",
        "URLRewrite",
        "RequestMirror",
        "CORS",
        "ExternalAuth",
        "ExtensionRef",
    ],
    unfit: &[],
    refusal: 500,
    protocol: http_protocol,
    all: matches::all,
};

/// How an HTTPRoute speaks to a port with this `appProtocol`.
pub(crate) fn http_protocol(app_protocol: &str) -> BackendProtocol {
    match app_protocol {
        "kubernetes.io/h2c" => BackendProtocol::Grpc,
        "kubernetes.io/wss" | "https" => BackendProtocol::Https,
        _ => BackendProtocol::Http,
    }
}

/// The answer is UNAVAILABLE in gRPC.
const GRPC: RouteKind = RouteKind {
    filters: &["RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "ExtensionRef"],
    unfit: &["backend-protocol", "permanent-redirect", "rewrite-target", "temporal-redirect"],
    refusal: 503,
    protocol: |app_protocol| if app_protocol == "https" { BackendProtocol::Grpcs } else { BackendProtocol::Grpc },
    all: calls::all,
};

impl<'a> RouteParts<'a> {
    /// The route of this name, if it is of one of these kinds.
    pub(super) fn find(objects: &'a GatewayObjects, key: &ObjectKey) -> Option<Self> {
        let ObjectKey { kind, namespace, name } = key;
        match kind {
            Kind::HttpRoute => objects.http_routes.get(namespace, name).map(Self::of_http),
            Kind::GrpcRoute => objects.grpc_routes.get(namespace, name).map(Self::of_grpc),
            _ => None,
        }
    }

    fn of_http(stored: &'a Stored<Resource<HttpRouteSpec>>) -> Self {
        let spec = &stored.object.spec;
        // As the API server fills it in.
        let rules = match &spec.rules[..] {
            [] => vec![RuleParts::default()],
            rules => rules.iter().map(RuleParts::of_http).collect(),
        };
        Self::new(stored, &HTTP, (&spec.parent_refs, &spec.hostnames), rules)
    }

    fn of_grpc(stored: &'a Stored<Resource<GrpcRouteSpec>>) -> Self {
        let spec = &stored.object.spec;
        let rules = spec.rules.iter().map(RuleParts::of_grpc).collect();
        Self::new(stored, &GRPC, (&spec.parent_refs, &spec.hostnames), rules)
    }

    fn new<S>(
        stored: &'a Stored<Resource<S>>,
        kind: &'static RouteKind,
        (parents, hostnames): (&'a [ParentReference], &'a [String]),
        rules: Vec<RuleParts<'a>>,
    ) -> Self {
        let metadata = &stored.object.metadata;
        Self { key: &stored.key, age: &stored.age, metadata, kind, parents, hostnames, rules }
    }
}

impl<'a> RuleParts<'a> {
    fn of_http(rule: &'a HttpRouteRule) -> Self {
        Self {
            matches: rule.matches.iter().map(matches::parse).collect(),
            filters: &rule.filters,
            backends: &rule.backend_refs,
            timeouts: rule.timeouts.as_deref(),
            retry: rule.retry.as_deref(),
            sessions: rule.session_persistence.as_deref(),
        }
    }

    fn of_grpc(rule: &'a GrpcRouteRule) -> Self {
        Self {
            matches: rule.matches.iter().map(calls::parse).collect(),
            filters: &rule.filters,
            backends: &rule.backend_refs,
            sessions: rule.session_persistence.as_deref(),
            ..Self::default()
        }
    }
}
