//! The policies that act on requests: each file is one behaviour, with its compiled form and its tests.
//!
//! Policies read a borrowed request and write edits; `exchange/phases.rs` holds the one order in which they run.

pub mod auth_cache;
pub(crate) mod auth_filter;
pub(crate) mod auth_header;
pub mod basic_auth;
pub mod blocked;
pub(crate) mod body_limit;
pub mod client_certificates;
pub(crate) mod client_limits;
pub mod compression;
pub mod cors;
pub mod custom_errors;
pub mod digest_auth;
pub mod error_pages;
pub mod ext_authz;
pub mod external_auth;
pub mod header_changes;
mod invalid;
pub(crate) mod map_values;
pub mod mirror;
mod networks;
pub mod password;
pub(crate) mod path_change;
mod quality;
pub mod real_ip;
pub(crate) mod redirect;
pub(crate) mod response_rate;
pub mod response_rewrites;
pub mod rewrite;
pub mod session_cookie;
pub mod snippet;
pub(crate) mod source_ranges;
mod status;
pub(crate) mod sub_filter;
mod verdict;
pub mod waf;

pub use invalid::Invalid;
pub use verdict::Verdict;

use crate::config::{self, HostPolicies, RoutePolicies};
use crate::interner::{ByAddress, Interner};
use crate::upstream::{Registry, Upstream};
use basic_auth::BasicAuth;
use client_certificates::ClientCertificates;
use client_limits::{ClientLimits, SnippetLimits, ZoneInterner};
use cors::Cors;
use custom_errors::CustomErrors;
use digest_auth::DigestAuth;
use error_pages::ErrorPages;
use external_auth::ExternalAuth;
use header_changes::HeaderChanges;
use http::HeaderValue;
use mirror::Mirror;
use real_ip::RealIp;
use response_rewrites::ResponseRewrites;
use rewrite::Rewrite;
use snippet::Snippet;
use source_ranges::SourceRanges;
use std::ops::Deref;
use std::sync::Arc;
use waf::{InvalidRules, RuleSet, RuleSetInterner};

/// A name in lower case, and a value.
type CustomHeader = (Arc<str>, HeaderValue);

/// The policies of a route. Derefs to them as they were configured; the fields are what becomes something else when it is
/// compiled. Compiled once for all routes that share the configured ones, and kept from table to table.
#[derive(Debug)]
pub struct Policies {
    configured: Arc<RoutePolicies>,
    /// Which clients are served; `None` is everybody.
    pub source_ranges: Option<SourceRanges>,
    /// How much one client may ask; `None` is as much as it likes.
    pub client_limits: Option<ClientLimits>,
    /// The same as snippets say.
    pub snippet_limits: Option<SnippetLimits>,
    /// Who may send requests, by name and password.
    pub basic_auth: Option<Arc<BasicAuth>>,
    /// The same, where clients do not show their passwords.
    pub digest_auth: Option<Arc<DigestAuth>>,
    /// Which origins may use the route; `None` does nothing about them.
    pub cors: Option<Cors>,
    /// Headers that are set on every response.
    pub custom_headers: Box<[CustomHeader]>,
    /// The server that authorizes each request.
    pub external_auth: Option<ExternalAuth>,
    /// The rules of the web application firewall. Where they cannot be used, every request is answered with 503.
    pub waf: Option<Result<Arc<RuleSet>, InvalidRules>>,
    /// The servers that get copies of requests.
    pub mirrors: Box<[Mirror]>,
    /// What is changed of the headers of requests; `None` is nothing.
    pub request_headers: Option<HeaderChanges>,
    /// The same of responses.
    pub response_headers: Option<HeaderChanges>,
    /// The path towards the backend.
    pub rewrite: Option<Rewrite>,
    /// Serves a request when the backend that was chosen for it has no endpoint.
    pub default_backend: Option<Arc<Upstream>>,
    /// Which errors another backend answers.
    pub custom_errors: Option<CustomErrors>,
    /// The bodies of responses to errors.
    pub error_pages: Option<ErrorPages>,
    /// What of a backend's responses is rewritten; `None` is nothing.
    pub response_rewrites: Option<ResponseRewrites>,
    /// What is done when the route has been found.
    pub snippet: Option<Arc<Snippet>>,
    /// Whose word is taken for a client's address.
    pub real_ip: Option<RealIp>,
}

/// The policies of a host. Derefs to them as they were configured, as [`Policies`].
#[derive(Debug)]
pub struct ServerPolicies {
    configured: Arc<HostPolicies>,
    /// What is done before a route is looked up.
    pub snippet: Option<Arc<Snippet>>,
    /// Whose word is taken for a client's address.
    pub real_ip: Option<RealIp>,
    /// What the host makes of the certificates of its clients.
    pub client_certificates: Option<ClientCertificates>,
}

/// The policies that tables hold, and what they share.
#[derive(Debug, Default)]
pub(crate) struct PolicyInterner {
    policies: Interner<ByAddress<RoutePolicies>, Policies>,
    hosts: Interner<ByAddress<HostPolicies>, ServerPolicies>,
    shared: Shared,
}

/// What the policies of several routes share: who has come in on one path is known on all, and what clients have asked for
/// outlives the limits on it.
#[derive(Debug, Default)]
struct Shared {
    basic: Interner<ByAddress<config::BasicAuth>, BasicAuth>,
    digest: Interner<ByAddress<config::DigestAuth>, DigestAuth>,
    zones: ZoneInterner,
    snippets: SnippetInterner,
    rule_sets: RuleSetInterner,
    client_verifiers: client_certificates::VerifierInterner,
}

type SnippetInterner = Interner<ByAddress<config::Block>, Snippet>;

impl PolicyInterner {
    /// The policies of a route, compiled unless a table holds them.
    ///
    /// # Errors
    /// Names the value that cannot be compiled, and what is expected.
    pub(crate) fn intern(
        &mut self,
        configured: &Arc<RoutePolicies>,
        registry: &Registry,
    ) -> Result<Arc<Policies>, Invalid> {
        let Self { policies, shared, .. } = self;
        policies.intern(&ByAddress(Arc::clone(configured)), |configured| {
            Policies::compile(Arc::clone(&configured.0), registry, shared)
        })
    }

    /// The same of a host.
    ///
    /// # Errors
    /// As [`Self::intern`].
    pub(crate) fn intern_host(&mut self, configured: &Arc<HostPolicies>) -> Result<Arc<ServerPolicies>, Invalid> {
        let Self { hosts, shared, .. } = self;
        hosts.intern(&ByAddress(Arc::clone(configured)), |ByAddress(configured)| {
            let snippet = snippet(configured.snippet.as_ref(), &mut shared.snippets)?;
            let certificates = configured.client_certificates.as_ref();
            let compile = |certificates| ClientCertificates::compile(certificates, &mut shared.client_verifiers);
            let client_certificates = certificates.map(compile).transpose()?;
            let real_ip = configured.real_ip.as_ref().map(RealIp::compile).transpose()?;
            Ok(ServerPolicies { configured: Arc::clone(configured), snippet, real_ip, client_certificates })
        })
    }
}

fn snippet(
    configured: Option<&Arc<config::Block>>,
    interner: &mut SnippetInterner,
) -> Result<Option<Arc<Snippet>>, Invalid> {
    let intern =
        |block: &Arc<config::Block>| interner.intern(&ByAddress(Arc::clone(block)), |block| Snippet::compile(&block.0));
    configured.map(intern).transpose()
}

impl Policies {
    fn compile(configured: Arc<RoutePolicies>, registry: &Registry, shared: &mut Shared) -> Result<Self, Invalid> {
        let external_auth = configured.external_auth.as_ref();
        let external_auth = external_auth.map(|server| ExternalAuth::compile(server, registry)).transpose();
        let not_a_value = |value| Invalid { value, reason: "cannot be in the value of a header".to_owned() };
        let basic_auth = configured.basic_auth.as_ref().map(|auth| {
            let interned = shared.basic.intern(&ByAddress(Arc::clone(auth)), |auth| BasicAuth::compile(&auth.0));
            interned.map_err(not_a_value)
        });
        let digest_auth = configured.digest_auth.as_ref().map(|auth| {
            let interned = shared.digest.intern(&ByAddress(Arc::clone(auth)), |auth| DigestAuth::compile(&auth.0));
            interned.map_err(not_a_value)
        });
        Ok(Self {
            source_ranges: SourceRanges::compile(&configured.source_ranges),
            client_limits: configured
                .client_limits
                .as_ref()
                .map(|limits| ClientLimits::compile(limits, &mut shared.zones)),
            snippet_limits: configured
                .snippet_limits
                .as_ref()
                .map(|limits| SnippetLimits::compile(limits, &mut shared.zones)),
            basic_auth: basic_auth.transpose()?,
            digest_auth: digest_auth.transpose()?,
            cors: configured.cors.as_ref().map(Cors::compile).transpose()?,
            custom_headers: custom_headers(&configured.custom_headers)?,
            external_auth: external_auth?,
            waf: configured.waf.as_ref().map(|waf| shared.rule_sets.intern(waf)),
            mirrors: configured
                .mirrors
                .iter()
                .map(|mirror| Mirror::compile(mirror, registry))
                .collect::<Result<_, _>>()?,
            request_headers: HeaderChanges::compile(&configured.request_headers)?,
            response_headers: HeaderChanges::compile(&configured.response_headers)?,
            rewrite: configured.rewrite.as_ref().map(Rewrite::compile).transpose()?,
            default_backend: configured.default_backend.as_ref().map(|id| registry.upstream(id)),
            custom_errors: CustomErrors::compile(&configured.custom_errors, registry),
            error_pages: configured.error_pages.as_ref().map(ErrorPages::compile),
            response_rewrites: ResponseRewrites::compile(&configured.response_rewrites)?,
            snippet: snippet(configured.snippet.as_ref(), &mut shared.snippets)?,
            real_ip: configured.real_ip.as_ref().map(RealIp::compile).transpose()?,
            configured,
        })
    }
}

impl Policies {
    /// The id of a request in the firewall's log, where that is not the request's own.
    pub(crate) fn transaction_id(&self) -> Option<&config::Template> {
        self.configured.waf.as_ref()?.transaction_id.as_ref()
    }
}

fn custom_headers(configured: &[(Arc<str>, Arc<str>)]) -> Result<Box<[CustomHeader]>, Invalid> {
    let compile = |(name, text): &(Arc<str>, Arc<str>)| match HeaderValue::from_str(text) {
        Ok(value) => Ok((name.clone(), value)),
        Err(_) => Err(Invalid { value: name.clone(), reason: "has a value that no header can have".to_owned() }),
    };
    configured.iter().map(compile).collect()
}

impl Deref for Policies {
    type Target = RoutePolicies;

    fn deref(&self) -> &RoutePolicies {
        &self.configured
    }
}

impl Deref for ServerPolicies {
    type Target = HostPolicies;

    fn deref(&self) -> &HostPolicies {
        &self.configured
    }
}
