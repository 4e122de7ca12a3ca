//! A Gateway and its class.

use super::backend_certificates;
use super::findings::Findings;
use super::frontend::Frontend;
use super::listeners::{self, ParsedListener, Scene};
use super::rank::Rank;
use crate::diagnostic::{Diagnostic, Reason};
use crate::gateway_api::{Condition, Gateway, GatewayClass, ListenerStatus, StatusParts};
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
    pub(super) listeners: Vec<ParsedListener>,
    /// Why nothing of it is served, if that is so.
    refused: Option<Condition>,
    /// What it shows to backends for which a BackendTLSPolicy asks for TLS.
    pub(super) backend_certificate: Option<Arc<Certificate>>,
    /// What else its status says of TLS.
    of_tls: Vec<Condition>,
}

impl ParsedGateway {
    /// What its status has, given how many routes are attached to a listener.
    pub(super) fn status(&self, attached: impl Fn(&str) -> usize) -> StatusParts {
        let listeners = self.listeners.iter().map(|listener| ListenerStatus {
            name: listener.name.clone(),
            supported_kinds: listener.kinds.clone(),
            attached_routes: attached(&listener.name),
            conditions: listener.conditions.clone(),
        });
        StatusParts::Gateway {
            conditions: [conditions(&self.listeners, self.refused.clone()), self.of_tls.clone()].concat(),
            listeners: listeners.collect(),
        }
    }
}

/// What became of a class, if it is ours, and what is wrong with it.
pub(super) fn class(stored: &Stored<GatewayClass>, controller: &str) -> Option<(Vec<Condition>, Vec<Diagnostic>)> {
    let spec = &stored.object.spec;
    if spec.controller_name != controller {
        return None;
    }
    let mut findings = Findings::of(&stored.key, stored.age.place.as_ref());
    let condition = match &spec.parameters_ref {
        None => Condition::holds("Accepted", "Accepted"),
        Some(parameters) => {
            let message = "is not supported: expected none; Gateways of this class are not served";
            findings.error(Reason::Invalid, "spec.parametersRef", &parameters.name, message);
            Condition::fails("Accepted", "InvalidParameters", format!("spec.parametersRef: {message}"))
        }
    };
    Some((vec![condition], findings.diagnostics))
}

/// Reads a Gateway, if it is ours.
pub(super) fn parse(
    stored: &Stored<Gateway>,
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
    let own_ports = &settings.own_ports;
    let scene = Scene { gateway: &stored.key, frontend: &frontend, own_ports, lookup, certificates };
    let mut listeners = listeners::parse(&spec.listeners, &scene, &mut findings);
    let refused = refusal(&stored.object, &class.object, &mut findings);
    if refused.is_some() {
        listeners.iter_mut().for_each(|listener| (listener.is_accepted, listener.entry) = (false, None));
    }
    let backend_certificate = backend_certificates::read(&stored.key, spec, (lookup, certificates), &mut findings);
    let of_tls =
        frontend.condition().into_iter().chain(backend_certificate.as_ref().map(backend_certificates::condition));
    let parsed = ParsedGateway {
        rank: Rank { age: stored.age.clone(), key: stored.key.clone() },
        generation: stored.object.metadata.generation,
        listeners,
        refused,
        of_tls: of_tls.collect(),
        backend_certificate: backend_certificate.and_then(Result::ok),
    };
    (Some(parsed), findings.diagnostics)
}

/// Why nothing of a Gateway is served, if that is so.
fn refusal(gateway: &Gateway, class: &GatewayClass, findings: &mut Findings) -> Option<Condition> {
    let spec = &gateway.spec;
    let parameters = spec.infrastructure.as_ref().and_then(|infrastructure| infrastructure.parameters_ref.as_ref());
    let (reason, field, value, message) = if class.spec.parameters_ref.is_some() {
        let message = "names a GatewayClass with parameters, which are not supported";
        ("Pending", "spec.gatewayClassName", spec.gateway_class_name.as_str(), message)
    } else if let Some(parameters) = parameters {
        let message = "is not supported: expected none";
        ("InvalidParameters", "spec.infrastructure.parametersRef", parameters.name.as_str(), message)
    } else if let Some(address) = spec.addresses.first() {
        let message = "cannot be chosen: expected none; clients use the addresses of Adit's Service";
        ("UnsupportedAddress", "spec.addresses", address.value.as_deref().unwrap_or_default(), message)
    } else {
        return None;
    };
    findings.error(Reason::Invalid, field, value, &format!("{message}; the Gateway is not served"));
    Some(Condition::fails("Accepted", reason, format!("{field}: {message}")))
}

fn conditions(listeners: &[ParsedListener], refused: Option<Condition>) -> Vec<Condition> {
    let valid = listeners.iter().filter(|listener| listener.is_accepted).count();
    let is_programmed = listeners.iter().any(|listener| listener.entry.is_some());
    let accepted = match refused {
        Some(refused) => refused,
        None if valid == listeners.len() && valid > 0 => Condition::holds("Accepted", "Accepted"),
        None => Condition { holds: valid > 0, ..Condition::fails("Accepted", "ListenersNotValid", SOME_INVALID) },
    };
    let programmed = match is_programmed {
        true => Condition::holds("Programmed", "Programmed"),
        false => Condition::fails("Programmed", "Invalid", "no listener is served"),
    };
    vec![accepted, programmed]
}

const SOME_INVALID: &str = "some listeners are not valid";
