use super::backends::{self, Known, transport};
use super::findings::Findings;
use crate::diagnostic::Reason;
use crate::gateway_api::{Fault, RouteBackendRef, StreamRouteRule};
use crate::object::ObjectKey;
use crate::translate::streams::unserved;
use gateway::config::{BackendId, BackendProtocol, ServiceBackend, StreamBackend};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Where the connections or datagrams of a route go.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sessions {
    /// As they come.
    pub(super) passed: Arc<[StreamBackend]>,
    /// What comes within TLS that ends here: over TLS to those for whom a BackendTLSPolicy asks for it.
    pub(super) within_tls: Arc<[StreamBackend]>,
    /// Of a TLSRoute: how long connecting to an endpoint may take.
    pub(super) connect_timeout: Duration,
}

/// Where a route of connections or datagrams leads.
#[derive(Debug)]
pub(super) struct StreamRule {
    pub(super) sessions: Sessions,
    /// The Services' ports that it names, each with the first field that does.
    pub(super) references: BTreeMap<ServiceBackend, Arc<str>>,
    /// The first reference that cannot be followed.
    pub(super) unresolved: Option<Fault>,
}

/// Reads the only rule that such a route may have.
pub(super) fn parse(
    route: &ObjectKey,
    rules: &[StreamRouteRule],
    connect_timeout: Duration,
    known: Known<'_>,
    findings: &mut Findings,
) -> StreamRule {
    for index in 1..rules.len() {
        let message = "is one too many: expected a single rule; it is not served";
        findings.error(Reason::Invalid, &format!("spec.rules[{index}]"), "", message);
    }
    let unserved = unserved(transport(route.kind));
    let named = rules.first().map(|rule| rule.backend_refs.as_slice()).unwrap_or_default();
    if named.is_empty() {
        let message = format!("is missing: expected at least one Service; {unserved}");
        findings.error(Reason::Invalid, "spec.rules[0].backendRefs", "", &message);
    }
    let (mut passed, mut within_tls) = (Vec::new(), Vec::new());
    let (mut references, mut first_unresolved) = (BTreeMap::new(), None);
    for (index, reference) in named.iter().enumerate() {
        let field = format!("spec.rules[0].backendRefs[{index}]");
        let weight = backends::weight(reference.weight, &field, findings);
        let effect = format!("its {unserved}");
        // How HTTP is spoken to it does not matter.
        let any = |_: &str| BackendProtocol::Http;
        let reference = RouteBackendRef::from(reference.clone());
        let (backend, (secured, tls)) =
            match backends::resolve(route, &reference, any, (&field, &effect), known, findings) {
                Ok(destination) => {
                    references.entry(destination.id.clone()).or_insert_with(|| field.into());
                    let backend = BackendId::from(destination.id);
                    let secured = if destination.is_closed { BackendId::Nowhere } else { backend.clone() };
                    (backend, (secured, destination.tls))
                }
                Err(unresolved) => {
                    first_unresolved.get_or_insert(unresolved);
                    (BackendId::Nowhere, (BackendId::Nowhere, None))
                }
            };
        passed.push(StreamBackend { backend, weight, tls: None });
        within_tls.push(StreamBackend { backend: secured, weight, tls });
    }
    let sessions = Sessions { passed: passed.into(), within_tls: within_tls.into(), connect_timeout };
    StreamRule { sessions, references, unresolved: first_unresolved }
}
