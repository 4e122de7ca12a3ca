//! A Gateway and its class.

use super::backend_certificates;
use super::findings::Findings;
use super::frontend::Frontend;
use super::infrastructure::{self, Asked, Infrastructure, ListenerPorts};
use super::listener::ParsedListener;
use super::listener_reader::Scene;
use super::listener_sets::{AddedSets, ParsedSet};
use super::listeners::{self, Taken};
use super::rank::Rank;
use crate::diagnostic::{Diagnostic, Reason};
use crate::gateway_api::{Condition, Gateway, GatewayClass, ListenerSet, OwnService};
use crate::lookup::Lookup;
use crate::settings::ControllerSettings;
use crate::store::Stored;
use crate::translate::certificates::Certificates;
use gateway::config::Certificate;
use std::sync::Arc;

/// A Gateway that is ours.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ParsedGateway {
    pub(super) rank: Rank,
    pub(super) generation: Option<i64>,
    /// Its own, and those of its sets.
    pub(super) listeners: Vec<ParsedListener>,
    pub(super) sets: Vec<ParsedSet>,
    pub(super) infrastructure: Infrastructure,
    /// Why nothing of it is served, if that is so.
    pub(super) refused: Option<Condition>,
    /// What it shows to backends for which a BackendTLSPolicy asks for TLS.
    pub(super) backend_certificate: Option<Arc<Certificate>>,
    /// What else its status says of TLS.
    pub(super) of_tls: Vec<Condition>,
}

impl ParsedGateway {
    /// Whether it has listeners for sessions.
    pub(super) fn has_streams(&self) -> bool {
        self.listeners.iter().any(|listener| listener.stream.is_some())
    }
}

/// What became of a class, if it is ours, and what is wrong with it.
pub(super) fn class(
    stored: &Stored<GatewayClass>,
    lookup: &Lookup<'_>,
    controller: &str,
) -> Option<(Vec<Condition>, Vec<Diagnostic>)> {
    let spec = &stored.object.spec;
    if spec.controller_name != controller {
        return None;
    }
    let mut findings = Findings::of(&stored.key, stored.age.place.as_ref());
    let condition = match infrastructure::class_parameters(spec, lookup, &mut findings) {
        Ok(_) => Condition::holds("Accepted", "Accepted"),
        Err(message) => {
            let name = spec.parameters_ref.as_ref().map(|reference| reference.name.as_str()).unwrap_or_default();
            let told = format!("{message}; Gateways of this class are not served");
            findings.error(Reason::Invalid, "spec.parametersRef", name, &told);
            Condition::fails("Accepted", "InvalidParameters", format!("spec.parametersRef: {message}"))
        }
    };
    Some((vec![condition], findings.diagnostics))
}

/// Reads a Gateway with these ListenerSets, if it is ours.
pub(super) fn parse(
    stored: &Stored<Gateway>,
    sets: Vec<&Stored<ListenerSet>>,
    lookup: &Lookup<'_>,
    certificates: &Certificates,
    settings: &ControllerSettings,
) -> (Option<ParsedGateway>, Vec<Diagnostic>) {
    let spec = &stored.object.spec;
    let mut findings = Findings::of(&stored.key, stored.age.place.as_ref());
    let class = lookup.gateway_class(&spec.gateway_class_name);
    let Some(class) = class.filter(|class| class.object.spec.controller_name == settings.gateway_controller) else {
        // In a cluster other controllers' Gateways are nobody's mistake.
        if findings.is_in_file() {
            let message = match class {
                Some(_) => "is a GatewayClass of another controller: the Gateway is not served",
                None => "names a GatewayClass that does not exist: the Gateway is not served",
            };
            findings.ignored("spec.gatewayClassName", &spec.gateway_class_name, message);
        }
        return (None, findings.diagnostics);
    };
    let frontend = spec.tls.as_ref().and_then(|tls| tls.frontend.as_ref());
    let frontend = Frontend::read(&stored.key, frontend, lookup, &mut findings);
    let asked = Asked { gateway: stored, class, published: settings.published_service.as_ref(), lookup };
    let (mut infrastructure, refused) = match asked.read(&mut findings) {
        Ok(infrastructure) => (infrastructure, None),
        Err(refused) => (Infrastructure::default(), Some(refused)),
    };
    let ports = ListenerPorts::new(settings, infrastructure.has_targets.then(|| asked.targets()));
    let scene = Scene { owner: &stored.key, frontend: &frontend, ports, lookup, certificates };
    let mut listeners = listeners::parse(&spec.listeners, &Taken::default(), &scene, &mut findings);
    let AddedSets { sets, mut diagnostics } = AddedSets::read(stored, refused.is_some(), sets, &scene, &mut listeners);
    if let OwnService::Wanted(service) = &mut infrastructure.service {
        let accepted = listeners.iter().filter(|listener| listener.is_accepted);
        service.ports =
            accepted.filter_map(|listener| Some(scene.ports.of_service(listener.service_port()?))).collect();
    }
    if refused.is_some() {
        listeners.iter_mut().for_each(ParsedListener::close);
    }
    let backend_certificate = backend_certificates::read(&stored.key, spec, (lookup, certificates), &mut findings);
    let of_tls =
        frontend.condition().into_iter().chain(backend_certificate.as_ref().map(backend_certificates::condition));
    diagnostics.append(&mut findings.diagnostics);
    let parsed = ParsedGateway {
        rank: Rank { age: stored.age.clone(), key: stored.key.clone() },
        generation: stored.object.metadata.generation,
        listeners,
        infrastructure,
        sets,
        refused,
        of_tls: of_tls.collect(),
        backend_certificate: backend_certificate.and_then(Result::ok),
    };
    (Some(parsed), diagnostics)
}
