use super::path_index::{PathIndex, PathMatch};
use super::route::{Locations, Route};
use super::stream_backends::StreamBackends;
use crate::config::{self, EntryPoint, HostName, Origin, PathMatching, WwwRedirect};
use crate::pattern::Pattern;
use crate::policy::ServerPolicies;
use crate::policy::client_certificates::ClientCertificates;
use crate::request::RequestView;
use crate::tls::Keys;
use crate::tls::backend::BackendTls;
use crate::tls::client::ClientVerifier;
use crate::upstream::Registry;
use std::sync::Arc;
use std::time::Duration;

/// A compiled virtual host.
#[derive(Debug)]
pub struct Host {
    pub(super) name: HostName,
    /// The entry point that has it alone, if one does.
    pub(super) entry: Option<EntryPoint>,
    /// The compiled name of a [`HostName::Pattern`].
    pub(super) pattern: Option<Box<Pattern>>,
    pub(super) www_redirect: Option<Box<WwwRedirect>>,
    /// Its certificates; without any, the default one. `None` where no TLS section names it.
    pub(super) keys: Option<Arc<Keys>>,
    /// The listener whose connections alone have its requests ([`crate::config::HostTls::listener`]).
    pub(super) listener: Option<HostName>,
    pub(super) tls_route: Option<Arc<TlsRoute>>,
    pub(super) policies: Arc<ServerPolicies>,
    pub(super) paths: PathIndex,
    /// Asked one after the other where no path takes the request.
    pub(super) less_specific: Box<[PathIndex]>,
    pub(super) locations: Locations,
    /// There are locations, here or within the routes.
    pub(super) has_locations: bool,
}

impl Host {
    /// The entry point that has it alone; `None` if all have it.
    pub fn entry(&self) -> Option<EntryPoint> {
        self.entry
    }

    /// Its name for a person, with the entry point that has it alone.
    pub fn title(&self) -> String {
        EntryPoint::title(self.entry, &self.name)
    }

    /// The name it answers to.
    pub fn name(&self) -> &HostName {
        &self.name
    }

    /// Whether the pattern of its name matches a canonical host. The error is the pattern, where it takes too long.
    pub(super) fn matches_pattern(&self, host: &str) -> Result<bool, &Pattern> {
        match self.pattern.as_deref() {
            Some(pattern) if !host.is_empty() => pattern.is_match(host.as_bytes()).map_err(|_| pattern),
            _ => Ok(false),
        }
    }

    /// Set if the host is only a redirect to its counterpart with or without `www.`.
    pub fn www_redirect(&self) -> Option<&WwwRedirect> {
        self.www_redirect.as_deref()
    }

    /// Where its TLS connections go, if they are led on as connections.
    pub fn tls_route(&self) -> Option<&TlsRoute> {
        self.tls_route.as_deref()
    }

    /// What is done to its requests, whichever route takes them.
    pub fn policies(&self) -> &Arc<ServerPolicies> {
        &self.policies
    }

    /// What asks its clients for a certificate, if it wants any.
    pub(super) fn client_verifier(&self) -> Option<&Arc<ClientVerifier>> {
        match self.policies.client_certificates.as_ref()? {
            ClientCertificates::Verified(verification) => verification.verifier(),
            ClientCertificates::Denied(_) => None,
        }
    }

    /// The route for a request with this normalised path.
    pub(super) fn find(&self, path: &[u8], request: &RequestView<'_>, mode: PathMatching) -> PathMatch<'_> {
        let found = if self.has_locations {
            self.locations.find(&self.paths, path, request, mode)
        } else {
            self.paths.find(path, request, mode)
        };
        match found {
            PathMatch::None => self.find_less_specific(path, request, mode),
            found => found,
        }
    }

    fn find_less_specific(&self, path: &[u8], request: &RequestView<'_>, mode: PathMatching) -> PathMatch<'_> {
        let found = self.less_specific.iter().map(|paths| paths.find(path, request, mode));
        found.into_iter().find(|found| !matches!(found, PathMatch::None)).unwrap_or(PathMatch::None)
    }

    /// The locations of its snippets: those that are a path, then the prefixes, the longest first, then the regular
    /// expressions in their order. Those within others or within its routes are not among them.
    pub fn locations(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.locations.routes()
    }

    /// Its routes in order of precedence: longer paths first; at equal length Exact, Prefix, then Regex. (An Exact
    /// path that matches wins over longer ones.)
    pub fn routes(&self) -> &[Arc<Route>] {
        self.paths.routes()
    }

    /// The routes of less specific names, which are asked where none of [`Self::routes`] takes a request.
    pub fn less_specific(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.less_specific.iter().flat_map(|paths| paths.routes())
    }
}

/// Where the TLS connections of a host are led on to.
#[derive(Debug)]
pub struct TlsRoute {
    /// Who gets them.
    pub backends: StreamBackends,
    /// TLS ends here.
    pub terminates: bool,
    /// How long one endpoint may take to accept.
    pub connect_timeout: Duration,
    /// What asks for it.
    pub origin: Origin,
}

impl TlsRoute {
    /// Compiles what is declared. See [`StreamBackends::compile`].
    pub(super) fn compile(
        declared: &config::TlsRoute,
        registry: &Registry,
        compile_tls: impl FnMut(&Arc<config::BackendTls>) -> Option<Arc<BackendTls>>,
    ) -> Self {
        let config::TlsRoute { backends, terminates, connect_timeout, origin } = declared;
        Self {
            backends: StreamBackends::compile(backends, "", registry, compile_tls),
            terminates: *terminates,
            connect_timeout: *connect_timeout,
            origin: origin.clone(),
        }
    }
}
