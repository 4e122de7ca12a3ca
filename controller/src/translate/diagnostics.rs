use super::backend::Problem;
use super::claims::References;
use super::gateway_api::RouteReferences;
use super::streams::{Streams, unserved};
use crate::diagnostic::Diagnostic;
use crate::object::{Kind, ObjectKey};
use gateway::config::{EntryPoint, HostName, ServiceBackend, Subject};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// What is wrong now, by the unit of translation that found it.
#[derive(Debug, Default)]
pub(super) struct Diagnostics(BTreeMap<UnitKey, Vec<Diagnostic>>);

/// A unit of translation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum UnitKey {
    Settings,
    Streams,
    /// The TCP and UDP services of Gateways.
    GatewayStreams,
    Ingress(ObjectKey),
    Canaries(HostName),
    Host(HostName),
    EntryHost(EntryPoint, HostName),
    Backend(ServiceBackend),
    /// A GatewayClass, a Gateway or a route.
    Object(ObjectKey),
    /// A Gateway beside the others: its ports and its hosts with TLS.
    Settled(ObjectKey),
}

impl Diagnostics {
    /// Sets what a unit found, in place of what it found before.
    pub(super) fn set(&mut self, unit: UnitKey, diagnostics: Vec<Diagnostic>) {
        if diagnostics.is_empty() {
            self.0.remove(&unit);
        } else {
            self.0.insert(unit, diagnostics);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.values().flatten()
    }
}

/// What is wrong with a backend, for each Ingress, each TCP or UDP service and each route of Gateway API that names it.
pub(super) fn of_backend(
    id: &ServiceBackend,
    problem: &Problem,
    references: &References,
    streams: &Streams,
    routes: &RouteReferences,
) -> Vec<Diagnostic> {
    let value = match problem.part {
        "port" => &id.port,
        _ => &id.service,
    };
    let service = Subject::from(ObjectKey::new(Kind::Service, id.namespace.clone(), id.service.clone()));
    let diagnostic = |object: Subject, field: Arc<str>, otherwise: &str| {
        let mut message = problem.message.clone();
        if problem.unserved {
            let _ = write!(message, ": {otherwise}");
        }
        let Problem { severity, reason, .. } = *problem;
        Diagnostic { severity, reason, ..Diagnostic::error(object, field, message) }
            .with_value(value)
            .with_related(service.clone())
    };
    let of_ingresses = references.of(id).map(|(rank, referrer)| {
        let field = match referrer.reference.routed {
            true => format!("{}.{}", referrer.reference.field, problem.part).into(),
            false => referrer.reference.field.clone(),
        };
        diagnostic(referrer.object.clone(), field, "requests are answered with 503").at(rank.age.place.clone())
    });
    let of_session = unserved(id.protocol);
    let of_streams = streams
        .of(id)
        .map(|listener| diagnostic(listener.origin.object.clone(), listener.origin.field.clone(), of_session));
    let of_routes = routes.of(id).map(|(rank, referrer)| {
        let field = format!("{}.{}", referrer.field, problem.part).into();
        let is_of_requests = matches!(rank.key.kind, Kind::HttpRoute | Kind::GrpcRoute);
        let otherwise = if is_of_requests { "requests are answered with 503" } else { of_session };
        diagnostic((&rank.key).into(), field, otherwise).at(rank.age.place.clone())
    });
    of_ingresses.chain(of_streams).chain(of_routes).collect()
}
