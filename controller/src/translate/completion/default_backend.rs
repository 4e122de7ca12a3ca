//! `default-backend`.

use super::Completer;
use crate::diagnostic::{AtAdmission, Diagnostic, Reason};
use crate::object::{Kind, ObjectKey};
use gateway::config::{Origin, ServiceBackend};

impl Completer<'_> {
    /// The first port of the Service that `default-backend` names.
    pub(super) fn default_backend(&mut self) -> Option<ServiceBackend> {
        let name = self.settings.default_backend.clone()?;
        let namespace = self.scene.namespace;
        let Origin { object, field } = self.scene.written.origin("default-backend");
        let service = self.scene.lookup.service(namespace, &name);
        let Some(port) = service.and_then(|service| service.spec.as_ref()?.ports.as_ref()?.first()) else {
            let message = format!(
                "is not an existing Service with a port in namespace {namespace}: requests without an endpoint are \
                 answered with 503"
            );
            let service = ObjectKey::new(Kind::Service, namespace.clone(), name.clone());
            let diagnostic = Diagnostic::error(object, field, message).with_value(&name);
            let diagnostic = diagnostic.because(Reason::ReferenceNotFound).with_related(service);
            self.named.diagnostics.push(Diagnostic { at_admission: AtAdmission::Waits, ..diagnostic });
            return None;
        };
        let id = ServiceBackend::tcp(namespace.clone(), name, port.port.to_string());
        self.named.services.insert(id.clone(), field);
        Some(id)
    }
}
