use super::affinity_settings::{AffinityAnnotations, AffinitySettings};
use super::canary_settings::{Canary, CanarySettings};
use super::client_certificate_settings::ClientCertificateSettings;
use super::hash_settings::HashAnnotations;
use super::mirror_settings::MirrorSettings;
use super::password_settings::PasswordSettings;
use super::proxy_ssl_settings::ProxySslSettings;
use super::tracing_settings::TracingAnnotations;
use super::waf_settings::WafAnnotations;
use crate::route_defaults::{
    ExternalAuthSettings, HttpsRedirects, ProxyRedirect, RouteDefaults, SnippetBlock, UpstreamSettings,
};
use gateway::config::{BackendPolicies, ClientLimits, Cors, Denied, HostName, HostPolicies, Redirect, RoutePolicies};
use ipnet::IpNet;
use std::num::NonZero;
use std::sync::Arc;

/// What the annotations of one Ingress ask for: collected first, built once all of it is known.
#[derive(Clone, Debug)]
pub struct AnnotationSettings {
    /// The policies of its routes, beginning with the ConfigMap's defaults.
    pub policies: RoutePolicies,
    /// The policies of its hosts.
    pub host: HostPolicies,
    /// The policies of its backends, likewise.
    pub backend: BackendPolicies,
    /// Its routes are redirects.
    pub redirect: Option<Redirect>,
    /// `allowlist-source-range`, or else the same under its former name.
    pub allowlist: Option<Arc<[IpNet]>>,
    /// `limit-rps` and the other limits on its clients.
    pub limits: LimitAnnotations,
    /// Its paths are regular expressions.
    pub use_regex: bool,
    /// `rewrite-target`.
    pub rewrite_target: Option<Arc<str>>,
    /// `x-forwarded-prefix`, which counts only with `rewrite-target`.
    pub forwarded_prefix: Option<Arc<str>>,
    /// `permanent-redirect`.
    pub permanent_redirect: Option<Arc<str>>,
    /// `permanent-redirect-code`.
    pub permanent_code: u16,
    /// `temporal-redirect`, which wins over the permanent one.
    pub temporal_redirect: Option<Arc<str>>,
    /// `temporal-redirect-code`.
    pub temporal_code: u16,
    /// When and how plain HTTP is redirected to HTTPS.
    pub https: HttpsRedirects,
    /// `server-alias`.
    pub aliases: Vec<HostName>,
    /// `from-to-www-redirect`.
    pub from_to_www: bool,
    /// `ssl-passthrough`.
    pub ssl_passthrough: bool,
    /// `global-allowed-response-headers`: what `custom-headers` may set.
    pub(super) allowed_headers: Arc<[Arc<str>]>,
    /// The flag `--enable-ssl-passthrough` is set.
    pub(super) may_pass_through: bool,
    /// `auth-type` and what goes with it.
    pub(super) passwords: PasswordSettings,
    /// `auth-tls-secret` and what goes with it.
    pub(super) client_certificates: ClientCertificateSettings,
    /// `proxy-redirect-from` and `proxy-redirect-to`.
    pub proxy_redirect: ProxyRedirect,
    /// `proxy-ssl-secret` and what goes with it.
    pub(super) proxy_ssl: ProxySslSettings,
    /// What CORS allows, if `enable-cors` is on.
    pub cors: Cors,
    /// `enable-cors`.
    pub enable_cors: bool,
    /// `auth-url` and what goes with it.
    pub external_auth: ExternalAuthSettings,
    /// `enable-global-auth`: without an `auth-url`, the ConfigMap's `global-auth-url` counts.
    pub global_auth: bool,
    /// `mirror-target` and what goes with it.
    pub mirror: MirrorSettings,
    /// `default-backend`: a Service in the namespace of the Ingress.
    pub default_backend: Option<Arc<str>>,
    /// `custom-http-errors`.
    pub custom_errors: Option<Arc<[u16]>>,
    /// `affinity`: the requests of one client stay at one endpoint.
    pub affinity: AffinitySettings,
    /// `affinity` and what goes with it.
    pub(super) affinity_annotations: AffinityAnnotations,
    /// `canary`: the Ingress has no routes of its own, but a part of the requests for others' backends.
    pub canary: Option<Canary>,
    /// `canary` and what goes with it.
    pub(super) canary_settings: CanarySettings,
    /// What it asks for on behalf of its Services' ports.
    pub upstream: UpstreamSettings,
    /// `upstream-hash-by` and what goes with it.
    pub(super) hashing: HashAnnotations,
    /// `enable-modsecurity` and what goes with it.
    pub(super) waf: WafAnnotations,
    /// `enable-opentelemetry` and what goes with it.
    pub(super) tracing: TracingAnnotations,
    /// `server-snippet`.
    pub server_snippet: Option<ServerSnippet>,
    /// `configuration-snippet`, and the ConfigMap's `location-snippet`.
    pub location_snippet: Arc<SnippetBlock>,
    /// What is wrong with a part of a value whose other parts count.
    pub(super) complaints: Vec<String>,
}

/// What a `server-snippet` does to the hosts that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerSnippet {
    /// What it says.
    Serves(Arc<SnippetBlock>),
    /// It has a fault: all their routes answer 503.
    Denies(Denied),
}

/// What the annotations say of the limits on clients.
#[derive(Clone, Debug, Default)]
pub struct LimitAnnotations {
    /// `limit-rps`.
    pub per_second: Option<NonZero<u32>>,
    /// `limit-rpm`.
    pub per_minute: Option<NonZero<u32>>,
    /// `limit-burst-multiplier`.
    pub burst_multiplier: Option<NonZero<u32>>,
    /// `limit-connections`.
    pub connections: Option<NonZero<u32>>,
    /// `limit-allowlist`, or else the same under its former name.
    pub exempt: Option<Arc<[IpNet]>>,
}

impl LimitAnnotations {
    const BURST_MULTIPLIER: NonZero<u32> = const { NonZero::new(5).expect("not zero") };

    /// The limits on clients, which are counted in this zone; `None` where nothing is limited.
    pub(crate) fn policy(&self, zone: String) -> Option<ClientLimits> {
        let Self { per_second, per_minute, burst_multiplier, connections, ref exempt } = *self;
        per_second.or(per_minute).or(connections)?;
        Some(ClientLimits {
            zone: zone.into(),
            per_second,
            per_minute,
            burst_multiplier: burst_multiplier.unwrap_or(Self::BURST_MULTIPLIER),
            connections,
            exempt: exempt.clone().unwrap_or_default(),
        })
    }
}

impl AnnotationSettings {
    /// What an Ingress without annotations asks for.
    pub fn new(defaults: &RouteDefaults) -> Self {
        Self {
            policies: defaults.policies.as_ref().clone(),
            host: HostPolicies::default(),
            backend: defaults.backend.as_ref().clone(),
            redirect: None,
            allowlist: None,
            limits: LimitAnnotations::default(),
            use_regex: false,
            rewrite_target: None,
            forwarded_prefix: None,
            permanent_redirect: None,
            permanent_code: 301,
            temporal_redirect: None,
            temporal_code: 302,
            https: defaults.https,
            aliases: Vec::new(),
            from_to_www: false,
            ssl_passthrough: false,
            allowed_headers: defaults.allowed_headers.clone(),
            may_pass_through: defaults.ssl_passthrough,
            passwords: PasswordSettings::default(),
            client_certificates: ClientCertificateSettings::default(),
            proxy_redirect: defaults.proxy_redirect.clone(),
            proxy_ssl: ProxySslSettings::default(),
            cors: Cors::default(),
            enable_cors: false,
            external_auth: ExternalAuthSettings::default(),
            global_auth: true,
            mirror: MirrorSettings::default(),
            default_backend: None,
            custom_errors: None,
            affinity: AffinitySettings::default(),
            affinity_annotations: AffinityAnnotations::default(),
            canary: None,
            canary_settings: CanarySettings::default(),
            upstream: defaults.upstream.clone(),
            hashing: HashAnnotations::default(),
            waf: WafAnnotations::default(),
            tracing: TracingAnnotations::default(),
            server_snippet: None,
            location_snippet: Arc::clone(&defaults.location_snippet),
            complaints: Vec::new(),
        }
    }

    /// Says what is wrong with a part of a value, of which the rest counts.
    pub(super) fn complain(&mut self, complaint: impl Into<String>) {
        self.complaints.push(complaint.into());
    }

    /// Builds what several annotations say together.
    pub(super) fn finish(&mut self, defaults: &RouteDefaults) {
        self.policies.response_rewrites.redirects = self.proxy_redirect.rules(self.backend.protocol);
        self.policies.https_redirect = self.https.policy(defaults);
        if let Some(allowlist) = self.allowlist.take() {
            self.policies.source_ranges.allow = Some(allowlist);
        }
        self.policies.cors = self.enable_cors.then(|| self.cors.clone());
        let temporal = self.temporal_redirect.take().map(|location| Redirect { code: self.temporal_code, location });
        let permanent = self.permanent_redirect.take().map(|location| Redirect { code: self.permanent_code, location });
        self.redirect = temporal.or(permanent);
    }
}
