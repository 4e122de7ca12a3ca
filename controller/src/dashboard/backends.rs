//! The backends with their endpoints of now, and what they have to do.

use super::layout::{badge, shown, table};
use super::paging::{Part, search_form};
use super::rates::{Flow, Load, Recent};
use crate::explain::{ShownEndpoint, ShownUpstream};
use crate::store::Store;
use gateway::telemetry::ServiceName;
use gateway::upstream::{Registry, Upstream};
use maud::{Markup, html};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many endpoints of a backend are listed; the others are counted.
const ENDPOINTS_SHOWN: usize = 20;

/// A backend in the list.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    #[serde(flatten)]
    upstream: ShownUpstream,
    /// What the requests to its Service come to, whichever port they go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    load: Option<Load>,
}

/// The backends whose names have this text in them, by name.
pub(super) fn gather(
    registry: &Registry,
    store: &Store,
    loads: &BTreeMap<ServiceName, Load>,
    search: &str,
    page: usize,
) -> Part<Row> {
    let search = search.to_lowercase();
    let named = registry.upstreams().into_iter().map(|upstream| (upstream.id().to_string(), upstream));
    let mut found: Vec<_> = named.filter(|(name, _)| name.to_lowercase().contains(&search)).collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let load = |upstream: &Upstream| {
        let service = upstream.id().service()?;
        loads.get(&(Arc::clone(&service.namespace), Arc::clone(&service.service))).copied()
    };
    let row = |(_, upstream): (_, Arc<Upstream>)| Row {
        load: load(&upstream),
        upstream: ShownUpstream::with_pods(&upstream, store),
    };
    Part::of(found, page, row).found_by(&search)
}

/// Those that have no endpoint, and those with ejected ones, by name.
pub(super) fn troubled(registry: &Registry, store: &Store) -> Vec<ShownUpstream> {
    let is_troubled = |upstream: &Upstream| {
        let endpoints = upstream.endpoints();
        endpoints.is_empty() || endpoints.iter().any(|endpoint| endpoint.is_ejected())
    };
    let upstreams = registry.upstreams();
    let mut troubled: Vec<_> = upstreams.iter().filter(|upstream| is_troubled(upstream)).collect();
    troubled.sort_by_cached_key(|upstream| upstream.id().to_string());
    troubled.into_iter().map(|upstream| ShownUpstream::with_pods(upstream, store)).collect()
}

pub(super) fn write(backends: &Part<Row>) -> Markup {
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

fn list(caption: &str, backends: &[Row]) -> Markup {
    let rows = html! { @for Row { upstream, load } in backends { (write_row(upstream, load.as_ref())) } };
    table(caption, &["Backend", "Endpoints"], &rows)
}

/// A table of backends without their loads.
pub(super) fn list_troubled(caption: &str, backends: &[ShownUpstream]) -> Markup {
    let rows = html! { @for upstream in backends { (write_row(upstream, None)) } };
    table(caption, &["Backend", "Endpoints"], &rows)
}

fn write_row(ShownUpstream { name, endpoints }: &ShownUpstream, load: Option<&Load>) -> Markup {
    html! {
        tr {
            th scope="row" {
                (shown(name))
                span .detail { (in_flight(endpoints)) }
                @if let Some(load) = load { (write_load(load)) }
            }
            td { (write_endpoints(endpoints)) }
        }
    }
}

fn write_load(Load { since_start, lately }: &Load) -> Markup {
    html! {
        @if let Some(Recent { seconds, flow }) = lately {
            span .detail {
                (format!("{:.1} requests a second in the last {seconds:.0} s", flow.requests as f64 / seconds))
                (write_flow(flow))
            }
        }
        span .detail { (requests(since_start.requests)) " since the start" (write_flow(since_start)) }
    }
}

fn write_flow(flow: &Flow) -> Markup {
    html! {
        @if flow.errors > 0 { ", " (badge("error", &format!("{} of them failed", flow.errors))) }
        @if let Some(mean) = flow.mean_seconds { (format!(", {:.1} ms each", mean * 1000.0)) }
    }
}

fn in_flight(endpoints: &[ShownEndpoint]) -> String {
    let count: usize = endpoints.iter().map(|endpoint| endpoint.in_flight).sum();
    format!("{} in flight", requests(count as u64))
}

fn requests(count: u64) -> String {
    if count == 1 { "1 request".to_owned() } else { format!("{count} requests") }
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
