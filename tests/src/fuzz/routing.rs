//! The indexes of hosts and paths, against a naive matcher.

use super::naive::{self, HostRules, Outcome};
use super::{lines, text};
use crate::lookup;
use gateway::config::PathMatching::{self, Nginx, Strict};
use gateway::config::{
    Action, EntryPoint, GatewaySettings, HostName, Origin, Owner, PathKind, Route, RouteMatch, Subject, Update,
    VirtualHost,
};
use gateway::request::normalize;
use gateway::table::{Found, Publisher, Table};
use std::sync::Arc;

/// The input is the host of a request, its path, and then rules, a line each: `HOST KIND PATH`.
pub fn fuzz(input: &[u8]) {
    let Some((hosts, host, path)) = parse(input) else { return };
    for mode in [Nginx, Strict] {
        answers_as_the_naive_matcher(mode, &hosts, &[(host, path)]);
    }
}

/// Requests, by canonical host and raw path, are answered as the naive matcher says.
pub fn answers_as_the_naive_matcher(
    mode: PathMatching,
    hosts: &[HostRules],
    requests: &[(impl AsRef<str>, impl AsRef<[u8]>)],
) {
    let publisher = Publisher::new(Arc::default());
    let settings = GatewaySettings { path_matching: mode, ..GatewaySettings::default() };
    let update = hosts.iter().map(virtual_host).map(|host| (host.name.clone(), Some(Arc::new(host))));
    publisher.publish(Update { settings: Some(Arc::new(settings)), hosts: update.collect(), ..Update::default() });
    for (host, path) in requests {
        let (host, path) = (host.as_ref(), path.as_ref());
        let found = find(&publisher.load(), host, path);
        assert_eq!(found, naive::find(mode, hosts, host, path), "{mode:?} {hosts:?} {host:?} {}", path.escape_ascii());
    }
}

fn virtual_host((name, rules): &HostRules) -> VirtualHost {
    let route = |(kind, path): &(PathKind, String)| Route {
        origin: Origin::new(Subject::other("Ingress default/fuzz"), "spec.rules"),
        owner: Owner::default(),
        matches: RouteMatch::path(*kind, path.as_str()),
        action: Action::DefaultBackend(Arc::default()),
        policies: Arc::default(),
        locations: Arc::default(),
    };
    let name = HostName::parse(name).expect("a host name");
    VirtualHost::new(name, rules.iter().map(route).collect())
}

fn find(table: &Table, host: &str, path: &[u8]) -> Outcome {
    let Ok(path) = normalize(path, table.settings().path_matching) else { return Outcome::BadRequest };
    lookup::get(host, b"/", |request| match table.find(EntryPoint::Http, request, &path) {
        Found::Route(route) => Outcome::Route(route.matches.path.kind, route.labels.path.to_string()),
        Found::AddSlash(route) => Outcome::AddSlash(route.labels.path.to_string()),
        Found::NoPath(_) => Outcome::NoPath,
        Found::NoHost => Outcome::NoHost,
        Found::PatternLimit(_) => Outcome::PatternLimit,
        Found::WwwRedirect(_) => panic!("no host here is a redirect"),
    })
}

fn parse(input: &[u8]) -> Option<(Vec<HostRules>, &str, &[u8])> {
    let mut lines = lines(input);
    let host = text(&mut lines).filter(|host| host.is_empty() || is_canonical(host))?;
    let path = lines.next()?;
    let mut hosts: Vec<HostRules> = Vec::new();
    while let Some(rule) = text(&mut lines) {
        let mut parts = rule.splitn(3, ' ');
        let name =
            parts.next().filter(|name| is_canonical(name.strip_prefix("*.").unwrap_or(name)) || name.is_empty())?;
        let kind = match parts.next()? {
            "Exact" => PathKind::Exact,
            "Prefix" => PathKind::Prefix,
            "Regex" => PathKind::Regex,
            _ => return None,
        };
        let path = parts.next().filter(|path| path.starts_with('/'))?.to_owned();
        match hosts.iter_mut().find(|(known, _)| known == name) {
            Some((_, rules)) => rules.push((kind, path)),
            None => hosts.push((name.to_owned(), vec![(kind, path)])),
        }
    }
    Some((hosts, host, path))
}

/// Whether a name is what the table looks up: the naive matcher knows no other spellings.
fn is_canonical(name: &str) -> bool {
    matches!(HostName::parse(name), Ok(HostName::Exact(canonical)) if *canonical == *name)
}
