//! What may act on a request, in the order in which it does: that of [`super::phases`], for those who want to see it.

use super::Decision;
use crate::request::{Reason, Reply};

/// Something that may act on a request. They compare as they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Its path is made normal, and host and route are looked up.
    Lookup,
    /// The ConfigMap blocks addresses, `User-Agent`s and `Referer`s.
    Blocking,
    /// A setting of the ConfigMap cannot be honoured: all requests are refused.
    Refusal,
    /// The certificate of its client is verified.
    ClientCertificate,
    /// The snippet of its host, which may look up another route.
    HostSnippet,
    /// What was found takes it: a route, a redirect of the host, or nothing.
    Entry,
    /// A setting of its route cannot be honoured.
    RouteRefusal,
    /// `app-root`.
    AppRoot,
    /// Only the gateway itself leads to its route.
    Internal,
    /// Preflight requests of CORS.
    Preflight,
    /// The snippet of its route, which may look up another one.
    RouteSnippet,
    /// Its route is a redirect or a fixed answer.
    FixedAnswer,
    /// The rewritten path is a URL.
    RewriteRedirect,
    /// Plain HTTP is redirected.
    HttpsRedirect,
    /// What needs a certificate needs HTTPS.
    HttpsForCertificate,
    /// The size of its body.
    BodyLimit,
    /// How much one client may ask.
    ClientLimits,
    /// The address of its client.
    SourceRanges,
    /// Name and password.
    Password,
    /// A server that authorizes it.
    AuthServer,
    /// The web application firewall.
    Firewall,
    /// Its body is read to its end first.
    Buffering,
    /// Its path towards the backend.
    Rewrite,
    /// The backend is chosen, and one of its endpoints.
    Backend,
    /// Headers of the request on its way to the backend.
    RequestHeaders,
    /// A server gets a copy.
    Mirror,
    /// Something else answers in place of an error.
    Errors,
    /// Headers of the response.
    ResponseHeaders,
    /// Headers of the backend's response: those of our own are not changed.
    BackendResponseHeaders,
    /// How fast the response goes out.
    ResponseRate,
}

impl Stage {
    /// All, in the order in which they run.
    pub const ALL: [Self; 30] = [
        Self::Lookup,
        Self::Blocking,
        Self::Refusal,
        Self::ClientCertificate,
        Self::HostSnippet,
        Self::Entry,
        Self::RouteRefusal,
        Self::AppRoot,
        Self::Internal,
        Self::Preflight,
        Self::RouteSnippet,
        Self::FixedAnswer,
        Self::RewriteRedirect,
        Self::HttpsRedirect,
        Self::HttpsForCertificate,
        Self::BodyLimit,
        Self::ClientLimits,
        Self::SourceRanges,
        Self::Password,
        Self::AuthServer,
        Self::Firewall,
        Self::Buffering,
        Self::Rewrite,
        Self::Backend,
        Self::RequestHeaders,
        Self::Mirror,
        Self::Errors,
        Self::ResponseHeaders,
        Self::BackendResponseHeaders,
        Self::ResponseRate,
    ];

    /// Whether it is about the response, whoever that comes from.
    pub fn is_of_response(self) -> bool {
        self >= Self::Errors && self != Self::BackendResponseHeaders
    }
}

impl Decision {
    /// What has made this reply to the request.
    pub fn stage_of(&self, reply: &Reply) -> Stage {
        match reply.reason {
            Reason::Misdirected | Reason::BadPath | Reason::Healthz => Stage::Lookup,
            Reason::Blocked => Stage::Blocking,
            Reason::Denied if self.settings.denied.is_some() => Stage::Refusal,
            Reason::Denied => Stage::RouteRefusal,
            Reason::BadClientCertificate | Reason::ClientCertificatesDenied | Reason::SubjectDenied => {
                Stage::ClientCertificate
            }
            // Without a route it is the host's.
            Reason::NoClientCertificate if self.passed_server_phase => Stage::HttpsForCertificate,
            Reason::NoClientCertificate => Stage::ClientCertificate,
            Reason::AddSlash | Reason::WwwRedirect | Reason::PatternLimit => Stage::Entry,
            Reason::NoRoute if self.route.is_none() => Stage::Entry,
            Reason::AppRoot => Stage::AppRoot,
            Reason::CorsPreflight => Stage::Preflight,
            Reason::SnippetLoop | Reason::SnippetRedirect | Reason::SnippetReturn | Reason::SnippetTooLong => {
                if self.passed_server_phase { Stage::RouteSnippet } else { Stage::HostSnippet }
            }
            Reason::FixedReply | Reason::Redirect => Stage::FixedAnswer,
            Reason::RewriteRedirect | Reason::BadLocation => Stage::RewriteRedirect,
            Reason::HttpsRedirect => Stage::HttpsRedirect,
            Reason::BodyTooLarge => Stage::BodyLimit,
            Reason::RequestLimit | Reason::ConnectionLimit => Stage::ClientLimits,
            Reason::SourceRange => Stage::SourceRanges,
            Reason::BadCredentials | Reason::TooManyLogins => Stage::Password,
            Reason::AuthDenied | Reason::AuthFailed | Reason::AuthSignin => Stage::AuthServer,
            Reason::Waf | Reason::WafBusy => Stage::Firewall,
            Reason::BodyTimeout | Reason::BufferFailed | Reason::BuffersFull | Reason::MalformedBody => {
                Stage::Buffering
            }
            Reason::RewriteTooLong => Stage::Rewrite,
            Reason::NoContent if self.route.as_ref().is_some_and(|route| route.policies.internal) => Stage::Internal,
            Reason::NoLocation | Reason::CustomError => Stage::Errors,
            _ => Stage::Backend,
        }
    }

    /// Whether the policies of its route for responses are those of the answer, whoever gives it.
    pub fn has_response_policies(&self) -> bool {
        self.response_policies().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_in_their_order() {
        assert!(Stage::ALL.is_sorted());
        assert_eq!(Stage::ALL[29], Stage::ResponseRate);
    }
}
