//! Certificates of clients (`auth-tls-secret`) are asked for by the whole host: the oldest of its Ingresses that wants them
//! decides how.

use super::view::View;
use crate::diagnostic::{Diagnostic, Reason};
use crate::translate::parsed_ingress::ParsedIngress;
use gateway::config::{ClientCertificates, ClientVerification, HostName};

/// What the host makes of the certificates of its clients. An Ingress without rules counts for the hosts that it serves: in
/// ingress-nginx its default backend is not protected.
pub(super) fn of_host(host: &HostName, view: &View<'_>) -> Option<ClientCertificates> {
    let matching = view.defaults().path_matching;
    let serves = |ingress: &&ParsedIngress| *host == HostName::Any && ingress.serves_any_host(matching);
    let mut asking = view.with_rules(host).chain(view.claims_on(host).filter(serves));
    asking.find_map(|ingress| ingress.host_policies.client_certificates.clone())
}

/// Says of the host's younger Ingresses that they ask in vain for something else.
pub(super) fn overruled(host: &HostName, view: &View<'_>) -> Vec<Diagnostic> {
    let mut asking = view.with_rules(host).filter(|ingress| ingress.host_policies.client_certificates.is_some());
    let Some(oldest) = asking.next() else { return Vec::new() };
    asking.filter(|younger| differs(oldest, younger)).map(|younger| warning(host, oldest, younger, view)).collect()
}

fn differs(oldest: &ParsedIngress, younger: &ParsedIngress) -> bool {
    match (&oldest.host_policies.client_certificates, &younger.host_policies.client_certificates) {
        (Some(ClientCertificates::Verified(oldest)), Some(ClientCertificates::Verified(younger))) => {
            **younger != ClientVerification { origin: younger.origin.clone(), ..oldest.as_ref().clone() }
        }
        _ => true,
    }
}

fn warning(host: &HostName, oldest: &ParsedIngress, younger: &ParsedIngress, view: &View<'_>) -> Diagnostic {
    let message = format!(
        "is ignored for host {host}: the certificates of its clients are as {} has it, which is older",
        oldest.object
    );
    let warning = younger.warning(view.annotation("auth-tls-secret"), message);
    warning.because(Reason::Conflict).with_related(oldest.object.clone())
}
