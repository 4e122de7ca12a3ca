//! Translation from objects to configuration, by feature.

mod affinity;
mod annotations;
mod canaries;
mod conflicts;
mod gateway_api;
mod gateway_ports;
mod gateway_services;
mod hosts;
mod incremental;
mod orphans;
mod passthrough;
mod settings;
mod stream_routes;
mod streams;
mod tls;
mod tls_routes;

use super::Translator;
use super::testing::apply;
use crate::diagnostic::{Diagnostic, Severity};
use crate::feed::SourceEvent;
use crate::object::{Kind, ObjectKey};
use crate::settings::ControllerSettings;
use crate::store::Store;
use gateway::config::{Action, Backend, BackendId, HostName, PathKind, Route, ServiceBackend, Update, VirtualHost};
use std::fmt::Write;
use std::sync::Arc;

/// A store and a translator over it.
#[derive(Default)]
struct World {
    store: Store,
    translator: Translator,
}

impl World {
    /// The translation of these YAML documents, the first of which is the oldest.
    fn of(documents: &str) -> Self {
        Self::with(ControllerSettings::default(), documents)
    }

    fn with(settings: ControllerSettings, documents: &str) -> Self {
        let mut world = Self { store: Store::default(), translator: Translator::new(settings) };
        world.apply(documents);
        world
    }

    fn apply(&mut self, documents: &str) -> Update {
        let changes = apply(&mut self.store, documents);
        self.translator.translate(&self.store, &changes)
    }

    fn delete(&mut self, kind: Kind, name: &str) -> Update {
        self.delete_in("default", kind, name)
    }

    fn delete_in(&mut self, namespace: &str, kind: Kind, name: &str) -> Update {
        let key = ObjectKey::new(kind, namespace, name);
        let changes = self.store.apply(SourceEvent::Delete(key));
        self.translator.translate(&self.store, &changes)
    }

    /// The host of a name, where `**.` begins one of any depth.
    fn host(&self, name: &str) -> Option<&VirtualHost> {
        let name = match name.strip_prefix("**.") {
            Some(suffix) => HostName::Subdomains(suffix.into()),
            None => HostName::parse(name).expect("a host name"),
        };
        self.translator.host(&name).map(Arc::as_ref)
    }

    /// The route of a host with this path.
    fn route(&self, host: &str, path: &str) -> &Route {
        let found =
            self.host(host).and_then(|host| host.routes.iter().find(|route| *route.matches.path.value == *path));
        found.unwrap_or_else(|| panic!("no route {host}{path} in:\n{}", self.routes(host)))
    }

    /// The routes of a host, one a line: kind, path, target.
    fn routes(&self, host: &str) -> String {
        let mut lines = String::new();
        for route in self.host(host).map(|host| host.routes.as_slice()).unwrap_or_default() {
            let kind = match route.matches.path.kind {
                PathKind::Exact => "=",
                PathKind::Prefix => "^",
                PathKind::Regex => "~",
            };
            let target = match &route.action {
                Action::Forward(_) => backend(route).service.to_string(),
                Action::DefaultBackend(_) => "-".into(),
                Action::NotFound => "not found".to_owned(),
                Action::Reply(status) => status.to_string(),
                Action::Redirect(redirect) => format!("{} {}", redirect.code, redirect.location),
                Action::UrlRedirect(redirect) => redirect.code.to_string(),
            };
            writeln!(lines, "{kind} {} {target}", route.matches.path.value).expect("writing to a String");
        }
        lines
    }

    /// The messages of a severity, each with object and field.
    fn said(&self, severity: Severity) -> Vec<String> {
        let of_severity = |diagnostic: &&Diagnostic| diagnostic.severity == severity;
        self.translator.diagnostics().filter(of_severity).map(ToString::to_string).collect()
    }
}

/// The only backend of a route.
fn backend(route: &Route) -> &ServiceBackend {
    match &route.action {
        Action::Forward(backends) if backends.len() == 1 => backends[0].backend.service().expect("a Service"),
        action => panic!("not one backend: {action:?}"),
    }
}

/// An Ingress, given its name, the lines under `metadata.annotations` and those under `spec`, in YAML's flow style.
fn ingress(name: &str, annotations: &str, spec: &str) -> String {
    let prefixed: Vec<_> = annotations
        .split(", ")
        .filter(|entry| !entry.is_empty())
        .map(|entry| format!("nginx.ingress.kubernetes.io/{entry}"))
        .collect();
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: {name}, annotations: {{{}}}}}, spec: {spec}}}",
        prefixed.join(", ")
    )
}

/// A rule in flow style: `path KIND service` for each path.
fn rule(host: &str, paths: &[(&str, &str, &str)]) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|(path, kind, service)| {
            format!(
                "{{path: '{path}', pathType: {kind}, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}"
            )
        })
        .collect();
    let host = if host.is_empty() { String::new() } else { format!("host: '{host}', ") };
    format!("{{{host}http: {{paths: [{}]}}}}", paths.join(", "))
}

/// A Service with port 80 and one endpoint.
fn service(name: &str, address: &str) -> String {
    format!(
        "{{kind: Service, metadata: {{name: {name}}}, spec: {{clusterIP: 10.0.0.1, ports: [{{port: 80, targetPort: 8080}}]}}}}\n---\n\
         {{kind: EndpointSlice, metadata: {{name: {name}-1, labels: {{kubernetes.io/service-name: {name}}}}}, addressType: IPv4, \
         endpoints: [{{addresses: [{address}]}}], ports: [{{port: 8080}}]}}"
    )
}

fn documents(parts: &[String]) -> String {
    parts.join("\n---\n")
}

#[test]
fn an_ingress_becomes_a_host_and_a_backend() {
    let world = World::of(&documents(&[
        service("echo", "10.1.0.1"),
        ingress("shop", "", &format!("{{rules: [{}]}}", rule("h", &[("/app", "Prefix", "echo")]))),
    ]));
    assert_eq!(world.routes("h"), "^ /app echo\n^ / -\n");
    let route = world.route("h", "/app");
    assert_eq!(route.origin.to_string(), "Ingress default/shop: spec.rules[0].http.paths[0]");
    assert_eq!((&*route.owner.ingress, &*route.owner.service, &*route.owner.service_port), ("shop", "echo", "80"));
    let id = BackendId::from(backend(route).clone());
    let address = "10.1.0.1:8080".parse().expect("an address");
    assert_eq!(world.translator.backend(&id), Some(&Backend::at([address])));
    assert_eq!(world.translator.diagnostics().count(), 0, "{:?}", world.said(Severity::Error));
}
