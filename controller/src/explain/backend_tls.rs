//! How TLS is spoken to a backend, in words.

use gateway::config::{Authorities, BackendTls, BackendVerification, SubjectName};
use gateway::exchange::Decision;

/// How it is spoken to the backend of a request; none where it is not. `client_uses_tls` is of the request.
pub(super) fn of_request(decision: &Decision, client_uses_tls: bool) -> Option<String> {
    let is_spoken = decision.backend_policies().protocol.uses_tls(client_uses_tls);
    is_spoken.then(|| sentence(decision.backend_tls().map(|tls| &***tls)))
}

/// How it is spoken with these settings, or without any.
pub(super) fn sentence(settings: Option<&BackendTls>) -> String {
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
    format!("over TLS: {sent}; its certificate {verified}; it is shown {shown}")
}

/// What a certificate has to be.
fn required(BackendVerification { authorities, names, .. }: &BackendVerification) -> String {
    let names: Vec<_> = names.iter().map(|(SubjectName::Dns(name) | SubjectName::Uri(name))| &**name).collect();
    let authority = match authorities {
        Authorities::Given(_) => "an authority that is given",
        Authorities::System => "an authority of the system",
    };
    format!("has to be for {}, from {authority}", names.join(" or "))
}
