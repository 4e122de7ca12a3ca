//! The list of hosts.

use super::layout::{badge, link, shown, table};
use super::paging::{Part, search_form};
use gateway::table::{Host, Table};
use maud::{Markup, html};
use serde::Serialize;

/// A host in the list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    host: String,
    routes: usize,
    /// How many of them are refused.
    denied: usize,
    redirects_to: Option<String>,
    leads_tls_on: bool,
}

/// The hosts whose names have this text in them, by name.
pub(super) fn gather(table: &Table, search: &str, page: usize) -> Part<Row> {
    let search = search.to_lowercase();
    let found = |host: &Host| search.is_empty() || host.name().to_string().to_lowercase().contains(&search);
    let mut hosts: Vec<_> = table.hosts().filter(|host| found(host)).collect();
    hosts.sort_by_key(|host| host.name());
    Part::of(hosts, page, |host| row(host)).found_by(&search)
}

fn row(host: &Host) -> Row {
    Row {
        host: host.title(),
        routes: host.routes().len(),
        denied: host.routes().iter().filter(|route| route.policies.denied.is_some()).count(),
        redirects_to: host.www_redirect().map(|redirect| redirect.to.to_string()),
        leads_tls_on: host.tls_route().is_some(),
    }
}

pub(super) fn write(hosts: &Part<Row>) -> Markup {
    let caption = hosts.summary("host", "hosts");
    html! {
        (search_form("hosts", "Part of the name", &hosts.search))
        @if hosts.entries.is_empty() {
            p .note { @if hosts.search.is_empty() { "No host is served." } @else { "No host has this in its name." } }
        } @else {
            (table(&caption, &["Host", "Routes"], &html! { @for host in &hosts.entries { (write_row(host)) } }))
            (hosts.links("hosts", &[("q", &hosts.search)]))
        }
    }
}

fn write_row(row: &Row) -> Markup {
    html! {
        tr {
            th scope="row" {
                a href=(link("host", "name", &row.host)) { (shown(&row.host)) }
                @if row.host == "*" { span .detail { "takes any host" } }
                @if let Some(to) = &row.redirects_to { span .detail { "redirects to " (shown(to)) } }
                @if row.leads_tls_on { span .detail { "leads TLS connections on" } }
            }
            td .number {
                (row.routes)
                @if row.denied > 0 { " " (badge("error", &format!("{} refused", row.denied))) }
            }
        }
    }
}
