//! What a snippet says, checked and typed, before it is known what it inherits.

use super::{
    BufferingDirectives, CompressionDirectives, LimitDirectives, LimitZones, RealIpDirectives, SubFilterDirectives,
};
use gateway::config::{
    Expires, InputHeader, LocationKind, MappedVariable, Operation, Origin, ResponseHeader, ResponseRewrite, Satisfy,
    ServiceBackend, SnippetErrorPage, Template, Test,
};
use http::Method;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

/// The directives of one block: of a server, a location, or an `if` in one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnippetBlock {
    /// The directives of the rewrite module, in their order.
    pub statements: Vec<SnippetStatement>,
    /// `more_set_input_headers` and `more_clear_input_headers`, in their order.
    pub input_headers: Vec<InputHeader>,
    /// `proxy_set_header`.
    pub proxy_headers: Vec<(Arc<str>, Template)>,
    /// `proxy_method`.
    pub method: Option<Method>,
    /// `grpc_set_header`.
    pub grpc_headers: Vec<(Arc<str>, Template)>,
    /// `proxy_hide_header`.
    pub hidden_headers: Vec<Arc<str>>,
    /// `proxy_redirect`; empty is `off`.
    pub redirects: Option<Vec<ResponseRewrite>>,
    /// `proxy_cookie_domain`; empty is `off`.
    pub cookie_domains: Option<Vec<ResponseRewrite>>,
    /// `proxy_cookie_path`; empty is `off`.
    pub cookie_paths: Option<Vec<ResponseRewrite>>,
    /// `more_set_headers` and `more_clear_headers`, in their order.
    pub changed_headers: Vec<ResponseHeader>,
    /// `add_header`.
    pub added_headers: Vec<ResponseHeader>,
    /// `expires`; `Some(None)` is `off`.
    pub expires: Option<Option<Expires>>,
    /// `default_type`.
    pub default_type: Option<Arc<str>>,
    /// `gzip`, `brotli`, `zstd` and what goes with them.
    pub compression: CompressionDirectives,
    /// `sub_filter` and what goes with it.
    pub sub_filter: SubFilterDirectives,
    /// `access_log off`: false.
    pub access_log: Option<bool>,
    /// `error_page`, in their order.
    pub error_pages: Vec<SnippetErrorPage>,
    /// `proxy_intercept_errors`.
    pub intercepts_errors: Option<bool>,
    /// `internal`.
    pub is_internal: bool,
    /// `set_real_ip_from` and what goes with it.
    pub real_ip: RealIpDirectives,
    /// `allow` and `deny`, of which the first counts that a client's address is in.
    pub access: Vec<AccessRule>,
    /// `limit_req`, `limit_conn` and what goes with them.
    pub limits: LimitDirectives,
    /// `auth_request`; `Some(None)` is `off`.
    pub auth_request: Option<Option<AuthRequest>>,
    /// `auth_request_set`, in their order.
    pub auth_variables: Vec<(Arc<str>, Template)>,
    /// `auth_basic off`, where that counts.
    pub asks_no_password: bool,
    /// `satisfy`.
    pub satisfy: Option<Satisfy>,
    /// `client_max_body_size`; `Some(None)` is no limit.
    pub body_limit: Option<Option<u64>>,
    /// `proxy_buffering` and its like.
    pub buffering: BufferingDirectives,
    /// `limit_rate`; `Some(None)` is no limit.
    pub rate: Option<Option<NonZero<u64>>>,
    /// `limit_rate_after`.
    pub rate_after: Option<u64>,
    /// `proxy_connect_timeout` and the like.
    pub proxy_timeouts: SnippetTimeouts,
    /// `grpc_connect_timeout` and the like.
    pub grpc_timeouts: SnippetTimeouts,
    /// `proxy_ssl_name` and `proxy_ssl_server_name`.
    pub proxy_server_name: SnippetServerName,
    /// `grpc_ssl_name` and `grpc_ssl_server_name`.
    pub grpc_server_name: SnippetServerName,
    /// `location`: those within it, in their order.
    pub locations: Vec<SnippetLocation>,
    /// `proxy_pass`: that of such a location.
    pub proxy_pass: Option<ProxyPass>,
    /// `proxy_pass_request_body`: that of such a location.
    pub passes_body: Option<bool>,
    /// `map` and `geo`: those of `http`, each name once.
    pub mapped: Vec<MappedVariable>,
    /// `limit_req_zone` and `limit_conn_zone`: those of `http`.
    pub zones: LimitZones,
    /// The variables that it sets, those of its blocks included.
    pub variables: BTreeSet<Arc<str>>,
}

/// One directive of the rewrite module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnippetStatement {
    /// `if (test) { ... }`.
    If(Origin, Test, Box<SnippetBlock>),
    /// Any other one.
    Other(Origin, Operation),
}

/// `location MODIFIER PATH { ... }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnippetLocation {
    /// The snippet and the line.
    pub origin: Origin,
    /// How it matches.
    pub kind: LocationKind,
    /// The path or the regular expression.
    pub text: Arc<str>,
    /// What stands in it.
    pub block: SnippetBlock,
}

/// `proxy_pass` to a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyPass {
    /// The port of the Service.
    pub service: ServiceBackend,
    /// `https`.
    pub tls: bool,
    /// The host of the URL, with its port unless that is the scheme's own: the `Host` that the backend gets.
    pub host: Arc<str>,
    /// The path of the URL, which takes the place of the location's.
    pub path: Option<Arc<str>>,
}

/// `auth_request PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthRequest {
    /// The path of the location that is asked.
    pub path: Arc<str>,
    /// The snippet and the line.
    pub origin: Origin,
}

/// `allow` or `deny`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// `allow`.
    pub allows: bool,
    /// The addresses: one network, or all.
    pub networks: Vec<IpNet>,
}

/// Timeouts that a snippet sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnippetTimeouts {
    /// `..._connect_timeout`.
    pub connect: Option<Duration>,
    /// `..._send_timeout`.
    pub send: Option<Duration>,
    /// `..._read_timeout`.
    pub read: Option<Duration>,
}

/// The name that backends with TLS are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnippetServerName {
    /// `..._ssl_name`: a name, or [`super::ServerUrl::HOST`].
    pub name: Option<Arc<str>>,
    /// `..._ssl_server_name`.
    pub is_sent: Option<bool>,
}

impl SnippetServerName {
    fn append(&mut self, later: &Self) {
        self.name = self.name.take().or_else(|| later.name.clone());
        self.is_sent = self.is_sent.or(later.is_sent);
    }
}

impl SnippetTimeouts {
    /// Those of `self`, else those of `other`.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { connect: self.connect.or(other.connect), send: self.send.or(other.send), read: self.read.or(other.read) }
    }
}

impl SnippetBlock {
    /// The Services that the locations within it pass requests on to.
    pub(crate) fn passes(&self) -> Vec<&ProxyPass> {
        let blocks = self.locations.iter().map(|location| &location.block);
        blocks.flat_map(|block| block.proxy_pass.iter().chain(block.passes())).collect()
    }

    /// Goes on with the directives of another snippet that stands in the same block. Of what there can be only one, the
    /// first counts.
    pub(crate) fn append(&mut self, later: &Self) {
        self.statements.extend(later.statements.iter().cloned());
        self.input_headers.extend(later.input_headers.iter().cloned());
        self.proxy_headers.extend(later.proxy_headers.iter().cloned());
        self.method = self.method.take().or_else(|| later.method.clone());
        self.grpc_headers.extend(later.grpc_headers.iter().cloned());
        self.hidden_headers.extend(later.hidden_headers.iter().cloned());
        append_rewrites(&mut self.redirects, later.redirects.as_ref());
        append_rewrites(&mut self.cookie_domains, later.cookie_domains.as_ref());
        append_rewrites(&mut self.cookie_paths, later.cookie_paths.as_ref());
        self.changed_headers.extend(later.changed_headers.iter().cloned());
        self.added_headers.extend(later.added_headers.iter().cloned());
        self.expires = self.expires.or(later.expires);
        self.default_type = self.default_type.take().or_else(|| later.default_type.clone());
        self.compression = self.compression.or(&later.compression);
        self.sub_filter.append(&later.sub_filter);
        self.access_log = self.access_log.or(later.access_log);
        self.error_pages.extend(later.error_pages.iter().cloned());
        self.intercepts_errors = self.intercepts_errors.or(later.intercepts_errors);
        self.is_internal |= later.is_internal;
        self.real_ip.append(&later.real_ip);
        self.access.extend(later.access.iter().cloned());
        self.limits.append(&later.limits);
        self.auth_request = self.auth_request.take().or_else(|| later.auth_request.clone());
        self.auth_variables.extend(later.auth_variables.iter().cloned());
        self.asks_no_password |= later.asks_no_password;
        self.satisfy = self.satisfy.or(later.satisfy);
        self.body_limit = self.body_limit.or(later.body_limit);
        self.buffering = self.buffering.or(later.buffering);
        self.rate = self.rate.or(later.rate);
        self.rate_after = self.rate_after.or(later.rate_after);
        self.proxy_timeouts = self.proxy_timeouts.or(later.proxy_timeouts);
        self.grpc_timeouts = self.grpc_timeouts.or(later.grpc_timeouts);
        self.proxy_server_name.append(&later.proxy_server_name);
        self.grpc_server_name.append(&later.grpc_server_name);
        self.locations.extend(later.locations.iter().cloned());
        self.proxy_pass = self.proxy_pass.take().or_else(|| later.proxy_pass.clone());
        self.passes_body = self.passes_body.or(later.passes_body);
        self.mapped.extend(later.mapped.iter().cloned());
        self.zones.append(&later.zones);
        self.variables.extend(later.variables.iter().cloned());
    }
}

/// `off` stands alone: of it and of rules, what comes first counts.
fn append_rewrites(rules: &mut Option<Vec<ResponseRewrite>>, later: Option<&Vec<ResponseRewrite>>) {
    match (&mut *rules, later) {
        (None, later) => *rules = later.cloned(),
        (Some(rules), Some(later)) if !rules.is_empty() => rules.extend(later.iter().cloned()),
        (Some(_), _) => {}
    }
}
