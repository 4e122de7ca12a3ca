//! What an Ingress comes to, before other Ingresses with the same hosts are looked at.

use super::rank::Rank;
use crate::annotation::{AffinitySettings, Canary, ServerSnippet};
use crate::diagnostic::Diagnostic;
use crate::route_defaults::{SnippetBlock, UpstreamSettings};
use gateway::config::{
    Action, BackendId, BackendPolicies, HostName, HostPolicies, Origin, PathMatching, Route, ServiceBackend, Subject,
};
use k8s_openapi::api::networking::v1::{Ingress, IngressTLS};
use litemap::LiteMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// An Ingress as translation goes on with it. There are tens of thousands, so what few have is boxed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ParsedIngress {
    /// Its place among all.
    pub(super) rank: Arc<Rank>,
    /// `Ingress default/shop`.
    pub(super) object: Subject,
    /// What it takes of others' requests, if it is a canary. It then has no routes of its own.
    pub(super) canary: Option<Box<Canary>>,
    /// Every host on whose routes it has a say.
    pub(super) claims: Box<[HostName]>,
    /// Its rules by host, also those without paths.
    pub(super) hosts: LiteMap<HostName, HostRules>,
    /// Its route for `/` where no rule has that path: to `spec.defaultBackend`, else to the gateway's default.
    pub(super) root: Route,
    /// Where that goes if redirects do not count.
    pub(super) unredirected: Action,
    /// How its backends are spoken to.
    pub(super) backend_policies: Arc<BackendPolicies>,
    /// What it asks for on behalf of its hosts.
    pub(super) host_policies: Arc<HostPolicies>,
    /// `server-snippet`.
    pub(super) server_snippet: Option<Box<ServerSnippet>>,
    /// `configuration-snippet` and the ConfigMap's `location-snippet`: for routes that inherit something from their server.
    pub(super) location_snippet: Arc<SnippetBlock>,
    /// Whether it has error pages that are no snippet's: `custom-http-errors` or `auth-signin`.
    pub(super) has_error_pages: bool,
    /// Whether it has a `spec.defaultBackend`.
    pub(super) has_default_backend: bool,
    /// Whether it has no rules, so that its default backend serves every host that nobody else serves.
    pub(super) catch_all: bool,
    /// `use-regex`.
    pub(super) use_regex: bool,
    /// `spec.tls`.
    pub(super) tls: Vec<TlsEntry>,
    /// `force-ssl-redirect`: its redirects to HTTPS hold on hosts without TLS, too.
    pub(super) always_https: bool,
    /// `server-alias`.
    pub(super) aliases: Vec<HostName>,
    /// `from-to-www-redirect`: where it says so.
    pub(super) www: Option<Box<Origin>>,
    /// `ssl-passthrough`: where it says so.
    pub(super) passthrough: Option<Box<Origin>>,
    /// What it asks for on behalf of its Services' ports.
    pub(super) upstream: Arc<UpstreamSettings>,
    /// `affinity`, for the backends of its rules.
    pub(super) affinity: AffinitySettings,
    /// The Service ports that it names.
    pub(super) references: LiteMap<ServiceBackend, Reference>,
    /// The servers that it names by URL.
    pub(super) urls: Vec<BackendId>,
}

/// The rules of one host in one Ingress.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HostRules {
    /// The first of them.
    pub(super) origin: Origin,
    /// Their paths, in order. Regular expressions are still Prefix.
    pub(super) routes: Vec<Route>,
}

/// Where an Ingress names a Service port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The first field that does.
    pub(super) field: Arc<str>,
    /// Whether a route goes there, so that the Ingress has a say in its settings.
    pub(super) routed: bool,
    /// Whether one of its rules does, so that it has a say in its affinity.
    pub(super) in_rules: bool,
}

/// An entry of `spec.tls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TlsEntry {
    /// `spec.tls[0].secretName`.
    pub(super) field: Arc<str>,
    /// Its hosts, in lower case and without a trailing dot.
    pub(super) hosts: Box<[String]>,
    /// The name of its Secret, if it has one.
    pub(super) secret: Option<Arc<str>>,
}

/// Hosts that an Ingress names, and that are not served on its behalf.
#[derive(Debug)]
pub(super) struct NotServed {
    /// As it writes them.
    pub(super) hosts: Vec<String>,
    /// Why not.
    pub(super) why: Diagnostic,
}

impl TlsEntry {
    /// The entries of a `spec.tls`.
    pub(super) fn read(tls: &[IngressTLS]) -> Vec<Self> {
        let entry = |(index, tls): (usize, &IngressTLS)| Self {
            field: format!("spec.tls[{index}].secretName").into(),
            hosts: tls.hosts.iter().flatten().map(|host| host.trim_end_matches('.').to_ascii_lowercase()).collect(),
            secret: tls.secret_name.as_deref().filter(|name| !name.is_empty()).map(Into::into),
        };
        tls.iter().enumerate().map(entry).collect()
    }
}

impl NotServed {
    /// All hosts of an Ingress that is not ours.
    pub(super) fn all(ingress: &Ingress, why: Diagnostic) -> Self {
        let rules = ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten());
        Self { hosts: rules.filter_map(|rule| rule.host.clone()).collect(), why }
    }
}

impl ParsedIngress {
    /// The hosts of its rules, its aliases, the `www` counterparts that it redirects, and any host that it serves by default.
    pub(super) fn hosts_claimed(&self, matching: PathMatching) -> BTreeSet<HostName> {
        let mut claims: BTreeSet<_> = self.hosts.keys().cloned().collect();
        if !claims.is_empty() {
            claims.extend(self.aliases.iter().cloned());
        }
        if self.www.is_some() {
            claims.extend(self.hosts.keys().filter_map(HostName::www_counterpart));
        }
        if self.serves_any_host(matching) {
            claims.insert(HostName::Any);
        }
        claims
    }

    /// Whether its default backend serves hosts that no rule names: in ingress-nginx only without rules (P35), by the
    /// letter always (C08).
    pub(super) fn serves_any_host(&self, matching: PathMatching) -> bool {
        self.has_default_backend && (self.catch_all || matching == PathMatching::Strict)
    }

    /// A diagnostic about one of its fields.
    pub(super) fn warning(&self, field: impl Into<Arc<str>>, message: impl Into<Arc<str>>) -> Diagnostic {
        Diagnostic::warning(self.object.clone(), field, message).at(self.rank.age.place.clone())
    }
}
