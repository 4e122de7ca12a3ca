//! `auth-tls-secret`: which clients come in by their certificates.

use super::Invalid;
use crate::config::{self, Denied, ErrorPage, VerifyClient};
use crate::connection::{Connection, TlsSession};
use crate::interner::Interner;
use crate::pattern::{Anchor, Case, Pattern};
use crate::request::{HOST_LIMIT, Reason, Reply, RequestView, canonical_host};
use crate::tls::client::{ClientCertificate, ClientVerifier, Verdict};
use http::Method;
use std::ops::{ControlFlow, Deref};
use std::sync::Arc;

/// What hosts verify certificates with. Verdicts are of one of these.
pub(super) type VerifierInterner = Interner<config::ClientVerification, ClientVerifier>;

/// What a host makes of the certificates of its clients, compiled.
#[derive(Debug)]
pub enum ClientCertificates {
    /// They are verified.
    Verified(ClientVerification),
    /// A setting is invalid: nobody comes in.
    Denied(Denied),
}

/// How certificates are verified. Derefs to the settings as they were configured.
#[derive(Debug)]
pub struct ClientVerification {
    configured: Arc<config::ClientVerification>,
    verifier: Arc<ClientVerifier>,
    subject: Option<Pattern>,
}

impl ClientCertificates {
    /// Compiles the settings.
    ///
    /// # Errors
    /// What cannot be used.
    pub(super) fn compile(
        configured: &config::ClientCertificates,
        verifiers: &mut VerifierInterner,
    ) -> Result<Self, Invalid> {
        match configured {
            config::ClientCertificates::Denied(denied) => Ok(Self::Denied(denied.clone())),
            config::ClientCertificates::Verified(settings) => {
                let invalid = |reason| Invalid { value: "client certificates".into(), reason };
                ClientVerification::compile(settings, verifiers).map(Self::Verified).map_err(invalid)
            }
        }
    }
}

impl ClientVerification {
    /// Compiles the settings.
    ///
    /// # Errors
    /// What cannot be used, in the rest of a sentence for a person.
    fn compile(configured: &Arc<config::ClientVerification>, verifiers: &mut VerifierInterner) -> Result<Self, String> {
        let subject = configured.subject.as_ref();
        let subject = subject.map(|text| Pattern::compile(text, Anchor::Anywhere, Case::Sensitive));
        Ok(Self {
            verifier: verifiers.intern(configured, ClientVerifier::compile)?,
            subject: subject.transpose().map_err(|error| error.to_string())?,
            configured: Arc::clone(configured),
        })
    }

    /// What asks for a certificate in a handshake, if one is asked for.
    pub(crate) fn verifier(&self) -> Option<&Arc<ClientVerifier>> {
        (self.verify != VerifyClient::Off).then_some(&self.verifier)
    }

    /// What is known of the client of a connection. Without a request for a certificate, nothing is.
    fn verdict(&self, certificate: Option<&ClientCertificate>) -> Verdict {
        match (certificate, self.verifier()) {
            (Some(certificate), Some(verifier)) => certificate.verdict(verifier),
            _ => Verdict::None,
        }
    }

    /// Refuses clients whose certificate is missing or invalid (nginx: ngx_http_process_request).
    fn check(&self, verdict: Verdict) -> ControlFlow<Reply> {
        let reason = match (self.verify, verdict) {
            (VerifyClient::Any, _) => return ControlFlow::Continue(()),
            (verify, Verdict::None) if verify.requires_certificate() => Reason::NoClientCertificate,
            (VerifyClient::OptionalNoCa, Verdict::Failed(fault)) if fault.is_lack_of_trust() => {
                return ControlFlow::Continue(());
            }
            (_, Verdict::Failed(_)) => Reason::BadClientCertificate,
            (_, Verdict::None | Verdict::Success) => return ControlFlow::Continue(()),
        };
        ControlFlow::Break(match &self.error_page {
            Some(ErrorPage::Redirect(url)) => Reply::redirect(302, reason, url.as_bytes()),
            Some(ErrorPage::Path(_)) | None => Reply::new(400, reason),
        })
    }

    /// `auth-tls-match-cn`. Without a certificate, the subject is empty.
    fn check_subject(&self, certificate: Option<&ClientCertificate>) -> ControlFlow<Reply> {
        let Some(pattern) = &self.subject else { return ControlFlow::Continue(()) };
        let subject = certificate.map(|certificate| certificate.fields().subject.as_bytes()).unwrap_or_default();
        match pattern.is_match(subject) {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) => ControlFlow::Break(Reply::new(403, Reason::SubjectDenied)),
            Err(_limit) => ControlFlow::Break(Reply::new(500, Reason::PatternLimit)),
        }
    }
}

impl Deref for ClientVerification {
    type Target = config::ClientVerification;

    fn deref(&self) -> &config::ClientVerification {
        &self.configured
    }
}

/// Finds out what is known of the client, and refuses it where the host does not let it in. `None` where no certificate
/// matters: over plain HTTP there is none, and [`require_tls`] comes when it is known that the request is not redirected.
/// Where nobody is `served`, whatever is wanted is presumed.
pub(crate) fn verify(
    certificates: &ClientCertificates,
    request: &RequestView<'_>,
    connection: &Connection,
    served: bool,
) -> ControlFlow<Reply, Option<Verdict>> {
    let verification = match certificates {
        ClientCertificates::Denied(_) => return ControlFlow::Break(DENIED),
        ClientCertificates::Verified(verification) => verification,
    };
    let Some(tls) = connection.tls.as_ref().filter(|_| served) else { return ControlFlow::Continue(None) };
    let certificate = tls.client.as_deref().filter(|_| verification.verifier().is_some());
    if verification.verifier().is_some() {
        reject_misdirected(tls, request)?;
    }
    let verdict = verification.verdict(certificate);
    verification.check(verdict)?;
    verification.check_subject(certificate)?;
    ControlFlow::Continue(Some(verdict))
}

/// The path whose content a client gets instead of `reply`, if that is about its certificate; and what is known of it.
pub(crate) fn error_page<'a>(
    certificates: &'a ClientCertificates,
    reply: &Reply,
    request: &RequestView<'_>,
    connection: &Connection,
) -> Option<(&'a str, Verdict)> {
    let ClientCertificates::Verified(verification) = certificates else { return None };
    let Some(ErrorPage::Path(page)) = &verification.error_page else { return None };
    let is_served = reply.reason.is_of_connection() && matches!(*request.method, Method::GET | Method::HEAD);
    let certificate = connection.tls.as_ref()?.client.as_deref();
    is_served.then(|| (&**page, verification.verdict(certificate)))
}

/// Refuses plain HTTP where the host requires what a client can only show over TLS.
pub(crate) fn require_tls(certificates: Option<&ClientCertificates>, connection: &Connection) -> ControlFlow<Reply> {
    match certificates {
        Some(ClientCertificates::Denied(_)) => ControlFlow::Break(DENIED),
        Some(ClientCertificates::Verified(verification)) if connection.tls.is_none() => {
            if verification.verify.requires_certificate() {
                return ControlFlow::Break(Reply::new(400, Reason::NoClientCertificate));
            }
            verification.check_subject(None)
        }
        Some(ClientCertificates::Verified(_)) | None => ControlFlow::Continue(()),
    }
}

/// As nginx, whatever the version of HTTP: who asks one host for a handshake has its certificate asked for by that host,
/// and has to ask this host for its own.
fn reject_misdirected(tls: &TlsSession, request: &RequestView<'_>) -> ControlFlow<Reply> {
    let mut buffer = [0; HOST_LIMIT];
    match &tls.server_name {
        Some(name) if **name != *canonical_host(request.host(), &mut buffer) => {
            ControlFlow::Break(Reply::new(421, Reason::Misdirected))
        }
        _ => ControlFlow::Continue(()),
    }
}

const DENIED: Reply = Reply::new(403, Reason::ClientCertificatesDenied);
