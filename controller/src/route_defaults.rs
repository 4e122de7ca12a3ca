//! What holds for every route unless an annotation says otherwise.

use gateway::config::{BackendPolicies, Balance, HttpsRedirect, PathMatching, RoutePolicies};
use std::sync::Arc;

/// What the ConfigMap says of routes: defaults that annotations override, and how Ingresses are read. Changing any of
/// it translates every Ingress anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteDefaults {
    /// `path-matching`.
    pub path_matching: PathMatching,
    /// The policies of an Ingress without annotations.
    pub policies: Arc<RoutePolicies>,
    /// The same without the redirect to HTTPS: for hosts without TLS.
    pub plain_policies: Arc<RoutePolicies>,
    /// The policies of its backends.
    pub backend: Arc<BackendPolicies>,
    /// The settings of a Service port without annotations.
    pub upstream: UpstreamSettings,
    /// `http-redirect-code`: 301, 302, 307 or 308.
    pub redirect_code: u16,
    /// When and how plain HTTP is redirected to HTTPS where no annotation says so.
    pub https: HttpsRedirects,
    /// `--advertised-https-port`: the port that such redirects may name.
    pub https_port: u16,
    /// `--enable-ssl-passthrough`: the annotation `ssl-passthrough` counts.
    pub ssl_passthrough: bool,
    /// `no-tls-redirect-locations`: paths that begin so are never redirected to HTTPS.
    pub plain_paths: Vec<Arc<str>>,
    /// `annotation-value-word-blocklist`: an Ingress with an annotation that holds one is rejected.
    pub blocked_words: Vec<Arc<str>>,
    /// `annotations-risk-level`: an Ingress with an annotation above it is rejected.
    pub risk_level: Risk,
    /// `strict-validate-path-type`: warn of characters that do not belong in an Exact or Prefix path.
    pub strict_path_types: bool,
}

impl Default for RouteDefaults {
    fn default() -> Self {
        Self {
            path_matching: PathMatching::default(),
            policies: Arc::default(),
            plain_policies: Arc::default(),
            backend: Arc::default(),
            upstream: UpstreamSettings { service_upstream: false, balance: Balance::RoundRobin },
            redirect_code: 308,
            https: HttpsRedirects::default(),
            https_port: 443,
            ssl_passthrough: false,
            plain_paths: vec![ACME_CHALLENGES.into()],
            blocked_words: Vec::new(),
            risk_level: Risk::High,
            strict_path_types: true,
        }
    }
}

/// Where certificate authorities look for the answers to their HTTP-01 challenges.
pub(crate) const ACME_CHALLENGES: &str = "/.well-known/acme-challenge";

/// Settings that belong to a Service port: the oldest Ingress that refers to it decides for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamSettings {
    /// `service-upstream`: the Service's own address instead of its endpoints'.
    pub service_upstream: bool,
    /// `load-balance`.
    pub balance: Balance,
}

/// When and how plain HTTP is redirected to HTTPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpsRedirects {
    /// `ssl-redirect`: where the host has TLS. Default true.
    pub with_tls: bool,
    /// `force-ssl-redirect`: TLS or not. Default false.
    pub always: bool,
    /// `preserve-trailing-slash`. Default false.
    pub preserve_trailing_slash: bool,
    /// `use-port-in-redirects`. Default false.
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
