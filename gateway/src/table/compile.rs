use super::host::{Host, TlsRoute};
use super::location::Location;
use super::path_index::PathIndex;
use super::request_match::{BackendCondition, RequestMatch};
use super::route::{Locations, Route, RouteAction, RouteBackend};
use crate::config::{
    self, Action, BackendPolicies, EntryPoint, HostName, HostTls, Origin, Owner, PathKind, Rejection, RejectionCause,
    RouteLabels, Subject, VirtualHost,
};
use crate::interner::{Interner, Pool};
use crate::pattern::{Anchor, Pattern};
use crate::policy::header_changes::HeaderChanges;
use crate::policy::{Invalid, PolicyInterner, ServerPolicies};
use crate::tls::backend::BackendTls;
use crate::tls::{KeyInterner, Keys};
use crate::upstream::{Registry, Upstream};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The labels of routes. What is counted under them outlives the tables that name the route.
pub(super) type LabelPool = Pool<RouteLabels>;

/// How TLS is spoken to backends. Connections that are kept are of one of these.
pub(super) type BackendTlsInterner = Interner<config::BackendTls, BackendTls>;

/// How large the regular expressions of one host may be together ([`Pattern::size`]). The routes after it are refused,
/// which are those of the host's youngest Ingresses.
const HOST_PATTERN_LIMIT: usize = 100_000;

/// Compiles virtual hosts, looking up what outlives a table.
pub(super) struct Compiler<'a> {
    pub(super) registry: &'a Registry,
    pub(super) labels: &'a mut LabelPool,
    pub(super) policies: &'a mut PolicyInterner,
    pub(super) keys: &'a mut KeyInterner,
    pub(super) backend_tls: &'a mut BackendTlsInterner,
    pub(super) rejected: &'a mut Vec<Rejection>,
    /// The entry point that has the hosts alone, if one does.
    pub(super) entry: Option<EntryPoint>,
}

impl Compiler<'_> {
    /// Compiles one virtual host. A bad route is rejected alone; `Err` is a host that has to keep its former state,
    /// because compiling it panicked.
    pub(super) fn host(&mut self, host: &VirtualHost) -> Result<Option<Arc<Host>>, Panicked> {
        contain(|| self.compile(host)).map_err(|message| {
            let message = format!(
                "cannot be compiled, because of a defect of Adit ({message}); what was served before stays in effect"
            );
            let rejection = Rejection::new(origin(host), host.name.to_string(), message);
            self.rejected.push(Rejection { cause: RejectionCause::Defect, ..rejection });
            Panicked
        })
    }

    fn compile(&mut self, host: &VirtualHost) -> Option<Arc<Host>> {
        let pattern = match &host.name {
            HostName::Pattern(text) => match Pattern::new(text, Anchor::Anywhere) {
                Ok(pattern) => Some(Box::new(pattern)),
                Err(error) => {
                    let message = format!("{error}; the host is not served");
                    self.rejected.push(Rejection::new(origin(host), text.clone(), message));
                    return None;
                }
            },
            HostName::Any | HostName::Exact(_) | HostName::Wildcard(_) | HostName::Subdomains(_) => None,
        };
        let label = match &host.name {
            HostName::Exact(name) => Arc::clone(name),
            name => name.to_string().into(),
        };
        let policies = match self.policies.intern_host(&host.policies) {
            Ok(policies) => policies,
            Err(Invalid { value, reason }) => {
                self.rejected.push(Rejection::new(origin(host), value, format!("{reason}; the host is not served")));
                return None;
            }
        };
        let (locations, within) = match self.all_locations(host, &policies, &label) {
            Ok(compiled) => compiled,
            Err(rejection) => {
                // Without one that refuses requests, a path would take them.
                self.rejected.push(rejection);
                return None;
            }
        };
        let has_locations = locations.routes().next().is_some() || !within.is_empty();
        let (mut size, shared) = (0, (&policies, &label));
        let paths = self.paths(&host.routes, &within, shared, &mut size);
        let no_locations = SharedLocations::new();
        let less_specific =
            host.less_specific.iter().map(|routes| self.paths(routes, &no_locations, shared, &mut size));
        let less_specific = less_specific.collect();
        let keys = host.tls.as_ref().map(|tls| self.keys(tls, &label));
        let listener = host.tls.as_ref().and_then(|tls| tls.listener.clone());
        let tls_route = host.tls_route.as_ref().map(|route| Arc::new(self.tls_route(route)));
        let (name, www_redirect) = (host.name.clone(), host.www_redirect.clone());
        Some(Arc::new(Host {
            name,
            entry: self.entry,
            pattern,
            www_redirect,
            keys,
            listener,
            tls_route,
            policies,
            paths,
            less_specific,
            locations,
            has_locations,
        }))
    }

    fn tls_route(&mut self, route: &config::TlsRoute) -> TlsRoute {
        TlsRoute::compile(route, self.registry, |settings| {
            self.backend_tls
                .intern(settings, BackendTls::compile)
                .map_err(|reason| {
                    let message = format!("{reason}; its connections are closed");
                    self.rejected.push(Rejection::new(route.origin.clone(), "TLS to the backend", message));
                })
                .ok()
        })
    }

    /// An index of routes. `size` is that of the patterns of the host so far.
    fn paths(
        &mut self,
        routes: &[config::Route],
        within: &SharedLocations,
        (policies, label): (&Arc<ServerPolicies>, &Arc<str>),
        size: &mut usize,
    ) -> PathIndex {
        let mut compiled = Vec::with_capacity(routes.len());
        for route in routes {
            let within = within.get(&Arc::as_ptr(&route.locations)).cloned();
            match self.route(route, within, policies, label).and_then(|compiled| within_host(compiled, size)) {
                Ok(route) => compiled.push(route),
                Err(rejection) => self.rejected.push(rejection),
            }
        }
        let (paths, shadowed) = PathIndex::new(compiled);
        self.rejected.extend(shadowed.iter().map(|shadowed| Rejection {
            origin: shadowed.loser.origin.clone(),
            value: Arc::clone(&shadowed.loser.matches.path.value),
            message: format!("is already a path of this host in {}: this route is not served", shadowed.winner.origin),
            cause: RejectionCause::Conflict(shadowed.winner.origin.clone()),
        }));
        paths
    }

    /// A bad certificate is rejected alone.
    fn keys(&mut self, tls: &HostTls, host: &Arc<str>) -> Arc<Keys> {
        let (keys, faults) = Keys::compile(&*tls.certificates, self.keys);
        let instead = if keys.is_empty() { "the default certificate" } else { "the other certificate of the host" };
        self.rejected.extend(faults.into_iter().map(|(certificate, fault)| {
            let message = format!("cannot be served with this certificate: {fault}; {instead} is served instead");
            Rejection::new(certificate.origin.clone(), Arc::clone(host), message)
        }));
        Arc::new(keys)
    }

    fn route(
        &mut self,
        route: &config::Route,
        within: Option<Arc<Locations>>,
        host: &Arc<ServerPolicies>,
        label: &Arc<str>,
    ) -> Result<Compiled, Rejection> {
        let invalid = |Invalid { value, reason }| {
            Rejection::new(route.origin.clone(), value, format!("{reason}; the route is not served"))
        };
        let path = &route.matches.path;
        let pattern = match path.kind {
            PathKind::Exact | PathKind::Prefix => None,
            PathKind::Regex => {
                let pattern = Pattern::new(&path.value, Anchor::Start);
                Some(
                    pattern
                        .map_err(|error| invalid(Invalid { value: path.value.clone(), reason: error.to_string() }))?,
                )
            }
        };
        let compiled = self.compiled(route, None, host, label).map_err(invalid)?;
        Ok((Arc::new(Route { locations: within, ..compiled }), pattern))
    }

    /// The locations of a host, and those within its routes: once for all routes that share them.
    fn all_locations(
        &mut self,
        host: &VirtualHost,
        policies: &Arc<ServerPolicies>,
        label: &Arc<str>,
    ) -> Result<(Locations, SharedLocations), Rejection> {
        let mut within = SharedLocations::new();
        for route in host.routes.iter().filter(|route| !route.locations.is_empty()) {
            if let Entry::Vacant(entry) = within.entry(Arc::as_ptr(&route.locations)) {
                entry.insert(Arc::new(self.locations(&route.locations, true, policies, label)?));
            }
        }
        Ok((self.locations(&host.locations, false, policies, label)?, within))
    }

    fn locations(
        &mut self,
        locations: &[config::Location],
        are_in_path: bool,
        host: &Arc<ServerPolicies>,
        label: &Arc<str>,
    ) -> Result<Locations, Rejection> {
        let compiled = locations.iter().map(|location| self.location(location, are_in_path, host, label));
        Ok(Locations::new(&compiled.collect::<Result<Vec<_>, _>>()?))
    }

    fn location(
        &mut self,
        location: &config::Location,
        is_in_path: bool,
        host: &Arc<ServerPolicies>,
        label: &Arc<str>,
    ) -> Result<Arc<Route>, Rejection> {
        let config::Location { kind, route } = location;
        let invalid = |Invalid { value, reason }| {
            Rejection::new(route.origin.clone(), value, format!("{reason}; the host is not served"))
        };
        let text = &route.matches.path.value;
        let compiled = Location::compile(*kind, is_in_path, text)
            .map_err(|error| Invalid { value: text.clone(), reason: error.to_string() })
            .and_then(|location| self.compiled(route, Some(location), host, label));
        let compiled = compiled.map_err(invalid)?;
        let within = self.locations(&route.locations, is_in_path, host, label)?;
        let locations = (!route.locations.is_empty()).then(|| Arc::new(within));
        Ok(Arc::new(Route { locations, ..compiled }))
    }

    /// A route without the locations within it, whose path is no pattern as far as this is concerned.
    fn compiled(
        &mut self,
        route: &config::Route,
        location: Option<Location>,
        host: &Arc<ServerPolicies>,
        label: &Arc<str>,
    ) -> Result<Route, Invalid> {
        let path = &route.matches.path;
        let policies = self.policies.intern(&route.policies, self.registry)?;
        if let Some(Err(error)) = &policies.waf {
            let message = format!("has a firewall that cannot be used: {error}; every request is answered with 503");
            self.rejected.push(Rejection::new(route.origin.clone(), Arc::clone(&path.value), message));
        }
        Ok(Route {
            origin: route.origin.clone(),
            labels: self.labels(label, path, &route.owner, ""),
            request_match: RequestMatch::compile(&route.matches)?,
            matches: route.matches.clone(),
            location: location.map(Box::new),
            locations: None,
            action: match &route.action {
                Action::Forward(backends) => {
                    let backends = backends.iter().map(|backend| self.backend(backend, label, path));
                    RouteAction::Forward(backends.collect::<Result<_, _>>()?)
                }
                Action::DefaultBackend(policies) => RouteAction::DefaultBackend(Arc::clone(policies)),
                Action::Reply(status) => RouteAction::Reply(*status),
                Action::NotFound => RouteAction::NotFound,
                Action::Redirect(redirect) => RouteAction::Redirect(redirect.clone()),
                Action::UrlRedirect(redirect) => RouteAction::UrlRedirect(redirect.clone()),
            },
            host: Arc::clone(host),
            policies,
        })
    }

    fn backend(
        &mut self,
        backend: &config::RouteBackend,
        host: &Arc<str>,
        path: &config::PathMatch,
    ) -> Result<RouteBackend, Invalid> {
        let upstream = match &backend.affinity {
            Some(affinity) => self.registry.upstream_with_sessions(&backend.backend, affinity.mode),
            None => self.registry.upstream(&backend.backend),
        };
        let canary = if backend.canary { upstream.name() } else { "" };
        Ok(RouteBackend {
            weight: backend.weight,
            when: backend.when.as_ref().map(|when| condition(when, &upstream)).transpose()?,
            canary: backend.canary,
            affinity: backend.affinity.clone(),
            labels: self.labels(host, path, &backend.owner, canary),
            tls: self.backend_tls(&backend.policies)?,
            request_headers: header_changes(backend.policies.request_headers.as_deref())?,
            response_headers: header_changes(backend.policies.response_headers.as_deref())?,
            policies: Arc::clone(&backend.policies),
            upstream,
        })
    }

    fn backend_tls(&mut self, policies: &BackendPolicies) -> Result<Option<Arc<BackendTls>>, Invalid> {
        let Some(settings) = &policies.tls else { return Ok(None) };
        let invalid = |reason| Invalid { value: "TLS to the backend".into(), reason };
        self.backend_tls.intern(settings, BackendTls::compile).map(Some).map_err(invalid)
    }

    fn labels(&mut self, host: &Arc<str>, path: &config::PathMatch, owner: &Owner, canary: &str) -> Arc<RouteLabels> {
        let (host, path) = (Arc::clone(host), Arc::clone(&path.value));
        self.labels.share(Arc::new(RouteLabels { host, path, owner: owner.clone(), canary: canary.into() }))
    }
}

fn condition(when: &config::Condition, upstream: &Arc<Upstream>) -> Result<Box<BackendCondition>, Invalid> {
    BackendCondition::compile(when, upstream).map(Box::new)
}

fn header_changes(changes: Option<&config::HeaderChanges>) -> Result<Option<Box<HeaderChanges>>, Invalid> {
    Ok(changes.map_or(Ok(None), HeaderChanges::compile)?.map(Box::new))
}

/// The locations within routes of a host that are compiled already, by where they lie.
type SharedLocations = HashMap<*const [config::Location], Arc<Locations>>;

/// A route, with the pattern of its path if it has one.
type Compiled = (Arc<Route>, Option<Pattern>);

/// Refuses a route whose pattern is too much for its host, of whose patterns `size` is known.
fn within_host(compiled: Compiled, size: &mut usize) -> Result<Compiled, Rejection> {
    let (route, pattern) = &compiled;
    let with_it = *size + pattern.as_ref().map_or(0, Pattern::size);
    if with_it > HOST_PATTERN_LIMIT {
        let message = format!(
            "is one regular expression too many: those of a host may have {HOST_PATTERN_LIMIT} characters together, with \
             their repetitions written out; the route is not served"
        );
        return Err(Rejection::new(route.origin.clone(), Arc::clone(&route.matches.path.value), message));
    }
    *size = with_it;
    Ok(compiled)
}

/// Compiling a virtual host panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panicked;

/// Runs `compile` and turns a panic into its message, so that one host's configuration cannot stop the others'.
fn contain<T>(compile: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(compile)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        text.unwrap_or("panic without a message").to_owned()
    })
}

/// What to blame for a fault of the whole host.
fn origin(host: &VirtualHost) -> Origin {
    let redirect = host.www_redirect.as_ref().map(|redirect| &redirect.origin);
    let first = redirect.or(host.routes.first().map(|route| &route.origin));
    first.cloned().unwrap_or_else(|| Origin::new(Subject::other("virtual host"), "name"))
}

#[cfg(test)]
mod tests;
