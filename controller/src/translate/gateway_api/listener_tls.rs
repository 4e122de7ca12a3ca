//! What a listener says of TLS.

use super::certificate_refs;
use super::listener::TlsMode;
use super::listener_reader::Reader;
use crate::diagnostic::Reason;
use crate::gateway_api::{Listener, ListenerTls, ObjectReference};
use gateway::config::{Certificate, ClientVerification, HostName, HostTls};
use std::sync::Arc;

const NO_CERTIFICATE: &str = "InvalidCertificateRef";

impl Reader<'_> {
    /// Where its TLS ends, if its connections are led on as connections.
    pub(super) fn tls_mode(&mut self, listener: &Listener) -> Option<TlsMode> {
        if listener.protocol != "TLS" {
            return None;
        }
        match listener.tls.as_ref().and_then(|tls| tls.mode.as_deref()) {
            Some("Passthrough") => Some(TlsMode::Passthrough),
            None | Some("Terminate") => Some(TlsMode::Terminate),
            Some(mode) => {
                self.fail("UnsupportedValue", "tls.mode", mode, "is not known: expected Terminate or Passthrough");
                None
            }
        }
    }

    /// The certificates that it shows for this host.
    pub(super) fn tls(&mut self, tls: Option<&ListenerTls>, host: Option<HostName>) -> Option<HostTls> {
        let none = ListenerTls::default();
        let tls = tls.unwrap_or(&none);
        if let Some(mode) = tls.mode.as_deref().filter(|mode| *mode != "Terminate") {
            self.fail("UnsupportedValue", "tls.mode", mode, "is not supported for HTTPS: expected Terminate");
            return None;
        }
        for option in tls.options.keys() {
            let field = format!("{}.tls.options[{option}]", self.field);
            self.findings.ignored(&field, "", "is an option that Adit does not have; it is ignored");
        }
        if tls.certificate_refs.is_empty() {
            let message = "is empty: expected at least one Secret with a certificate";
            let fault = self.tell(NO_CERTIFICATE, "tls.certificateRefs", "", message);
            self.unresolved.get_or_insert(fault);
        }
        let references = tls.certificate_refs.iter().enumerate();
        let certificates = references.filter_map(|(index, reference)| self.certificate(index, reference)).collect();
        Some(HostTls { certificates, listener: host })
    }

    fn certificate(&mut self, index: usize, reference: &ObjectReference) -> Option<Arc<Certificate>> {
        let known = (self.scene.lookup, self.scene.certificates);
        let read = certificate_refs::read(self.scene.owner, reference, NO_CERTIFICATE, known);
        let missing = |(reason, message): (_, String)| {
            let field = format!("{}.tls.certificateRefs[{index}]", self.field);
            self.findings.error(Reason::InvalidCertificate, &field, &reference.name, &message);
            self.unresolved.get_or_insert((reason, format!("{field}: {message}")));
        };
        read.map_err(missing).ok()
    }

    /// What becomes of the certificates of its clients, where it asks for them.
    pub(super) fn clients(&mut self, port: i32) -> Option<Arc<ClientVerification>> {
        let of_port = self.scene.frontend.of_port(port)?;
        self.unresolved = self.unresolved.take().or_else(|| of_port.unresolved.clone());
        let verification = of_port.verification.clone();
        verification.map_err(|fault| self.fault.get_or_insert(fault)).ok()
    }
}
