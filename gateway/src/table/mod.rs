//! The routing table: compiled, immutable, swapped whole.
//!
//! A request normalises its path with [`normalize`](crate::request::normalize), takes one look-up ([`Table::find`]) under one load of the table
//! ([`Publisher::load`]) and keeps only its `Arc<Route>`, which points at nothing above it. A look-up takes no lock and
//! allocates nothing, except within the regex engines.

mod compile;
mod config_hash;
#[cfg(test)]
mod fixtures;
mod handle;
mod host;
mod host_index;
mod host_verdict;
mod location;
mod locations;
mod path_fit;
mod path_index;
mod request_match;
mod route;
mod route_verdict;
mod settings;
mod share;
mod stream_backends;
mod streams;

pub use handle::{Published, Publisher};
pub use host::{Host, TlsRoute};
pub use host_verdict::{HostMismatch, HostVerdict};
pub use location::Location;
pub use path_fit::PathFit;
pub use request_match::RequestMismatch;
pub use route::{Route, RouteAction, RouteBackend};
pub use route_verdict::{RouteMismatch, RouteVerdict};
pub use settings::{AddedValue, Settings};
pub use stream_backends::{StreamBackend, StreamBackends};
pub(crate) use streams::StreamKey;
pub use streams::{StreamRoute, Streams};

use crate::config::{EntryPoint, HostName, HttpPort, WwwRedirect};
use crate::pattern::Pattern;
use crate::policy::ServerPolicies;
use crate::request::{HOST_LIMIT, RequestView, canonical_host};
use crate::tls::{Refused, Termination, Terms};
use crate::upstream::Upstream;
use host_index::{EntryHosts, HostIndex};
use path_index::PathMatch;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One generation of everything that is served.
#[derive(Debug)]
pub struct Table {
    revision: u64,
    settings: Arc<Settings>,
    tls: Arc<Termination>,
    default_backend: Option<Arc<Upstream>>,
    hosts: HostIndex,
    /// The hosts that one entry point has alone; no empty ones.
    entry_hosts: BTreeMap<EntryPoint, HostIndex>,
    streams: Arc<Streams>,
    ports: Arc<[HttpPort]>,
}

/// What a table says of a request.
#[derive(Debug)]
pub enum Found<'t> {
    /// This route takes it.
    Route(&'t Arc<Route>),
    /// No route takes it, but this one would if the path ended with a slash: redirect there with 301.
    AddSlash(&'t Arc<Route>),
    /// The whole host is a redirect.
    WwwRedirect(&'t WwwRedirect),
    /// The host has no route for the path.
    NoPath(&'t Host),
    /// No virtual host has the name.
    NoHost,
    /// Matching this pattern took too many steps: answer 500, as nginx does when PCRE reaches its limit.
    PatternLimit(&'t Pattern),
}

impl<'t> Found<'t> {
    /// The policies of the host that takes the request, unless it is a redirect.
    pub fn host_policies(&self) -> Option<&'t ServerPolicies> {
        match self {
            Self::Route(route) | Self::AddSlash(route) => Some(&route.host),
            Self::NoPath(host) => Some(&host.policies),
            Self::WwwRedirect(_) | Self::NoHost | Self::PatternLimit(_) => None,
        }
    }
}

impl Table {
    /// The route of a request at an entry point whose [normalised](crate::request::normalize) path is `path`.
    ///
    /// First the host, then the path, then the rest: exact host, wildcard of one label, the longest wildcard of any depth,
    /// patterns in the order of their text, then the host that takes any. Once a host matched, no less specific one is
    /// asked. Among its paths an Exact one wins, then the longest Prefix path or regular expression; of the routes of one
    /// path that which wants most of the request. Where no route of a path takes the request, the next path is asked.
    /// Locations of snippets stand among them or within them in nginx's order ([`config::Location`](crate::config::Location)).
    pub fn find(&self, at: EntryPoint, request: &RequestView<'_>, path: &[u8]) -> Found<'_> {
        let host = match self.host(at, request.host()) {
            Ok(Some(host)) => host,
            Ok(None) => return Found::NoHost,
            Err(pattern) => return Found::PatternLimit(pattern),
        };
        if let Some(redirect) = &host.www_redirect {
            return Found::WwwRedirect(redirect);
        }
        match host.find(path, request, self.settings.path_matching) {
            PathMatch::Route(route) => Found::Route(route),
            PathMatch::AddSlash(route) => Found::AddSlash(route),
            PathMatch::None => Found::NoPath(host),
            PathMatch::Limit(pattern) => Found::PatternLimit(pattern),
        }
    }

    /// The location of this name, which begins with `@`, of the host with this raw value of a `Host` header.
    pub(crate) fn find_named(&self, at: EntryPoint, host: &str, name: &[u8]) -> Option<&Arc<Route>> {
        self.host(at, host).ok().flatten()?.locations.named(name)
    }

    fn hosts_at(&self, at: EntryPoint) -> EntryHosts<'_> {
        let is_shared = at.is_shared();
        EntryHosts { shared: is_shared.then_some(&self.hosts), own: self.entry_hosts.get(&at) }
    }

    /// The virtual host at an entry point for the raw value of a `Host` header. The error is a pattern that takes too long on it.
    ///
    /// # Errors
    /// Matching a pattern exceeds the limit of the backtracking engine: that pattern.
    pub fn host(&self, at: EntryPoint, header: &str) -> Result<Option<&Arc<Host>>, &Pattern> {
        self.hosts_at(at).find(canonical_host(header, &mut [0; HOST_LIMIT]))
    }

    /// What a handshake goes by whose ClientHello has this name: with the certificate of the exact host, or else of the
    /// wildcard host, or else with the default one. A host whose TLS section has no usable certificate has the default
    /// one at once. The host decides as well whether the client is asked for a certificate.
    ///
    /// # Errors
    /// No host has the name and `ssl-reject-handshake` is set, or the TLS settings are invalid.
    pub fn handshake(&self, at: EntryPoint, server_name: Option<&str>) -> Result<Terms, Refused> {
        let mut buffer = [0; HOST_LIMIT];
        let name = canonical_host(server_name.unwrap_or_default(), &mut buffer);
        let hosts = self.hosts_at(at);
        let found = hosts.find(name).ok().flatten();
        // Those that no other host takes are the clients of the host that takes any.
        let verifier = found.and_then(|host| host.client_verifier());
        // That host has certificates of its own where it is a listener of a Gateway; as in ingress-nginx, none of Ingresses.
        let host = found.filter(|host| host.name != HostName::Any || host.entry.is_some() && host.keys.is_some());
        if self.tls.reject_unknown && host.is_none() {
            return Err(Refused::UnrecognizedName);
        }
        let keys = host.and_then(|host| host.keys.as_ref());
        let keys = keys.or_else(|| hosts.wildcard(name)?.keys.as_ref());
        let terms = self.tls.terms(keys, verifier, self.settings.http2.enabled)?;
        // What is spoken within is between the client and the backend.
        let is_led_on = found.is_some_and(|host| host.tls_route.is_some());
        Ok(if is_led_on { terms.without_alpn() } else { terms })
    }

    /// Where a connection goes whose ClientHello has this name, which may be empty, if it is led on as a connection. As
    /// ingress-nginx, before all else. A pattern that takes too long recognises no name.
    pub fn tls_route(&self, at: EntryPoint, server_name: &str) -> Option<&Arc<TlsRoute>> {
        let hosts = self.hosts_at(at);
        hosts.find(canonical_host(server_name, &mut [0; HOST_LIMIT])).ok().flatten()?.tls_route.as_ref()
    }

    /// Whether an entry point has hosts alone: only they may belong to listeners.
    pub(crate) fn has_own_hosts(&self, at: EntryPoint) -> bool {
        self.entry_hosts.contains_key(&at)
    }

    /// Whether a request for this canonical host belongs to another listener than the one that its connection's handshake has
    /// led to. `None` where neither is one that cares: where Ingresses have both.
    pub(crate) fn is_misdirected(&self, at: EntryPoint, server_name: &str, host: &str) -> Option<bool> {
        let hosts = self.hosts_at(at);
        let found = |name: &str| hosts.find(name).ok().flatten();
        let mut buffer = [0; HOST_LIMIT];
        let of_connection = found(canonical_host(server_name, &mut buffer)).and_then(|host| host.listener.as_ref());
        match found(host) {
            Some(host) => host.listener.as_ref().map(|listener| Some(listener) != of_connection),
            None => of_connection.map(|_| false),
        }
    }

    /// All virtual hosts, in no particular order: first those of the shared entry points.
    pub fn hosts(&self) -> impl Iterator<Item = &Arc<Host>> {
        self.hosts.iter().chain(self.entry_hosts.values().flat_map(HostIndex::iter))
    }

    /// The TCP and UDP services: the same value in every table until they change.
    pub fn streams(&self) -> &Arc<Streams> {
        &self.streams
    }

    /// The ports for HTTP and HTTPS beside those of the process, likewise.
    pub fn ports(&self) -> &Arc<[HttpPort]> {
        &self.ports
    }

    /// The settings that hold with this table.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Serves what no route takes, if it is set.
    pub fn default_backend(&self) -> Option<&Arc<Upstream>> {
        self.default_backend.as_ref()
    }

    /// The revision that this table came with. Later revisions may have changed endpoints only.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}
