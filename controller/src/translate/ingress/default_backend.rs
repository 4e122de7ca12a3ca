//! The annotation `default-backend`.

use super::parser::Parser;
use crate::diagnostic::{AtAdmission, Diagnostic, Reason};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::translate::parsed_ingress::Reference;
use gateway::config::ServiceBackend;

impl Parser<'_> {
    /// The first port of the Service that the annotation `default-backend` names.
    pub(super) fn annotated_default_backend(&mut self, lookup: &Lookup<'_>) -> Option<ServiceBackend> {
        let name = self.annotations.default_backend.clone()?;
        let namespace = &self.stored.key.namespace;
        let field = self.annotation("default-backend").field;
        let service = lookup.service(namespace, &name);
        let Some(port) = service.and_then(|service| service.spec.as_ref()?.ports.as_ref()?.first()) else {
            let message = format!(
                "is not an existing Service with a port in namespace {namespace}: requests without an endpoint are \
                 answered with 503"
            );
            let service = ObjectKey::new(Kind::Service, namespace.clone(), name.clone());
            let diagnostic = Diagnostic::error(self.object.clone(), field, message).with_value(&name);
            let diagnostic = diagnostic.because(Reason::ReferenceNotFound).with_related(service);
            self.diagnostics.push(Diagnostic { at_admission: AtAdmission::Waits, ..diagnostic });
            return None;
        };
        let id = ServiceBackend::tcp(namespace.clone(), name, port.port.to_string());
        self.references.insert(id.clone(), Reference { field, routed: false, in_rules: false });
        Some(id)
    }
}
