//! The certificate that a Gateway shows to backends (`spec.tls.backend`).

use super::certificate_refs;
use super::findings::Findings;
use crate::diagnostic::Reason;
use crate::gateway_api::{Condition, Fault, GatewaySpec};
use crate::lookup::Lookup;
use crate::object::ObjectKey;
use crate::translate::certificates::Certificates;
use gateway::config::{
    Action, BackendPolicies, BackendTls, Certificate, ExternalAuth, Mirror, Route, RouteBackend, RoutePolicies,
    StreamBackend,
};
use std::sync::Arc;

const FIELD: &str = "spec.tls.backend.clientCertificateRef";

/// Reads what a Gateway names. `None`: nothing.
pub(super) fn read(
    gateway: &ObjectKey,
    spec: &GatewaySpec,
    known: (&Lookup<'_>, &Certificates),
    findings: &mut Findings,
) -> Option<Result<Arc<Certificate>, Fault>> {
    let reference = spec.tls.as_ref()?.backend.as_ref()?.client_certificate_ref.as_ref()?;
    let read = certificate_refs::read(gateway, reference, "InvalidClientCertificateRef", known);
    Some(read.map_err(|(reason, message)| {
        let told = format!("{message}; backends are shown no certificate");
        findings.error(Reason::InvalidCertificate, &format!("{FIELD}.name"), &reference.name, &told);
        (reason, format!("{FIELD}: {message}"))
    }))
}

/// The condition of a Gateway that names one.
pub(super) fn condition(certificate: &Result<Arc<Certificate>, Fault>) -> Condition {
    Condition::unless(certificate.as_ref().err(), "ResolvedRefs")
}

/// The same routes, whose backends are shown a certificate where a BackendTLSPolicy asks for TLS.
pub(super) fn show(certificate: &Arc<Certificate>, mut routes: Vec<Route>) -> Vec<Route> {
    for route in &mut routes {
        if let Action::Forward(backends) = &route.action
            && backends.iter().any(|backend| backend.policies.tls.is_some())
        {
            route.action = Action::Forward(backends.iter().map(|backend| to_backend(certificate, backend)).collect());
        }
        if route.policies.mirrors.iter().any(|mirror| mirror.tls_settings.is_some()) {
            let mirrors = route.policies.mirrors.iter().map(|mirror| to_mirror(certificate, mirror)).collect();
            route.policies = Arc::new(RoutePolicies { mirrors, ..route.policies.as_ref().clone() });
        }
        if let Some(auth) = &route.policies.external_auth
            && let Some(tls) = &auth.tls_settings
        {
            let external_auth = ExternalAuth { tls_settings: Some(with(certificate, tls)), ..auth.clone() };
            let policies = route.policies.as_ref().clone();
            route.policies = Arc::new(RoutePolicies { external_auth: Some(external_auth), ..policies });
        }
    }
    routes
}

fn to_backend(certificate: &Arc<Certificate>, backend: &RouteBackend) -> RouteBackend {
    let Some(tls) = &backend.policies.tls else { return backend.clone() };
    let policies = BackendPolicies { tls: Some(with(certificate, tls)), ..backend.policies.as_ref().clone() };
    RouteBackend { policies: Arc::new(policies), ..backend.clone() }
}

/// The same of backends of what comes within TLS.
pub(super) fn show_within_tls(certificate: &Arc<Certificate>, backends: &[StreamBackend]) -> Arc<[StreamBackend]> {
    let shown = |backend: &StreamBackend| {
        let tls = backend.tls.as_ref().map(|tls| with(certificate, tls));
        StreamBackend { tls, ..backend.clone() }
    };
    backends.iter().map(shown).collect()
}

fn to_mirror(certificate: &Arc<Certificate>, mirror: &Mirror) -> Mirror {
    let tls_settings = mirror.tls_settings.as_ref().map(|tls| with(certificate, tls));
    Mirror { tls_settings, ..mirror.clone() }
}

fn with(certificate: &Arc<Certificate>, tls: &BackendTls) -> Arc<BackendTls> {
    Arc::new(BackendTls { certificate: Some(Arc::clone(certificate)), ..tls.clone() })
}
