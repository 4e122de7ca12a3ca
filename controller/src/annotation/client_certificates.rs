//! `auth-tls-secret`: certificates of clients, and what goes with them. What is invalid closes the whole host.

use super::entry::{Annotation, EMPTY, Invalid, Scope};
use crate::object::Kind;
use crate::registry::{Apply, ValueError};
use crate::route_defaults::Risk;
use gateway::config::{ErrorPage, VerifyClient};
use gateway::pattern::Pattern;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    guard(
        "auth-tls-secret",
        Risk::Medium,
        "Verifies the certificates of clients on the host. Names the Secret with the certificates of the authorities \
         (`ca.crt`) and, if there are any, lists of revoked certificates (`ca.crl`), as `name` or `namespace/name`. Default: \
         not set, clients are not asked for a certificate. The backend gets `ssl-client-verify` (`SUCCESS`, `NONE` or \
         `FAILED:` with a reason), `ssl-client-subject-dn` and `ssl-client-issuer-dn`; a client's own headers of these names \
         are removed on every host. Where a setting or the Secret is invalid, the whole host answers 403. The namespace is \
         the Ingress's, unless the ConfigMap's `allow-cross-namespace-resources` is set.",
        |value, draft| {
            draft.client_certificates.secret = Some(value.secret()?.clone());
            Ok(())
        },
    )
    .refers_to(Kind::Secret)
    .refused(),
    guard(
        "auth-tls-verify-client",
        Risk::Medium,
        "Sets which clients come in. `on`: those with a valid certificate; others get 400, also over plain HTTP where that \
         is not redirected. `optional`: also those without a certificate. `optional_no_ca`: also those whose certificate is \
         valid but for its authority. `off`: all, and no certificate is asked for. Default `on`.",
        |value, draft| {
            const EXPECTED: &str = "\"on\", \"off\", \"optional\" or \"optional_no_ca\"";
            let word = value.one_of(&["on", "off", "optional", "optional_no_ca"], EXPECTED)?;
            draft.client_certificates.verify = Some(match word {
                "off" => VerifyClient::Off,
                "optional" => VerifyClient::Optional,
                "optional_no_ca" => VerifyClient::OptionalNoCa,
                _ => VerifyClient::On,
            });
            Ok(())
        },
    )
    .unless(EMPTY),
    guard(
        "auth-tls-verify-depth",
        Risk::Low,
        "Sets how many certificates may stand between that of the client and an authority. Whole number up to 10, default \
         1; 0 is 1.",
        |value, draft| {
            let depth = value.number(0..=10, "a whole number from 0 to 10")?;
            draft.client_certificates.depth = Some(std::cmp::max(1, depth));
            Ok(())
        },
    )
    .unless(EMPTY),
    guard(
        "auth-tls-error-page",
        Risk::High,
        "Sets what clients get whose certificate is missing or invalid. A URL: a redirect (302) there. A path: what the \
         host has at that path, with its own status. Default: not set, 400.",
        |value, draft| {
            draft.client_certificates.error_page = Some(error_page(value.text())?);
            Ok(())
        },
    )
    .unless(EMPTY)
    .but("A path is for GET and HEAD; requests of other methods get 400. A named location, such as `@denied`, closes the host.")
    .refused(),
    guard(
        "auth-tls-match-cn",
        Risk::High,
        "Sets what the subject of the certificate must match: a regular expression that begins with `CN=` and matches \
         somewhere in the subject as RFC 2253 writes it, such as `CN=shop,O=Example`. Other clients, and those without a \
         certificate, get 403. Default: not set, every subject may come in.",
        |value, draft| {
            let text = value.text();
            if !text.starts_with("CN=") {
                return Err(ValueError::Expected("\"CN=\" and a regular expression, such as \"CN=shop\""));
            }
            Pattern::check(text).map_err(|error| error.to_string())?;
            draft.client_certificates.subject = Some(text.into());
            Ok(())
        },
    )
    .refused(),
    guard(
        "auth-tls-pass-certificate-to-upstream",
        Risk::Low,
        "Sends the certificate of the client to the backend in the header `ssl-client-cert`, as URL-encoded PEM. Boolean, \
         default false.",
        |value, draft| {
            draft.client_certificates.forward_certificate = value.bool()?;
            Ok(())
        },
    )
    .unless(EMPTY)
    .refused(),
];

const fn guard(
    name: &'static str,
    risk: Risk,
    doc: &'static str,
    apply: Apply<super::entry::AnnotationFacets>,
) -> Annotation {
    Annotation::full(name, Scope::Host, risk, Invalid::DeniesHost, doc, apply)
}

/// As ingress-nginx's validator, but for `@name`: there is no named location.
fn error_page(text: &str) -> Result<ErrorPage, ValueError> {
    const EXPECTED: ValueError =
        ValueError::Expected("a URL or a path of letters, digits and /-._:, such as \"https://example.com/denied\"");
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "/-._:".contains(c);
    if text.is_empty() || !text.chars().all(is_allowed) || text.starts_with("//") {
        return Err(EXPECTED);
    }
    Ok(if text.starts_with('/') { ErrorPage::Path(text.into()) } else { ErrorPage::Redirect(text.into()) })
}
