//! What is served, as lists for people.

use super::columns::Columns;
use crate::explain::{
    ServedCertificate, ShownAction, ShownHost, ShownRoute, ShownRouteBackend, ShownStreamBackend, ShownTable,
    ShownTlsRoute, ShownUpstream,
};
use jiff::Timestamp;
use serde::Serialize;
use std::fmt;

/// Hosts with their routes, and TCP and UDP services.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Routes(ShownTable);

impl Routes {
    /// Those of the hosts with this text, in lower case, in their names.
    pub(super) fn found_by(mut table: ShownTable, text: &str) -> Self {
        table.hosts.retain(|host| host.host.to_lowercase().contains(text));
        if !text.is_empty() {
            // They have no names.
            table.streams.clear();
            table.ports.clear();
        }
        Self(table)
    }
}

impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut columns = Columns::new(["HOST", "PATH", "MATCHES", "GOES TO", "DECLARED BY"]);
        self.0.hosts.iter().for_each(|host| add_host(&mut columns, host));
        for stream in &self.0.streams {
            let host = format!("{}/{}", stream.protocol, stream.port);
            columns.add([host, String::new(), String::new(), stream_backends(&stream.backends), stream.from.clone()]);
        }
        columns.fmt(f)
    }
}

fn add_host(columns: &mut Columns<5>, host: &ShownHost) {
    let whole = |goes_to: String| [host.host.clone(), String::new(), String::new(), goes_to, String::new()];
    if let Some(to) = &host.redirects_to {
        columns.add(whole(format!("redirect to {to}")));
    }
    if let Some(ShownTlsRoute { terminates, backends }) = &host.tls_route {
        let what = if *terminates { "what comes over TLS" } else { "TLS as it is" };
        columns.add(whole(format!("{what} to {}", stream_backends(backends))));
    }
    host.locations.iter().chain(&host.routes).for_each(|route| add_route(columns, &host.host, route));
}

fn add_route(columns: &mut Columns<5>, host: &str, route: &ShownRoute) {
    let goes_to = match &route.denied {
        Some(reason) => format!("refused with 503: {reason}"),
        None => action(&route.action),
    };
    columns.add([host.to_owned(), route.path.clone(), route.kind.clone(), goes_to, route.from.clone()]);
    route.locations.iter().for_each(|location| add_route(columns, host, location));
}

fn action(action: &ShownAction) -> String {
    match action {
        ShownAction::Forward(backends) => backends.iter().map(backend).collect::<Vec<_>>().join(", "),
        ShownAction::DefaultBackend => "default backend".to_owned(),
        ShownAction::NotFound => "404".to_owned(),
        ShownAction::Reply(status) => status.to_string(),
        ShownAction::Redirect { code, location } => format!("{code} to {location}"),
    }
}

fn backend(backend: &ShownRouteBackend) -> String {
    let shown = upstream(&backend.backend);
    if backend.canary { format!("canary {shown}") } else { shown }
}

fn stream_backends(backends: &[ShownStreamBackend]) -> String {
    let is_one = backends.len() == 1;
    let shown = backends.iter().map(|ShownStreamBackend { weight, backend }| match is_one {
        true => upstream(backend),
        false => format!("{}, weight {weight}", upstream(backend)),
    });
    shown.collect::<Vec<_>>().join("; ")
}

fn upstream(upstream: &ShownUpstream) -> String {
    match upstream.endpoints.len() {
        0 => format!("{} (no endpoint)", upstream.name),
        1 => format!("{} (1 endpoint)", upstream.name),
        count => format!("{} ({count} endpoints)", upstream.name),
    }
}

/// Backends, with a line for each endpoint.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Backends(Vec<ShownUpstream>);

impl Backends {
    /// Those with this text, in lower case, in their names.
    pub(super) fn found_by(mut backends: Vec<ShownUpstream>, text: &str) -> Self {
        backends.retain(|backend| backend.name.to_lowercase().contains(text));
        Self(backends)
    }
}

impl fmt::Display for Backends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut columns = Columns::new(["BACKEND", "ENDPOINT", "POD", "IN FLIGHT", "STATE"]);
        for ShownUpstream { name, endpoints } in &self.0 {
            if endpoints.is_empty() {
                columns.add([name.clone(), String::new(), String::new(), String::new(), "no endpoint".to_owned()]);
            }
            for endpoint in endpoints {
                let state = if endpoint.ejected { "ejected" } else { "in use" };
                let pod = endpoint.pod.clone().unwrap_or_default();
                columns.add([
                    name.clone(),
                    endpoint.address.to_string(),
                    pod,
                    endpoint.in_flight.to_string(),
                    state.to_owned(),
                ]);
            }
        }
        columns.fmt(f)
    }
}

/// Certificates.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Certificates(Vec<ServedCertificate>);

impl Certificates {
    /// Those with this text, in lower case, in the Secret, a name or a host.
    pub(super) fn found_by(mut certificates: Vec<ServedCertificate>, text: &str) -> Self {
        certificates.retain(|served| {
            let mut names = served.certificate.secret.iter().chain(&served.certificate.names).chain(&served.hosts);
            text.is_empty() || names.any(|name| name.to_lowercase().contains(text))
        });
        Self(certificates)
    }
}

impl fmt::Display for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut columns = Columns::new(["SECRET", "ENDS", "FOR", "HOSTS"]);
        for ServedCertificate { certificate, hosts } in &self.0 {
            let secret = certificate.secret.as_deref().unwrap_or_default();
            let secret = secret.strip_prefix("Secret ").unwrap_or(secret);
            let note = if certificate.is_default { " (default)" } else { "" };
            let ends = certificate.expires.and_then(|seconds| Timestamp::from_second(seconds).ok());
            let ends = ends.map(|ends| ends.to_string()).unwrap_or_default();
            columns.add([format!("{secret}{note}"), ends, certificate.names.join(","), hosts.join(",")]);
        }
        columns.fmt(f)
    }
}
