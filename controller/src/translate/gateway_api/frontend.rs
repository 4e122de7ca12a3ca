//! What a Gateway makes of the certificates of its clients, by port.

use super::authorities;
use super::findings::Findings;
use crate::diagnostic::Reason;
use crate::gateway_api::{Condition, Fault, FrontendTls, FrontendValidation};
use crate::lookup::Lookup;
use crate::object::ObjectKey;
use gateway::config::{ClientVerification, DEEPEST_CHAIN, Origin, VerifyClient};
use gateway::tls::client::ClientVerifier;
use std::collections::BTreeMap;
use std::sync::Arc;

/// That of a port, and what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clients {
    /// `Err`: its listeners cannot be served, because of this.
    pub(super) verification: Result<Arc<ClientVerification>, Fault>,
    /// Why not all that it names can be read.
    pub(super) unresolved: Option<Fault>,
}

/// Those of all ports.
#[derive(Debug, Default)]
pub(super) struct Frontend {
    default: Option<Clients>,
    /// `None`: clients of this port are not asked.
    per_port: BTreeMap<i32, Option<Clients>>,
}

impl Frontend {
    /// Reads what a Gateway says.
    pub(super) fn read(
        gateway: &ObjectKey,
        frontend: Option<&FrontendTls>,
        lookup: &Lookup<'_>,
        findings: &mut Findings,
    ) -> Self {
        let Some(frontend) = frontend else { return Self::default() };
        let mut read = |field: &str, validation: Option<&FrontendValidation>| {
            validation.map(|validation| clients(gateway, field, validation, lookup, findings))
        };
        let default = read("spec.tls.frontend.default.validation", frontend.default.validation.as_ref());
        let per_port = frontend.per_port.iter().enumerate().map(|(index, of_port)| {
            let field = format!("spec.tls.frontend.perPort[{index}].tls.validation");
            (of_port.port, read(&field, of_port.tls.validation.as_ref()))
        });
        Self { default, per_port: per_port.collect() }
    }

    /// What holds for the listeners for HTTPS of a port.
    pub(super) fn of_port(&self, port: i32) -> Option<&Clients> {
        self.per_port.get(&port).unwrap_or(&self.default).as_ref()
    }

    /// The condition of a Gateway that lets in who has no valid certificate.
    pub(super) fn condition(&self) -> Option<Condition> {
        let all = self.per_port.values().chain([&self.default]).flatten();
        let lets_all_in = |clients: &Clients| {
            clients.verification.as_ref().is_ok_and(|verification| verification.verify == VerifyClient::Any)
        };
        all.into_iter().any(lets_all_in).then(|| Condition {
            message: "AllowInsecureFallback: clients come in whatever their certificates are".to_owned(),
            ..Condition::holds("InsecureFrontendValidationMode", "ConfigurationChanged")
        })
    }
}

fn clients(
    gateway: &ObjectKey,
    field: &str,
    validation: &FrontendValidation,
    lookup: &Lookup<'_>,
    findings: &mut Findings,
) -> Clients {
    let references = format!("{field}.caCertificateRefs");
    let place = (&*references, "InvalidCACertificateKind");
    let found = authorities::read(gateway, &validation.ca_certificate_refs, place, lookup, findings);
    let mut refuse = |reason: &'static str, because, field: &str, value: &str, message: &str| -> Fault {
        findings.error(because, field, value, &format!("{message}; listeners of HTTPS with it are not served"));
        (reason, format!("{field}: {message}"))
    };
    let verify = match validation.mode.as_deref().unwrap_or("AllowValidOnly") {
        "AllowValidOnly" => Ok(VerifyClient::AtHandshake),
        "AllowInsecureFallback" => Ok(VerifyClient::Any),
        mode => {
            let message = "is not known: expected AllowValidOnly or AllowInsecureFallback";
            Err(refuse("UnsupportedValue", Reason::Invalid, &format!("{field}.mode"), mode, message))
        }
    };
    let verification = verify.and_then(|verify| {
        let verification = ClientVerification {
            authorities: found.certificates.into(),
            revocation_lists: Arc::default(),
            verify,
            depth: DEEPEST_CHAIN,
            error_page: None,
            subject: None,
            forward_certificate: false,
            origin: Origin::new(gateway, field),
        };
        if verification.authorities.is_empty() {
            let message = "leads to no certificate of an authority";
            return Err(refuse("NoValidCACertificate", Reason::Denied, &references, "", message));
        }
        match ClientVerifier::compile(&verification) {
            Ok(_) => Ok(Arc::new(verification)),
            Err(why) => Err(refuse("NoValidCACertificate", Reason::Denied, &references, "", &why)),
        }
    });
    if verification.as_ref().is_ok_and(|verification| verification.verify == VerifyClient::Any) {
        let message = "lets clients in whatever their certificates are: backends have to look at ssl-client-verify";
        findings.insecure(&format!("{field}.mode"), "AllowInsecureFallback", message);
    }
    Clients { verification, unresolved: found.fault }
}
