//! The backends with their endpoints of now.

use super::layout::{badge, shown, table};
use super::paging::{Part, search_form};
use crate::explain::{ShownEndpoint, ShownUpstream};
use gateway::upstream::{Registry, Upstream};
use maud::{Markup, html};

/// How many endpoints of a backend are listed; the others are counted.
const ENDPOINTS_SHOWN: usize = 20;

/// The backends whose names have this text in them, by name.
pub(super) fn gather(registry: &Registry, search: &str, page: usize) -> Part<ShownUpstream> {
    let search = search.to_lowercase();
    let named = registry.upstreams().into_iter().map(|upstream| (upstream.id().to_string(), upstream));
    let mut found: Vec<_> = named.filter(|(name, _)| name.to_lowercase().contains(&search)).collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Part::of(found, page, |(_, upstream)| ShownUpstream::of(&upstream)).found_by(&search)
}

/// Those that have no endpoint, and those with ejected ones, by name.
pub(super) fn troubled(registry: &Registry) -> Vec<ShownUpstream> {
    let is_troubled = |upstream: &Upstream| {
        let endpoints = upstream.endpoints();
        endpoints.is_empty() || endpoints.iter().any(|endpoint| endpoint.is_ejected())
    };
    let upstreams = registry.upstreams();
    let mut troubled: Vec<_> = upstreams.iter().filter(|upstream| is_troubled(upstream)).collect();
    troubled.sort_by_cached_key(|upstream| upstream.id().to_string());
    troubled.into_iter().map(|upstream| ShownUpstream::of(upstream)).collect()
}

pub(super) fn write(backends: &Part<ShownUpstream>) -> Markup {
    html! {
        (search_form("backends", "Part of the name, such as the namespace", &backends.search))
        @if backends.entries.is_empty() {
            p .note { @if backends.search.is_empty() { "There is no backend." } @else { "No backend has this in its name." } }
        } @else {
            (list(&backends.summary("backend", "backends"), &backends.entries))
            (backends.links("backends", &[("q", &backends.search)]))
        }
    }
}

/// A table of backends.
pub(super) fn list(caption: &str, backends: &[ShownUpstream]) -> Markup {
    let rows = html! {
        @for ShownUpstream { name, endpoints } in backends {
            tr {
                th scope="row" { (shown(name)) span .detail { (in_flight(endpoints)) } }
                td { (write_endpoints(endpoints)) }
            }
        }
    };
    table(caption, &["Backend", "Endpoints"], rows)
}

fn in_flight(endpoints: &[ShownEndpoint]) -> String {
    let count: usize = endpoints.iter().map(|endpoint| endpoint.in_flight).sum();
    if count == 1 { "1 request in flight".to_owned() } else { format!("{count} requests in flight") }
}

fn write_endpoints(endpoints: &[ShownEndpoint]) -> Markup {
    html! {
        @if endpoints.is_empty() { (badge("error", "no endpoint")) }
        @else {
            ul .plain {
                @for endpoint in endpoints.iter().take(ENDPOINTS_SHOWN) { li { (write_endpoint(endpoint)) } }
                @if endpoints.len() > ENDPOINTS_SHOWN { li { "and " (endpoints.len() - ENDPOINTS_SHOWN) " more" } }
            }
        }
    }
}

fn write_endpoint(endpoint: &ShownEndpoint) -> Markup {
    html! {
        code { (endpoint.address) }
        @if let Some(pod) = &endpoint.pod { " " (shown(pod)) }
        @if endpoint.in_flight > 0 { span .detail { (endpoint.in_flight) " in flight" } }
        @if endpoint.ejected { " " (badge("warning", "ejected")) }
    }
}
