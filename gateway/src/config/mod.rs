//! What to serve, as plain data: no Kubernetes type, no compiled regex, nothing of Pingora's.
//!
//! The controller translates objects into these types; the gateway compiles them. Every type is `Eq`, so that equal
//! input publishes nothing.

mod access_log;
mod affinity;
mod backend;
mod backend_policies;
mod backend_tls;
mod basic_auth;
mod blocked;
mod buffering;
mod client_certificates;
mod client_limits;
mod compression;
mod cors;
mod custom_errors;
mod ejection;
mod entry_point;
mod error_pages;
mod external_auth;
mod fastcgi;
mod forbidden;
mod framing_headers;
mod geo;
mod hash_by;
mod header_changes;
mod host;
mod host_name;
mod http_port;
mod labels;
mod location;
mod map;
mod map_value;
mod mirror;
mod origin;
mod path_change;
mod real_ip;
mod rejection;
mod response_rewrites;
mod retries;
mod route;
mod route_match;
mod route_policies;
mod settings;
mod snippet;
mod snippet_limits;
mod stream;
mod sub_filter;
mod subject;
mod template;
mod tls;
mod tracing;
mod unopened_port;
mod waf;

pub use access_log::{AccessLog, Escape, Syslog};
pub use affinity::{Affinity, AffinityMode, CookieAttributes, SameSite};
pub use backend::{Backend, BackendId, Balance, Endpoint, Endpoints, ServiceBackend, StreamProtocol};
pub use backend_policies::{BackendPolicies, BackendProtocol, ConnectionHeader, Deadlines, Timeouts};
pub use backend_tls::{Authorities, BackendTls, BackendVerification, DEEPEST_CHAIN, SubjectName};
pub use basic_auth::{BasicAuth, DigestAuth, Users};
pub use blocked::Blocked;
pub use buffering::{RequestBuffering, ResponseBuffering};
pub use client_certificates::{ClientCertificates, ClientVerification, ErrorPage, VerifyClient};
pub use client_limits::{ClientLimits, LimitSettings, ResponseRate};
pub use compression::{Coding, Compression, DisabledClients, MediaTypes, Proxied, ProxiedCondition};
pub use cors::{AllowedOrigins, Cors, CorsManner, InvalidOrigin, OriginPattern};
pub use custom_errors::CustomErrors;
pub use ejection::Ejection;
pub use entry_point::EntryPoint;
pub use error_pages::{ErrorPages, Errors, Page, PageKind};
pub use external_auth::{AuthCaching, AuthFilter, AuthProtocol, ExternalAuth};
pub use fastcgi::FastCgi;
pub use forbidden::{is_forbidden, is_loopback};
pub use framing_headers::FRAMING_HEADERS;
pub use geo::{GEO_VARIABLES, GeoDatabase, GeoSettings, GeoSource, GeoVariable};
pub use hash_by::HashBy;
pub use header_changes::HeaderChanges;
pub use host::{HostPolicies, TlsRoute, VirtualHost, WwwRedirect};
pub use host_name::{HostName, HostNameError};
pub use http_port::HttpPort;
pub use labels::{Owner, RouteLabels};
pub use location::LocationKind;
pub use map::{AddressMap, AddressRange, MapKey, MappedVariable, Mapping, TextMap};
pub use map_value::MapValue;
pub use mirror::{Mirror, Share};
pub use origin::Origin;
pub use path_change::{PathChange, UrlRedirect};
pub use real_ip::RealIp;
pub use rejection::{Rejection, RejectionCause};
pub use response_rewrites::{ResponseRewrite, ResponseRewrites, RewriteFrom};
pub use retries::{Again, Retries, RetryCondition, RetryConditions};
pub use route::{Action, Location, Route, RouteBackend};
pub use route_match::{CallMatch, Condition, HeaderMatch, PathKind, PathMatch, QueryMatch, RouteMatch, ValueMatch};
pub use route_policies::{Denied, HttpsRedirect, Redirect, Rewrite, RoutePolicies, Satisfy, SourceRanges};
pub use settings::{
    ClientSettings, ConnectionLimits, Forwarded, GatewaySettings, Http2Settings, PathMatching, UpstreamConnections,
};
pub use snippet::{
    Block, Effects, Expires, InputHeader, Operation, PageStatus, ResponseFilter, ResponseHeader, RewriteFlag,
    RewriteStatement, SnippetErrorPage, Statement, Test,
};
pub use snippet_limits::{ConnectionLimit, LimitZone, Limits, RequestLimit, RequestZone, SnippetLimits};
pub use stream::{StreamBackend, StreamListener, StreamSettings};
pub use sub_filter::SubFilter;
pub use subject::{ObjectName, Subject};
pub use template::{Piece, Template, TemplateError, Variable};
pub use tls::{Certificate, HostTls, Hsts, PrivateKey, TlsSettings};
pub use tracing::{Collector, CollectorProtocol, Sampler, Tracing, TracingSettings};
pub use unopened_port::UnopenedPort;
pub use waf::Waf;

use std::sync::Arc;

/// A set of changes to publish at once. What is not named stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// New gateway-wide settings, when they changed.
    pub settings: Option<Arc<GatewaySettings>>,
    /// Virtual hosts of both shared entry points to set, or to remove (`None`).
    pub hosts: Vec<(HostName, Option<Arc<VirtualHost>>)>,
    /// The same of those at one entry point only. At a shared one they come in the place of those of [`Self::hosts`] of the
    /// same name.
    pub entry_hosts: Vec<(EntryPoint, HostName, Option<Arc<VirtualHost>>)>,
    /// Backends to set, or to remove (`None`). A backend that a route names and that was never set has no endpoints.
    pub backends: Vec<(BackendId, Option<Backend>)>,
    /// All TCP and UDP services, at most one for each protocol and port, when they changed.
    pub streams: Option<Arc<[StreamListener]>>,
    /// All ports for HTTP and HTTPS beside those of the process, by port, when they changed. A TCP service keeps its port.
    pub ports: Option<Arc<[HttpPort]>>,
}

impl Update {
    /// Whether publishing this would change nothing.
    pub fn is_empty(&self) -> bool {
        let no_hosts = self.hosts.is_empty() && self.entry_hosts.is_empty();
        let no_ports = self.streams.is_none() && self.ports.is_none();
        self.settings.is_none() && no_hosts && self.backends.is_empty() && no_ports
    }
}
