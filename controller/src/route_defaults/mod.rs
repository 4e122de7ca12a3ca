//! The settings of routes that no annotation overrides.

mod buffering;
mod compression;
mod ejection;
mod external_auth;
mod limits;
mod proxy_redirect;
mod real_ip;
mod snippet;
mod sub_filter;
mod tracing;
mod waf;

pub use ejection::EjectionSettings;
pub use external_auth::ExternalAuthSettings;
pub use limits::{LimitDirectives, LimitList, LimitZones};
pub use proxy_redirect::{ProxyRedirect, RedirectFrom};
mod server_url;
pub use buffering::BufferingDirectives;
pub(crate) use compression::of_snippets;
pub use compression::{CodingDirectives, CompressionDirectives};
pub use real_ip::RealIpDirectives;
pub(crate) use real_ip::real_ip_of_keys;
pub use server_url::ServerUrl;
pub use snippet::{
    AccessRule, AuthRequest, ProxyPass, SnippetBlock, SnippetLocation, SnippetServerName, SnippetStatement,
    SnippetTimeouts,
};
pub use sub_filter::SubFilterDirectives;
pub use tracing::TracingDefaults;
pub(crate) use waf::CORE_RULES;
pub use waf::WafDefaults;

use gateway::config::{
    BackendPolicies, Balance, Compression, GatewaySettings, HashBy, HttpsRedirect, PathMatching, RealIp, RoutePolicies,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The ConfigMap's settings for routes: defaults that annotations override, and how Ingresses are read. A change of any
/// of them translates every Ingress again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteDefaults {
    /// `path-matching`: how paths match. Default [`PathMatching::Nginx`].
    pub path_matching: PathMatching,
    /// The policies of an Ingress without annotations.
    pub policies: Arc<RoutePolicies>,
    /// The same without the redirect to HTTPS: for hosts without TLS.
    pub plain_policies: Arc<RoutePolicies>,
    /// The policies of its backends.
    pub backend: Arc<BackendPolicies>,
    /// `max-temp-files-size`: no body that is held back can be larger. Default 1 GiB.
    pub temp_files: u64,
    /// `error-pages`: some errors have pages where an Ingress has none for them. Default false.
    pub has_error_pages: bool,
    /// The settings of a Service port without annotations.
    pub upstream: UpstreamSettings,
    /// `http-redirect-code`: the status of redirects to HTTPS and of `from-to-www-redirect`, 301, 302, 307 or 308.
    /// Default 308.
    pub redirect_code: u16,
    /// When and how plain HTTP is redirected to HTTPS, unless an annotation overrides it.
    pub https: HttpsRedirects,
    /// `--advertised-https-port`, or else `--https-port`: the port in such redirects with `use-port-in-redirects`.
    pub https_port: u16,
    /// `--enable-ssl-passthrough`: the annotation `ssl-passthrough` is applied. Default false.
    pub ssl_passthrough: bool,
    /// `no-tls-redirect-locations`: paths of rules that begin with one of these are not redirected to HTTPS. Default
    /// `/.well-known/acme-challenge`.
    pub plain_paths: Vec<Arc<str>>,
    /// `no-auth-locations`: paths of rules that begin with one of these need no authentication. Default
    /// `/.well-known/acme-challenge`.
    pub open_paths: Vec<Arc<str>>,
    /// `global-auth-url` and what goes with it: the auth server of all Ingresses that name none of their own and do not opt out
    /// with `enable-global-auth`.
    pub external_auth: ExternalAuthSettings,
    /// `proxy-redirect-from` and `proxy-redirect-to`, of which annotations may override one. Default off.
    pub proxy_redirect: ProxyRedirect,
    /// `http-snippet`: what servers inherit of it: error pages, texts that are replaced, limits. Default none.
    pub http_snippet: Arc<SnippetBlock>,
    /// `allow-cross-namespace-resources`: annotations may name Secrets and ConfigMaps of other namespaces. Default false.
    pub cross_namespace: bool,
    /// `global-allowed-response-headers`: the headers that the annotation `custom-headers` may set, in lower case.
    /// Default none.
    pub allowed_headers: Arc<[Arc<str>]>,
    /// `annotation-value-word-blocklist`: an Ingress with an annotation that contains one of these words is rejected.
    /// Default none.
    pub blocked_words: Vec<Arc<str>>,
    /// `annotations-risk-level`: an Ingress with an annotation of a higher risk is rejected. Default [`Risk::High`].
    pub risk_level: Risk,
    /// `allow-snippet-annotations`: annotations may be snippets, if `risk_level` is [`Risk::Critical`], too. Default false.
    pub snippet_annotations: bool,
    /// `enable-modsecurity` and what goes with it.
    pub waf: WafDefaults,
    /// `enable-opentelemetry` and what goes with it.
    pub tracing: TracingDefaults,
    /// How responses are compressed, as far as the directives of a snippet do not say otherwise.
    pub compression: Arc<Compression>,
    /// `server-snippet`: comes after the annotation of that name. Default empty.
    pub server_snippet: Arc<SnippetBlock>,
    /// Whose word is taken for a client's address, where no snippet of a server or a location says otherwise. Default nobody's.
    pub real_ip: Option<RealIp>,
    /// The variables of `http-snippet`, which all snippets may use. Default none.
    pub mapped_variables: Arc<BTreeSet<Arc<str>>>,
    /// The zones of `http-snippet`, in which the limits of all snippets count. Default none.
    pub limit_zones: Arc<LimitZones>,
    /// `location-snippet`: comes after the annotation `configuration-snippet`. Default empty.
    pub location_snippet: Arc<SnippetBlock>,
    /// `strict-validate-path-type`: an Exact or Prefix path with other characters than letters, digits and `/-._`
    /// causes a warning. Default true.
    pub strict_path_types: bool,
}

impl Default for RouteDefaults {
    fn default() -> Self {
        Self {
            path_matching: PathMatching::default(),
            policies: Arc::default(),
            plain_policies: Arc::default(),
            backend: Arc::default(),
            temp_files: GatewaySettings::default().temp_files,
            has_error_pages: false,
            upstream: UpstreamSettings::default(),
            redirect_code: 308,
            https: HttpsRedirects::default(),
            https_port: 443,
            ssl_passthrough: false,
            plain_paths: vec![ACME_CHALLENGES.into()],
            open_paths: vec![ACME_CHALLENGES.into()],
            external_auth: ExternalAuthSettings::default(),
            proxy_redirect: ProxyRedirect::default(),
            cross_namespace: false,
            allowed_headers: Arc::from([]),
            blocked_words: Vec::new(),
            risk_level: Risk::High,
            snippet_annotations: false,
            waf: WafDefaults::default(),
            tracing: TracingDefaults::default(),
            compression: Arc::new(of_snippets(&Compression::default())),
            server_snippet: Arc::default(),
            location_snippet: Arc::default(),
            real_ip: None,
            mapped_variables: Arc::default(),
            limit_zones: Arc::default(),
            http_snippet: Arc::default(),
            strict_path_types: true,
        }
    }
}

impl RouteDefaults {
    /// Of bodies that may be so large and are held back: what becomes of those that no temporary file can hold, and what can
    /// be done about it. It follows the limit in a sentence.
    pub(crate) fn too_large_to_hold(&self, policies: &RoutePolicies) -> Option<String> {
        let is_held = policies.request_buffering.on && policies.body_limit.is_none_or(|limit| limit > self.temp_files);
        is_held.then(|| {
            let size = shown_size(self.temp_files);
            format!(
                "allows bodies that cannot be held back: the temporary files of all requests together may have {size} \
                 (max-temp-files-size), and a body beyond that is answered with 503; expected \
                 proxy-request-buffering: \"off\", or a larger max-temp-files-size and a volume for it at --temp-path"
            )
        })
    }

    /// Whether requests for a path of a rule need no authentication: see [`Self::open_paths`].
    pub(crate) fn needs_no_auth(&self, path: &str) -> bool {
        self.open_paths.iter().any(|beginning| path.starts_with(&**beginning))
    }
}

/// A size in the largest unit of settings that it has a whole number of.
fn shown_size(bytes: u64) -> String {
    let units = [(1 << 30, "g"), (1 << 20, "m"), (1 << 10, "k")];
    let unit = units.into_iter().find(|(size, _)| bytes > 0 && bytes.is_multiple_of(*size));
    unit.map_or_else(|| bytes.to_string(), |(size, unit)| format!("{}{unit}", bytes / size))
}

/// Where certificate authorities request the responses to their HTTP-01 challenges.
pub(crate) const ACME_CHALLENGES: &str = "/.well-known/acme-challenge";

/// Settings that belong to a Service port: the oldest Ingress that refers to it decides for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UpstreamSettings {
    /// `service-upstream`: requests go to the cluster IP instead of the endpoints. Default false.
    pub service_upstream: bool,
    /// `load-balance`: how an endpoint is chosen. Default [`Balance::RoundRobin`].
    pub balance: Balance,
    /// `upstream-hash-by`: it is chosen by a key. Default none.
    pub hash_by: Option<Arc<HashBy>>,
    /// `slow-start`: how long the share of a new endpoint grows. Default none: it has its share at once.
    pub slow_start: Option<Duration>,
    /// `eject-after-failures` and what goes with it.
    pub ejection: EjectionSettings,
}

/// When and how plain HTTP is redirected to HTTPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpsRedirects {
    /// `ssl-redirect`: it is redirected if the host has TLS. Default true.
    pub with_tls: bool,
    /// `force-ssl-redirect`: it is redirected also if the host has no TLS. Default false.
    pub always: bool,
    /// `preserve-trailing-slash`: a slash at the end of path or query is kept. Default false.
    pub preserve_trailing_slash: bool,
    /// `use-port-in-redirects`: the redirect names the port of HTTPS. Default false.
    pub name_port: bool,
}

impl Default for HttpsRedirects {
    fn default() -> Self {
        Self { with_tls: true, always: false, preserve_trailing_slash: false, name_port: false }
    }
}

impl HttpsRedirects {
    /// The redirect of a host with TLS.
    pub(crate) fn policy(self, defaults: &RouteDefaults) -> Option<HttpsRedirect> {
        (self.with_tls || self.always).then_some(HttpsRedirect {
            code: defaults.redirect_code,
            preserve_trailing_slash: self.preserve_trailing_slash,
            port: self.name_port.then_some(defaults.https_port),
        })
    }
}

/// How much harm a value could do in ingress-nginx.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Risk {
    Low,
    Medium,
    High,
    Critical,
}
