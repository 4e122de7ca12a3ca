//! One host: its routes in the order they match, what its objects ask for, and its certificates.

use super::layout::{badge, link, shown, table};
use super::paging::Part;
use super::settings;
use crate::explain::{
    self, Setting, ShownAction, ShownCertificate, ShownHost, ShownRoute, ShownRouteBackend, ShownTlsRoute,
    ShownUpstream,
};
use crate::translate::Translator;
use gateway::config::EntryPoint;
use gateway::table::Table;
use maud::{Markup, html};
use serde::Serialize;

/// A host.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Data {
    #[serde(flatten)]
    pub(super) host: ShownHost,
    #[serde(skip)]
    url: String,
    certificates: Vec<ShownCertificate>,
    settings: Vec<Setting>,
    #[serde(skip)]
    routes: Part<ShownRoute>,
}

/// The host of this name, if it is served.
pub(super) fn gather(table: &Table, translator: &Translator, name: &str, page: usize) -> Option<Data> {
    let host = table.hosts().find(|host| host.title() == name)?;
    let described = explain::describe_host(host);
    Some(Data {
        url: format!("{}/", host.entry().unwrap_or(EntryPoint::Http).url(&host.name().to_string())),
        certificates: explain::certificates_of(translator, host),
        settings: explain::settings_of(host, translator),
        routes: Part::of(described.routes.clone(), page, |route| route),
        host: described,
    })
}

pub(super) fn write(data: &Data) -> Markup {
    let ShownHost { host, redirects_to, tls_route, locations, .. } = &data.host;
    html! {
        @if let Some(to) = redirects_to { p { "Its requests are redirected to " strong { (shown(to)) } "." } }
        @if let Some(route) = tls_route { (write_tls_route(route)) }
        (certificates(&data.certificates))
        p { a .button href=(link("why", "url", &data.url)) { "Explain a request to this host" } }
        h2 { "Routes" }
        @if !locations.is_empty() { (routes("Locations of snippets, which are asked first", locations)) }
        @if data.routes.entries.is_empty() { p .note { "It has none." } } @else {
            (routes(&data.routes.summary("route, as it matches", "routes, in the order they match"), &data.routes.entries))
            (data.routes.links("host", &[("name", host)]))
        }
        @if !data.settings.is_empty() {
            h2 { "Settings" }
            (settings::write(&data.settings))
        }
    }
}

fn certificates(certificates: &[ShownCertificate]) -> Markup {
    html! {
        @if !certificates.is_empty() {
            p {
                "Shown over TLS: "
                @for (number, certificate) in certificates.iter().enumerate() {
                    @if number > 0 { "; " }
                    (shown(certificate))
                }
            }
        }
    }
}

fn routes(caption: &str, routes: &[ShownRoute]) -> Markup {
    let rows = html! { @for route in routes { (write_route(route, 0)) } };
    table(caption, &["Route", "What happens"], &rows)
}

fn write_route(route: &ShownRoute, depth: usize) -> Markup {
    html! {
        tr {
            th scope="row" {
                @if depth > 0 { span .detail { "within it:" } }
                code { (shown(&route.path)) } " " span .kind { (route.kind) }
                span .detail { (shown(&route.from)) }
            }
            td {
                @if let Some(reason) = &route.denied { p { (badge("error", "refused")) " " (shown(reason)) } }
                (write_action(&route.action))
            }
        }
        @for location in &route.locations { (write_route(location, depth + 1)) }
    }
}

fn write_action(action: &ShownAction) -> Markup {
    html! {
        @match action {
            ShownAction::Forward(backends) => { ul .plain { @for backend in backends { li { (write_backend(backend)) } } } }
            ShownAction::DefaultBackend => "goes to the default backend",
            ShownAction::NotFound => "is answered with 404",
            ShownAction::Reply(status) => { "is answered with " (status) }
            ShownAction::Redirect { code, location } => { "is redirected with " (code) " to " (shown(location)) }
        }
    }
}

fn write_backend(backend: &ShownRouteBackend) -> Markup {
    html! {
        (write_upstream(&backend.backend))
        @if backend.canary { " " (badge("plain", "canary")) }
        @if backend.conditional { span .detail { "for requests that fulfil its condition" } }
        @else if backend.weight != 1 { span .detail { "weight " (backend.weight) } }
        @if let Some(cookie) = &backend.affinity { span .detail { "sessions by the cookie " (shown(cookie)) } }
    }
}

fn write_tls_route(ShownTlsRoute { terminates, backends }: &ShownTlsRoute) -> Markup {
    html! {
        p {
            @if *terminates { "What comes over TLS goes as it is to " } @else { "Its TLS connections are passed through to " }
            @for (at, backend) in backends.iter().enumerate() {
                @if at > 0 { ", " }
                (write_upstream(&backend.backend))
                @if backends.len() > 1 { span .detail { "weight " (backend.weight) } }
            }
            @if backends.is_empty() { "nobody: they are closed" }
        }
    }
}

fn write_upstream(upstream: &ShownUpstream) -> Markup {
    html! {
        a href=(link("backends", "q", &upstream.name)) { (shown(&upstream.name)) }
        @if upstream.endpoints.is_empty() { " " (badge("error", "no endpoint")) }
    }
}
