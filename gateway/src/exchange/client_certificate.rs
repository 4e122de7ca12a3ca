//! What backends and auth servers get to know of a client's certificate: from us, or not at all.

use super::decision::{Asked, Decision};
use super::machine::Exchange;
use crate::connection::Connection;
use crate::policy::client_certificates::{self, ClientCertificates};
use crate::policy::rewrite::Rewritten;
use crate::request::Reply;
use crate::table::Found;
use crate::tls::client::{ClientCertificate, Verdict};
use http::HeaderValue;
use std::ops::ControlFlow;
use std::sync::Arc;

impl Decision {
    /// Lets the host look at the client's certificate. A client that is refused may get a page of the host, which is looked
    /// up. Of an explanation's client a certificate is presumed.
    pub(super) fn verify_client<'t>(&mut self, found: &mut Found<'t>, asked: &Asked<'t>) -> ControlFlow<Reply> {
        let Some(certificates) = found.host_policies().and_then(|host| host.client_certificates.as_ref()) else {
            return ControlFlow::Continue(());
        };
        if let Found::Route(route) = found {
            self.route = Some(Arc::clone(route));
        }
        match client_certificates::verify(certificates, asked.request, asked.connection, asked.is_served()) {
            ControlFlow::Continue(verdict) => {
                self.client_verdict = verdict;
                ControlFlow::Continue(())
            }
            ControlFlow::Break(reply) => self.find_error_page(certificates, reply, found, asked),
        }
    }

    fn find_error_page<'t>(
        &mut self,
        certificates: &ClientCertificates,
        reply: Reply,
        found: &mut Found<'t>,
        asked: &Asked<'t>,
    ) -> ControlFlow<Reply> {
        let page = client_certificates::error_page(certificates, &reply, asked.request, asked.connection);
        let Some((page, verdict)) = page else { return ControlFlow::Break(reply) };
        *found = asked.table.find(asked.connection.entry_point(), asked.request, page.as_bytes());
        let Found::Route(_) = found else { return ControlFlow::Break(reply) };
        self.client_verdict = Some(verdict);
        self.normalized = Some(page.as_bytes().into());
        self.rewritten = Some(Rewritten { target: page.as_bytes().to_vec(), forwarded_prefix: None });
        ControlFlow::Continue(())
    }

    /// The certificate of the client, where the host has looked at it, and what came of that.
    pub(super) fn client_certificate<'a>(
        &self,
        connection: &'a Connection,
    ) -> Option<(&'a ClientCertificate, Verdict)> {
        let verdict = self.client_verdict.filter(|verdict| *verdict != Verdict::None)?;
        Some((connection.tls.as_ref()?.client.as_deref()?, verdict))
    }
}

impl Exchange {
    /// The headers that say what is known of the client, where its host verifies certificates.
    pub(super) fn certificate_headers(&self, mut set: impl FnMut(&'static str, HeaderValue)) {
        let Some(verdict) = self.decision.client_verdict else { return };
        set("ssl-client-verify", HeaderValue::from_static(verdict.text()));
        let Some((certificate, _)) = self.decision.client_certificate(&self.arrival().connection) else { return };
        let fields = certificate.fields();
        let mut set_unless_empty = |name, value: &HeaderValue| {
            if !value.is_empty() {
                set(name, value.clone());
            }
        };
        set_unless_empty("ssl-client-subject-dn", &fields.subject);
        set_unless_empty("ssl-client-issuer-dn", &fields.issuer);
        if self.forwards_certificate() {
            set("ssl-client-cert", fields.escaped_pem.clone());
        }
    }

    /// Whether others get the whole certificate (`auth-tls-pass-certificate-to-upstream`).
    pub(super) fn forwards_certificate(&self) -> bool {
        let certificates = self.decision.client_certificates();
        matches!(certificates, Some(ClientCertificates::Verified(verification)) if verification.forward_certificate)
    }
}

/// Whether a header says something of the client's certificate, in whatever way it separates its words: some frameworks
/// take `ssl_client_verify` and `ssl.client.verify` for `ssl-client-verify`.
pub(super) fn is_about_certificate(name: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"sslclient";
    let mut letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    BEGINNING.iter().all(|expected| letters.next().is_some_and(|letter| letter.to_ascii_lowercase() == *expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_gets_through() {
        let is_about = |name: &str| is_about_certificate(name.as_bytes());
        let names = ["ssl-client-verify", "ssl_client_verify", "ssl.client-cert", "sslclientcert", "SSL~Client~s-dn"];
        assert!(names.into_iter().all(is_about));
        assert!(!["ssl-server-name", "ssl", "x-ssl-client-verify", "client-cert"].into_iter().any(is_about));
    }
}
