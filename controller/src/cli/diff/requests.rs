//! Sample requests: what they would get from both versions.

use super::versions::Versions;
use crate::cli::sample_host::sample_host;
use crate::cli::snapshot::Snapshot;
use crate::diagnostic::Place;
use crate::explain::{self, Explanation, Request};
use gateway::config::{EntryPoint, PathKind, PathMatch, Subject};
use gateway::table::{Host, Route};
use serde::Serialize;
use std::collections::BTreeSet;

/// The most samples that are made. A list of requests may have more.
const MOST: usize = 10_000;

/// A method and a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sample {
    method: String,
    url: String,
}

/// What a request would get from both versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Answer {
    /// As `GET http://shop.example.com/cart`.
    pub(super) request: String,
    pub(super) before: String,
    pub(super) after: String,
    /// Where the object stands whose route took it, in the new version or else in the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Place>,
}

/// Reads a list: a URL or a method and a URL a line. Empty lines and those that begin with `#` do not count.
///
/// # Errors
/// Names the line that is no request of HTTP.
pub(super) fn parse(text: &str) -> Result<Vec<Sample>, String> {
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            let (method, url) = line.split_once(char::is_whitespace).unwrap_or(("GET", line));
            let (method, url) = (method.to_owned(), url.trim().to_owned());
            let wrong = |error| format!("line {}: {error}", number + 1);
            Request::new(&method, &url, []).map_err(wrong)?;
            Ok(Sample { method, url })
        })
        .collect()
}

/// One request for each route of either version whose path says one.
pub(super) fn samples(versions: &Versions) -> Vec<Sample> {
    let mut samples = BTreeSet::new();
    for side in [&versions.old, &versions.new] {
        let table = side.publisher.load();
        let hosts = table.hosts().flat_map(|host| host.routes().iter().map(move |route| (host, route)));
        let urls = hosts.filter_map(|(host, route)| url(side, host, route));
        samples.extend(urls.map(|url| Sample { method: "GET".to_owned(), url }));
    }
    samples.into_iter().take(MOST).collect()
}

/// A URL of a route, over TLS if its host has that.
fn url(side: &Snapshot, host: &Host, route: &Route) -> Option<String> {
    let name = sample_host(host.name())?;
    let has_tls = || side.translator.host(host.name()).is_some_and(|host| host.tls.is_some());
    let entry = host.entry().unwrap_or_else(|| EntryPoint::of(has_tls(), None));
    Some(format!("{}{}", entry.url(&name), path(&route.matches.path)?))
}

/// A path that a route may take: of a regular expression what stands before its first operator.
fn path(path: &PathMatch) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    let literal = match path.kind {
        PathKind::Exact | PathKind::Prefix => &path.value,
        PathKind::Regex => {
            let end = path.value.find(|c: char| !is_plain(c) || c == '.').unwrap_or(path.value.len());
            // An operator may count for the last character.
            let is_optional = path.value[end..].starts_with(['?', '*', '+', '{']);
            &path.value[..end.saturating_sub(usize::from(is_optional))]
        }
    };
    (literal.starts_with('/') && literal.chars().all(is_plain)).then(|| literal.to_owned())
}

/// Those of the requests that would get something else.
pub(super) fn answers(versions: &Versions, samples: &[Sample]) -> Vec<Answer> {
    samples.iter().filter_map(|sample| answer(versions, sample)).collect()
}

fn answer(versions: &Versions, sample: &Sample) -> Option<Answer> {
    let request = Request::new(&sample.method, &sample.url, []).ok()?;
    let explain = |side: &Snapshot| explain::explain(&side.publisher.load(), &side.translator, &request);
    let (before, after) = (explain(&versions.old), explain(&versions.new));
    (before.action != after.action).then(|| Answer {
        request: request.to_string(),
        place: place(&versions.new, &after).or_else(|| place(&versions.old, &before)),
        before: before.action.to_string(),
        after: after.action.to_string(),
    })
}

/// Where the object stands whose route won.
fn place(side: &Snapshot, explanation: &Explanation) -> Option<Place> {
    let route = explanation.routes.iter().find(|route| route.won)?;
    let mut ingresses = side.store.ingresses().map(|stored| Subject::from(&stored.key));
    side.place(&ingresses.find(|ingress| ingress.to_string() == route.source.object)?).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_a_request() {
        for (kind, value, expected) in [
            (PathKind::Prefix, "/shop", Some("/shop")),
            (PathKind::Exact, "/a b", None),
            (PathKind::Regex, "/cart(/|$)(.*)", Some("/cart")),
            (PathKind::Regex, "/carts?/x", Some("/cart")),
            (PathKind::Regex, "/v1.2", Some("/v1")),
            (PathKind::Regex, ".*", None),
        ] {
            assert_eq!(path(&PathMatch { kind, value: value.into() }).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn lists_have_a_request_a_line() {
        let samples = parse("# list\n\nhttp://a.example/x\nPOST  https://a.example/y?z\n").expect("requests");
        let urls: Vec<_> = samples.iter().map(|sample| (&*sample.method, &*sample.url)).collect();
        assert_eq!(urls, [("GET", "http://a.example/x"), ("POST", "https://a.example/y?z")]);
        assert!(parse("x\nftp://a/b").is_err_and(|error| error.starts_with("line 2: ")));
    }
}
