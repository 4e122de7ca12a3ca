//! Tables for tests, and what they answer, as plain values.

use super::{Found, Publisher, Table};
use crate::config::{
    GatewaySettings, HostName, Origin, Owner, PathKind, PathMatching, Route, Target, Update, VirtualHost,
};
use crate::request::normalize;
use arc_swap::Guard;
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

pub(super) fn virtual_host(name: &str, routes: &[(PathKind, &str)]) -> VirtualHost {
    let route = |(number, (kind, path)): (usize, &(PathKind, &str))| Route {
        origin: Origin::new(format!("Ingress default/{name}"), format!("spec.rules[0].http.paths[{number}]")),
        owner: Owner::default(),
        path: (*path).into(),
        kind: *kind,
        target: Target::Default,
        policies: Arc::default(),
    };
    let name = HostName::parse(name).expect("a host name");
    VirtualHost {
        name,
        routes: routes.iter().enumerate().map(route).collect(),
        www_redirect: None,
        tls: None,
        passthrough: None,
    }
}

pub(super) fn table(mode: PathMatching, hosts: &[(&str, &[(PathKind, &str)])]) -> Guard<Arc<Table>> {
    let settings = GatewaySettings { path_matching: mode, ..GatewaySettings::default() };
    let hosts = hosts.iter().map(|(name, routes)| virtual_host(name, routes));
    let hosts = hosts.map(|host| (host.name.clone(), Some(Arc::new(host)))).collect();
    let publisher = Publisher::new(Arc::default());
    publisher.publish(Update { settings: Some(Arc::new(settings)), hosts, ..Update::default() });
    publisher.load()
}

/// What a table answers to a raw request path.
pub(super) fn find(table: &Table, host: &str, path: &str) -> Outcome {
    let Ok(path) = normalize(path.as_bytes(), table.settings().path_matching) else { return Outcome::BadRequest };
    match table.find(host, &path) {
        Found::Route(route) => Outcome::Route(route.kind, route.labels.path.to_string()),
        Found::AddSlash(route) => Outcome::AddSlash(route.labels.path.to_string()),
        Found::NoPath(_) => Outcome::NoPath,
        Found::NoHost => Outcome::NoHost,
        Found::WwwRedirect(_) | Found::PatternLimit(_) => panic!("no fixture has one"),
    }
}
