use super::host::{Host, Passthrough};
use super::path_index::PathIndex;
use super::request_match::{BackendCondition, RequestMatch};
use super::route::{Route, RouteAction, RouteBackend};
use crate::config::{
    self, Action, BackendPolicies, HostName, HostTls, Origin, Owner, PathKind, Rejection, RejectionCause, RouteLabels,
    Subject, VirtualHost,
};
use crate::interner::Interner;
use crate::pattern::{Anchor, Pattern};
use crate::policy::{Invalid, PolicyInterner, ServerPolicies};
use crate::tls::backend::BackendTls;
use crate::tls::{KeyInterner, Keys};
use crate::upstream::Registry;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The labels of routes. What is counted under them outlives the tables that name the route.
pub(super) type LabelInterner = Interner<RouteLabels, RouteLabels>;

/// How TLS is spoken to backends. Connections that are kept are of one of these.
pub(super) type BackendTlsInterner = Interner<config::BackendTls, BackendTls>;

/// How large the regular expressions of one host may be together ([`Pattern::size`]). The routes after it are refused,
/// which are those of the host's youngest Ingresses.
const HOST_PATTERN_LIMIT: usize = 100_000;

/// Compiles virtual hosts, looking up what outlives a table.
pub(super) struct Compiler<'a> {
    pub(super) registry: &'a Registry,
    pub(super) labels: &'a mut LabelInterner,
    pub(super) policies: &'a mut PolicyInterner,
    pub(super) keys: &'a mut KeyInterner,
    pub(super) backend_tls: &'a mut BackendTlsInterner,
    pub(super) rejected: &'a mut Vec<Rejection>,
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
                Ok(pattern) => Some(pattern),
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
        let mut routes = Vec::with_capacity(host.routes.len());
        let mut size = 0;
        for route in &host.routes {
            match self.route(route, &policies, &label).and_then(|compiled| within_host(compiled, &mut size)) {
                Ok(compiled) => routes.push(compiled),
                Err(rejection) => self.rejected.push(rejection),
            }
        }
        let (paths, shadowed) = PathIndex::new(routes);
        self.rejected.extend(shadowed.iter().map(|shadowed| Rejection {
            origin: shadowed.loser.origin.clone(),
            value: Arc::clone(&shadowed.loser.matches.path.value),
            message: format!("is already a path of this host in {}: this route is not served", shadowed.winner.origin),
            cause: RejectionCause::Conflict(shadowed.winner.origin.clone()),
        }));
        let keys = host.tls.as_ref().map(|tls| self.keys(tls, &label));
        let passthrough = host.passthrough.as_ref().map(|passthrough| {
            let config::Passthrough { backend, connect_timeout, origin } = passthrough;
            let upstream = self.registry.upstream(backend);
            Arc::new(Passthrough { upstream, connect_timeout: *connect_timeout, origin: origin.clone() })
        });
        let (name, www_redirect) = (host.name.clone(), host.www_redirect.clone());
        Some(Arc::new(Host { name, pattern, www_redirect, keys, passthrough, policies, paths }))
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
        host: &Arc<ServerPolicies>,
        label: &Arc<str>,
    ) -> Result<Compiled, Rejection> {
        let reject = |value: Arc<str>, message: String| {
            Rejection::new(route.origin.clone(), value, format!("{message}; the route is not served"))
        };
        let invalid = |Invalid { value, reason }| reject(value, reason);
        let path = &route.matches.path;
        let pattern = match path.kind {
            PathKind::Exact | PathKind::Prefix => None,
            PathKind::Regex => {
                let pattern = Pattern::new(&path.value, Anchor::Start);
                Some(pattern.map_err(|error| reject(Arc::clone(&path.value), error.to_string()))?)
            }
        };
        let policies = self.policies.intern(&route.policies, self.registry).map_err(invalid)?;
        if let Some(Err(error)) = &policies.waf {
            let message = format!("has a firewall that cannot be used: {error}; every request is answered with 503");
            self.rejected.push(Rejection::new(route.origin.clone(), Arc::clone(&path.value), message));
        }
        let compiled = Route {
            origin: route.origin.clone(),
            labels: self.labels(label, path, &route.owner, ""),
            request_match: RequestMatch::compile(&route.matches).map_err(invalid)?,
            matches: route.matches.clone(),
            action: match &route.action {
                Action::Forward(backends) => {
                    let backends = backends.iter().map(|backend| self.backend(backend, label, path));
                    RouteAction::Forward(backends.collect::<Result<_, _>>().map_err(invalid)?)
                }
                Action::DefaultBackend(policies) => RouteAction::DefaultBackend(Arc::clone(policies)),
                Action::Reply(status) => RouteAction::Reply(*status),
                Action::Redirect(redirect) => RouteAction::Redirect(redirect.clone()),
            },
            host: Arc::clone(host),
            policies,
        };
        Ok((Arc::new(compiled), pattern))
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
            when: backend.when.as_ref().map(|when| BackendCondition::compile(when, &upstream)).transpose()?,
            canary: backend.canary,
            affinity: backend.affinity.clone(),
            labels: self.labels(host, path, &backend.owner, canary),
            tls: self.backend_tls(&backend.policies)?,
            policies: Arc::clone(&backend.policies),
            upstream,
        })
    }

    fn backend_tls(&mut self, policies: &BackendPolicies) -> Result<Option<Arc<BackendTls>>, Invalid> {
        let Some(settings) = &policies.tls else { return Ok(None) };
        let invalid = |reason| Invalid { value: "proxy-ssl-secret".into(), reason };
        self.backend_tls.intern(settings, BackendTls::compile).map(Some).map_err(invalid)
    }

    fn labels(&mut self, host: &Arc<str>, path: &config::PathMatch, owner: &Owner, canary: &str) -> Arc<RouteLabels> {
        let (host, path) = (Arc::clone(host), Arc::clone(&path.value));
        let labels = RouteLabels { host, path, owner: owner.clone(), canary: canary.into() };
        let Ok(shared) = self.labels.intern(&labels, |labels| Ok::<_, Infallible>(labels.clone()));
        shared
    }
}

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
mod tests {
    use super::super::fixtures;
    use super::*;
    use crate::config::{Condition, HeaderMatch, HostPolicies, Rewrite, RouteMatch, RoutePolicies, ValueMatch};
    use crate::policy::snippet::fixture::{block, rewrite};

    fn compile(host: &VirtualHost) -> (Option<Arc<Host>>, Vec<Rejection>) {
        let mut rejected = Vec::new();
        let (registry, mut labels, mut policies) =
            (Registry::default(), LabelInterner::default(), PolicyInterner::default());
        let mut compiler = Compiler {
            registry: &registry,
            labels: &mut labels,
            policies: &mut policies,
            keys: &mut KeyInterner::default(),
            backend_tls: &mut BackendTlsInterner::default(),
            rejected: &mut rejected,
        };
        let host = compiler.host(host).expect("no panic");
        (host, rejected)
    }

    #[test]
    fn a_bad_route_is_rejected_alone() {
        let mut host = fixtures::virtual_host("h", &[(PathKind::Regex, "/foo("), (PathKind::Regex, "/ok")]);
        let rewrite = Rewrite { pattern: "/ok".into(), target: "/$x".into(), forwarded_prefix: None };
        let mut broken = host.routes[1].clone();
        broken.matches = RouteMatch::path(PathKind::Regex, "/broken");
        broken.policies = Arc::new(RoutePolicies { rewrite: Some(rewrite), ..RoutePolicies::default() });
        host.routes.push(broken);
        let (compiled, rejected) = compile(&host);
        let paths: Vec<_> = compiled.expect("served").routes().iter().map(|route| route.labels.path.clone()).collect();
        assert_eq!(paths, ["/ok".into()]);
        let values: Vec<_> = rejected.iter().map(|rejection| &*rejection.value).collect();
        assert_eq!(values, ["/foo(", "/$x"]);
        assert_eq!(rejected[0].origin, host.routes[0].origin);
        assert_eq!(rejected[0].message, "is not a valid regular expression: unclosed group; the route is not served");
    }

    #[test]
    fn of_equal_routes_the_first_comes_first() {
        let routes =
            [(PathKind::Exact, "/a"), (PathKind::Prefix, "/a"), (PathKind::Prefix, "/a"), (PathKind::Prefix, "/a")];
        let host = fixtures::virtual_host("h", &routes);
        let (compiled, rejected) = compile(&host);
        let origins: Vec<_> = compiled.expect("served").routes().iter().map(|route| route.origin.clone()).collect();
        let declared: Vec<_> = host.routes.iter().map(|route| route.origin.clone()).collect();
        assert_eq!(origins, declared, "none is dropped");
        let losers: Vec<_> = rejected.iter().map(|rejection| rejection.origin.clone()).collect();
        assert_eq!(losers, [host.routes[2].origin.clone(), host.routes[3].origin.clone()]);
        assert!(rejected.iter().all(|rejection| rejection.message.contains(&host.routes[1].origin.to_string())));
    }

    #[test]
    fn the_patterns_of_a_host_are_bounded_together() {
        let paths: Vec<_> = (0..23).map(|number| format!("/{number}[a-z]{{4500}}")).collect();
        let routes: Vec<_> = paths.iter().map(|path| (PathKind::Regex, path.as_str())).collect();
        let (compiled, rejected) = compile(&fixtures::virtual_host("h", &routes));
        assert_eq!(compiled.expect("served").routes().len(), 22);
        let [rejection] = rejected.as_slice() else { panic!("{rejected:?}") };
        assert_eq!(&*rejection.value, paths[22]);
        assert!(rejection.message.contains("one regular expression too many"), "{rejection:?}");
    }

    #[test]
    fn a_bad_host_pattern_rejects_the_host() {
        let (compiled, rejected) = compile(&fixtures::virtual_host("~a(", &[(PathKind::Prefix, "/")]));
        assert!(compiled.is_none());
        assert_eq!(&*rejected[0].value, "a(");
    }

    #[test]
    fn a_bad_snippet_rejects_its_host_or_its_route() {
        let bad = || Some(Arc::new(block([rewrite("( /b")])));
        let mut host = fixtures::virtual_host("h", &[(PathKind::Prefix, "/a"), (PathKind::Prefix, "/b")]);
        host.routes[0].policies = Arc::new(RoutePolicies { snippet: bad(), ..RoutePolicies::default() });
        let (compiled, rejected) = compile(&host);
        assert_eq!((compiled.expect("served").routes().len(), &*rejected[0].value), (1, "("));
        host.policies = Arc::new(HostPolicies { snippet: bad(), ..HostPolicies::default() });
        let (compiled, rejected) = compile(&host);
        assert!(compiled.is_none() && rejected[0].message.ends_with("the host is not served"), "{rejected:?}");
    }

    #[test]
    fn routes_share_upstreams_labels_and_policies() {
        let mut host = fixtures::virtual_host("h", &[(PathKind::Prefix, "/a"), (PathKind::Exact, "/a")]);
        let policies = Arc::new(RoutePolicies { body_limit: None, ..RoutePolicies::default() });
        for route in &mut host.routes {
            route.action = Action::Forward([fixtures::backend("svc")].into());
            route.policies = Arc::clone(&policies);
        }
        let (compiled, _) = compile(&host);
        let compiled = compiled.expect("served");
        let [first, second] = compiled.routes() else { panic!("two routes") };
        assert!(Arc::ptr_eq(&first.labels, &second.labels));
        assert!(Arc::ptr_eq(&first.policies, &second.policies) && first.policies.body_limit.is_none());
        let ([a], [b]) = (first.backends(), second.backends()) else { panic!("a backend each") };
        assert!(Arc::ptr_eq(&a.upstream, &b.upstream) && a.upstream.name() == "default-svc-80");
        assert!(Arc::ptr_eq(&a.labels, &b.labels) && *a.labels.owner.service == *"svc");
    }

    #[test]
    fn a_header_that_cannot_be_rejects_its_route() {
        let headers = [("x y", ValueMatch::Exact("1".into())), ("x-y", ValueMatch::Regex("(".into()))];
        for (name, value) in headers {
            let matches = RouteMatch::path(PathKind::Prefix, "/");
            let wanted = HeaderMatch { name: name.into(), value: value.clone() };
            let bad = RouteMatch { headers: [wanted.clone()].into(), ..matches.clone() };
            let backend = config::RouteBackend { when: Some(Condition::Header(wanted)), ..fixtures::backend("svc") };
            let mut conditional = fixtures::route("h", 1, matches);
            conditional.action = Action::Forward([backend].into());
            let host = fixtures::host_of("h", vec![fixtures::route("h", 0, bad), conditional]);
            let (compiled, rejected) = compile(&host);
            assert!(compiled.expect("served").routes().is_empty());
            let at_fault = if name == "x y" { "x y" } else { "(" };
            assert_eq!(rejected.iter().map(|rejection| &*rejection.value).collect::<Vec<_>>(), [at_fault; 2]);
        }
    }

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(contain(|| 1), Ok(1));
        assert_eq!(contain(|| -> u8 { panic!("broken {}", 1) }), Err("broken 1".into()));
    }
}
