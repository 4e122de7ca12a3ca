//! How TLS is spoken to a backend, and who asks for it, in words.

use super::refusal;
use crate::translate::Translator;
use gateway::config::{Authorities, BackendId, BackendTls, BackendVerification, SubjectName};
use gateway::exchange::Decision;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Authorities that are named; the rest is counted.
const AUTHORITIES_SHOWN: usize = 3;

/// How it is spoken to the backend of a request; none where it is not. `client_uses_tls` is of the request.
pub(super) fn of_request(decision: &Decision, client_uses_tls: bool, translator: &Translator) -> Option<String> {
    let is_spoken = decision.backend_policies().protocol.uses_tls(client_uses_tls);
    let backend = decision.upstream().map_or(&BackendId::Nowhere, |upstream| upstream.id());
    is_spoken.then(|| sentence(decision.backend_tls().map(|tls| &***tls), backend, translator))
}

/// How it is spoken to a backend with these settings, or without any.
pub(super) fn sentence(settings: Option<&BackendTls>, backend: &BackendId, translator: &Translator) -> String {
    let sent = match settings.and_then(|settings| settings.server_name.as_ref()) {
        Some(name) => format!("the name {name} is sent"),
        None => "no name is sent".to_owned(),
    };
    let verified = match settings.and_then(|settings| settings.verification.as_ref()) {
        Some(verification) => required(verification),
        None => "is not verified".to_owned(),
    };
    let shown = match settings.and_then(|settings| settings.certificate.as_ref()) {
        Some(certificate) => format!("that of {}", certificate.origin.object),
        None => "none".to_owned(),
    };
    let spoken = format!("{sent}; its certificate {verified}; it is shown {shown}");
    let Some(policy) = settings.and_then(|settings| settings.policy.as_ref()) else {
        return format!("over TLS: {spoken}");
    };
    let service = backend.service().map(|service| &*service.service).unwrap_or_default();
    let rivals = refusal::of_rivals(policy, service, translator);
    let sentences: Vec<_> = [format!("over TLS, as {policy} asks: {spoken}")].into_iter().chain(rivals).collect();
    sentences.join("; ")
}

/// What a certificate has to be.
fn required(BackendVerification { authorities, names, .. }: &BackendVerification) -> String {
    let names: Vec<_> = names.iter().map(|(SubjectName::Dns(name) | SubjectName::Uri(name))| &**name).collect();
    let authority = match authorities {
        Authorities::Given(given) => given_authorities(given),
        Authorities::System => "an authority of the system".to_owned(),
    };
    format!("has to be for {}, from {authority}", names.join(" or "))
}

/// Authorities by their subjects.
fn given_authorities(given: &[Vec<u8>]) -> String {
    let mut subjects: Vec<_> = given.iter().take(AUTHORITIES_SHOWN).map(|der| subject(der)).collect();
    if let Some(more @ 1..) = given.len().checked_sub(AUTHORITIES_SHOWN) {
        subjects.push(format!("{more} more"));
    }
    format!("the authority {}", subjects.join(" or "))
}

fn subject(der: &[u8]) -> String {
    let parsed = X509Certificate::from_der(der).map(|(_, parsed)| parsed.subject().to_string());
    parsed.ok().filter(|subject| !subject.is_empty()).unwrap_or_else(|| "without a name".to_owned())
}
