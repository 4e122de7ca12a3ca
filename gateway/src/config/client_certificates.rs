use super::{Denied, Origin};
use std::sync::Arc;

/// `auth-tls-secret` and what goes with it, or a Gateway's `tls.frontend`: what a host makes of the certificates of its clients.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ClientCertificates {
    /// They are verified.
    Verified(Arc<ClientVerification>),
    /// A setting is invalid: every request for the host is answered with 403.
    Denied(Denied),
}

/// How the certificates of clients are verified, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientVerification {
    /// `ca.crt` of the Secret: the certificates of authorities, DER. Those that have issued themselves are believed; the
    /// others complete the chains of clients. If none has, all of them are believed.
    pub authorities: Arc<[Vec<u8>]>,
    /// `ca.crl` of the Secret: lists of revoked certificates, DER. If there is any, each certificate of a chain needs a
    /// list of its issuer that has not expired. Default none: nothing is revoked.
    pub revocation_lists: Arc<[Vec<u8>]>,
    /// `auth-tls-verify-client`: which clients come in. Default [`VerifyClient::On`].
    pub verify: VerifyClient,
    /// `auth-tls-verify-depth`: how many certificates may stand between the client's and the authority's. Default 1.
    pub depth: usize,
    /// `auth-tls-error-page`: what clients get that do not come in. Default none: 400.
    pub error_page: Option<ErrorPage>,
    /// `auth-tls-match-cn`: a regular expression that matches somewhere in the subject of the certificate, as RFC 2253
    /// writes it, or the answer is 403. Default none.
    pub subject: Option<Arc<str>>,
    /// `auth-tls-pass-certificate-to-upstream`: the backend gets the certificate in `ssl-client-cert`. Default false.
    pub forward_certificate: bool,
    /// What asks for it.
    pub origin: Origin,
}

/// Which clients come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VerifyClient {
    /// All: no certificate is asked for.
    Off,
    /// Those with a valid certificate. Others are answered.
    On,
    /// The same, but the handshake of others fails.
    AtHandshake,
    /// Those with a valid certificate, and those without any.
    Optional,
    /// The same, and those whose certificate is valid but for its authority, which is not believed.
    OptionalNoCa,
    /// All. They are asked for a certificate, and backends are told what it is worth.
    Any,
}

impl VerifyClient {
    /// Whether nobody comes in without a valid certificate.
    pub fn requires_certificate(self) -> bool {
        matches!(self, Self::On | Self::AtHandshake)
    }
}

/// What clients get whose certificate is missing or invalid.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ErrorPage {
    /// A redirect (302) to this URL.
    Redirect(Arc<str>),
    /// What the host has at this path, which begins with `/`.
    Path(Arc<str>),
}
