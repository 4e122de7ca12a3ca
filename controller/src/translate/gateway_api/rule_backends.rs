//! The backends of a rule: where its requests go.

use super::backends::{self, Destination};
use super::filters::{self, Filters, PathFilter};
use super::rule::{Asked, RuleReader};
use super::rule_base::shared;
use super::wrong::Wrong;
use crate::gateway_api::RouteBackendRef;
use gateway::config::{Action, BackendId, BackendPolicies, HeaderChanges, Owner, RouteBackend};
use std::sync::Arc;

impl RuleReader<'_> {
    /// To the backends of a rule, each for its share; without any, nowhere, or with a policy to the default backend. And the paths
    /// that they get.
    pub(super) fn forward(
        &mut self,
        rule: &str,
        references: &[RouteBackendRef],
        asked: &Asked,
    ) -> (Action, Vec<Option<PathFilter>>) {
        if references.is_empty() && !asked.filters.extensions.is_empty() {
            // As what no rule takes, but for what the policies ask of it.
            return (Action::DefaultBackend(Arc::clone(&asked.backend)), Vec::new());
        }
        let mut backends = Vec::with_capacity(references.len());
        let mut paths = Vec::with_capacity(references.len());
        for (index, reference) in references.iter().enumerate() {
            let field = format!("{rule}.backendRefs[{index}]");
            let nowhere = RouteBackend {
                backend: BackendId::Nowhere,
                weight: backends::weight(reference.weight, &field, &mut self.findings),
                when: None,
                canary: false,
                affinity: None,
                owner: self.owner(),
                policies: Arc::clone(&asked.backend),
            };
            let own = self.backend_filters(reference, &field);
            paths.push(own.as_ref().and_then(|own| own.path.clone()));
            backends.push(match self.destination(reference, &field).zip(own) {
                Some((destination, own)) => self.lead(nowhere, destination, own, &field, asked),
                None => nowhere,
            });
        }
        let serves = |backend: &RouteBackend| backend.weight > 0 && backend.backend != BackendId::Nowhere;
        let action = if backends.iter().any(serves) { Action::Forward(backends.into()) } else { self.refusal() };
        (action, paths)
    }

    /// Where a backend is, if it may be had.
    fn destination(&mut self, reference: &RouteBackendRef, field: &str) -> Option<Destination> {
        let effect = format!("its requests are answered with {}", self.kind.refusal);
        let (protocol, told) = (self.kind.protocol, (field, &*effect));
        let resolved = backends::resolve(self.key, reference, protocol, told, self.known, &mut self.findings);
        resolved.map_err(|unresolved| self.unresolved.get_or_insert(unresolved)).ok()
    }

    /// Leads a backend to where it is, with what is of it alone.
    fn lead(
        &mut self,
        nowhere: RouteBackend,
        destination: Destination,
        own: Filters,
        field: &str,
        asked: &Asked,
    ) -> RouteBackend {
        let Destination { id, protocol, tls, is_closed } = destination;
        self.references.entry(id.clone()).or_insert_with(|| field.into());
        if let Some(upstream) = &asked.base.upstream {
            self.upstreams.entry(id.clone()).or_insert_with(|| upstream.clone());
        }
        let common = &asked.backend;
        let policies = BackendPolicies {
            // A BackendTLSPolicy counts before all else.
            protocol: asked.base.protocol.filter(|_| tls.is_none()).unwrap_or(protocol),
            tls: tls.or_else(|| common.tls.clone()),
            host: own.host.or_else(|| common.host.clone()),
            request_headers: changes(own.request_headers),
            response_headers: changes(own.response_headers),
            ..common.as_ref().clone()
        };
        RouteBackend {
            owner: Owner { service: id.service.clone(), service_port: id.port.clone(), ..nowhere.owner },
            backend: if is_closed { BackendId::Nowhere } else { id.into() },
            policies: shared(common, policies),
            ..nowhere
        }
    }

    /// The filters of one backend.
    fn backend_filters(&mut self, reference: &RouteBackendRef, field: &str) -> Option<Filters> {
        let wrong = match filters::parse(&reference.filters, self.kind.filters) {
            Ok(filters) if filters.only_change() => return Some(filters),
            Ok(_) => {
                let message =
                    "has a filter that is not supported for one backend: expected those of headers, and URLRewrite";
                Wrong::new("filters", "", message)
            }
            Err(wrong) => wrong,
        };
        self.invalid(wrong.within(field), "of this backend");
        None
    }
}

fn changes(changes: HeaderChanges) -> Option<Arc<HeaderChanges>> {
    (changes != HeaderChanges::default()).then(|| Arc::new(changes))
}
