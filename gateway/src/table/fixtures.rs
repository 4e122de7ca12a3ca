//! Tables for tests, and what they answer, as plain values.

use super::{Found, Publisher, Table};
use crate::config::{
    Action, EntryPoint, GatewaySettings, HostName, Origin, Owner, PathKind, PathMatching, Route, RouteBackend,
    RouteMatch, ServiceBackend, Subject, Update, VirtualHost,
};
use crate::headers::Headers;
use crate::request::{RequestView, normalize};
use arc_swap::Guard;
use http::{HeaderMap, HeaderValue, Method, Version, header};
use std::sync::Arc;

/// What a table says of a request, by the declared path of the route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Route(PathKind, String),
    AddSlash(String),
    NoPath,
    NoHost,
    BadRequest,
}

/// A virtual host by its name, where `**.` begins one of any depth.
pub(super) fn virtual_host(name: &str, routes: &[(PathKind, &str)]) -> VirtualHost {
    let matches = routes.iter().map(|(kind, path)| RouteMatch::path(*kind, *path));
    host_of(name, matches.enumerate().map(|(number, matches)| route(name, number, matches)).collect())
}

pub(super) fn host_of(name: &str, routes: Vec<Route>) -> VirtualHost {
    let name = match name.strip_prefix("**.") {
        Some(suffix) => HostName::Subdomains(suffix.into()),
        None => HostName::parse(name).expect("a host name"),
    };
    VirtualHost::new(name, routes)
}

pub(super) fn route(host: &str, number: usize, matches: RouteMatch) -> Route {
    Route {
        origin: Origin::new(
            Subject::other(format!("Ingress default/{host}")),
            format!("spec.rules[0].http.paths[{number}]"),
        ),
        owner: Owner::default(),
        matches,
        action: Action::DefaultBackend(Arc::default()),
        policies: Arc::default(),
        locations: Arc::default(),
    }
}

/// A backend of this name in the namespace `default`.
pub(super) fn backend(name: &str) -> RouteBackend {
    RouteBackend {
        backend: ServiceBackend::tcp("default", name, "80").into(),
        weight: 1,
        when: None,
        canary: false,
        affinity: None,
        owner: Owner { service: name.into(), ..Owner::default() },
        policies: Arc::default(),
    }
}

/// The compiled route of a host with these backends.
pub(super) fn forward(backends: &[RouteBackend]) -> Arc<super::Route> {
    let route = route("h", 0, RouteMatch::path(PathKind::Prefix, "/"));
    let host = host_of("h", vec![Route { action: Action::Forward(backends.into()), ..route }]);
    let table = serving(PathMatching::Nginx, [host]);
    let host = table.host(EntryPoint::Http, "h").expect("quick").expect("the host");
    Arc::clone(&host.routes()[0])
}

pub(super) fn table(mode: PathMatching, hosts: &[(&str, &[(PathKind, &str)])]) -> Guard<Arc<Table>> {
    serving(mode, hosts.iter().map(|(name, routes)| virtual_host(name, routes)))
}

pub(super) fn serving(mode: PathMatching, hosts: impl IntoIterator<Item = VirtualHost>) -> Guard<Arc<Table>> {
    let settings = GatewaySettings { path_matching: mode, ..GatewaySettings::default() };
    let hosts = hosts.into_iter().map(|host| (host.name.clone(), Some(Arc::new(host)))).collect();
    let publisher = Publisher::new(Arc::default());
    publisher.publish(Update { settings: Some(Arc::new(settings)), hosts, ..Update::default() });
    publisher.load()
}

/// Calls `use_view` with the view of a GET of `target` on `host`.
pub(super) fn get<T>(host: &str, target: &str, use_view: impl FnOnce(&RequestView<'_>) -> T) -> T {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_bytes(host.as_bytes()).expect("a host"));
    let headers = Headers::from(&headers);
    use_view(&RequestView::new(&Method::GET, target.as_bytes(), &headers, Version::HTTP_11))
}

/// What a table answers to a raw request path.
pub(super) fn find(table: &Table, host: &str, path: &str) -> Outcome {
    get(host, path, |request| find_request(table, request))
}

/// What a table answers to a request.
pub(super) fn find_request(table: &Table, request: &RequestView<'_>) -> Outcome {
    let Ok(path) = normalize(request.path(), table.settings().path_matching) else { return Outcome::BadRequest };
    match table.find(EntryPoint::Http, request, &path) {
        Found::Route(route) => Outcome::Route(route.matches.path.kind, route.matches.path.value.to_string()),
        Found::AddSlash(route) => Outcome::AddSlash(route.matches.path.value.to_string()),
        Found::NoPath(_) => Outcome::NoPath,
        Found::NoHost => Outcome::NoHost,
        Found::WwwRedirect(_) | Found::PatternLimit(_) => panic!("no fixture has one"),
    }
}
