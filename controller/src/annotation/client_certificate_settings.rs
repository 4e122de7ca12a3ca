//! What the annotations `auth-tls-*` come to, once all of them are known.

use super::proxy_ssl_settings::authorities;
use crate::certificate::revocation_lists;
use crate::registry::ValueError;
use gateway::config::{ClientCertificates, ClientVerification, ErrorPage, HostPolicies, Origin, VerifyClient};
use gateway::tls::client::ClientVerifier;
use k8s_openapi::api::core::v1::Secret;
use std::sync::Arc;

/// Of the Secret: lists of revoked certificates.
const REVOCATION_LISTS: &str = "ca.crl";

/// What the annotations say of the certificates of clients.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientCertificateSettings {
    /// The Secret that `auth-tls-secret` names. Without it, nothing is verified.
    pub(super) secret: Option<Arc<Secret>>,
    /// `auth-tls-verify-client`.
    pub(super) verify: Option<VerifyClient>,
    /// `auth-tls-verify-depth`.
    pub(super) depth: Option<usize>,
    /// `auth-tls-error-page`.
    pub(super) error_page: Option<ErrorPage>,
    /// `auth-tls-match-cn`.
    pub(super) subject: Option<Arc<str>>,
    /// `auth-tls-pass-certificate-to-upstream`.
    pub(super) forward_certificate: bool,
}

impl ClientCertificateSettings {
    /// Sets what the annotations come to, unless one of them has closed the host already. `origin` is `auth-tls-secret`.
    ///
    /// # Errors
    /// The annotation at fault, and what is wrong with it.
    pub(super) fn build(self, origin: Origin, host: &mut HostPolicies) -> Result<(), (&'static str, ValueError)> {
        if host.client_certificates.is_some() {
            return Ok(());
        }
        let Some(secret) = &self.secret else { return self.require_nothing() };
        let invalid = |error: ValueError| ("auth-tls-secret", error);
        let verification = ClientVerification {
            authorities: authorities(secret).map_err(invalid)?,
            revocation_lists: lists(secret).map_err(invalid)?,
            verify: self.verify.unwrap_or(VerifyClient::On),
            depth: self.depth.unwrap_or(1),
            error_page: self.error_page,
            subject: self.subject,
            forward_certificate: self.forward_certificate,
            origin,
        };
        ClientVerifier::compile(&verification).map_err(|why| invalid(format!("names a Secret that {why}").into()))?;
        host.client_certificates = Some(ClientCertificates::Verified(Arc::new(verification)));
        Ok(())
    }

    /// ingress-nginx lets everybody in without a Secret, whatever else is asked for.
    fn require_nothing(&self) -> Result<(), (&'static str, ValueError)> {
        let missing =
            |annotation| Err((annotation, "needs auth-tls-secret: expected a Secret with ca.crt there".into()));
        match self {
            Self { verify: Some(VerifyClient::On), .. } => missing("auth-tls-verify-client"),
            Self { subject: Some(_), .. } => missing("auth-tls-match-cn"),
            _ => Ok(()),
        }
    }
}

fn lists(secret: &Secret) -> Result<Arc<[Vec<u8>]>, ValueError> {
    let Some(pem) = secret.data.as_ref().and_then(|data| data.get(REVOCATION_LISTS)) else { return Ok(Arc::default()) };
    let lists = revocation_lists(&pem.0)
        .ok_or("names a Secret without lists of revoked certificates in data[ca.crl]: expected PEM")?;
    Ok(lists.iter().map(|der| der.to_vec()).collect())
}
