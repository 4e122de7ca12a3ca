//! Client certificates. None of it is there yet, and a route that asks for it denies every request.

use super::entry::{Annotation, FALSE, Scope};
use crate::object::Kind;
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::denied(
        "auth-tls-secret",
        Scope::Host,
        Risk::Medium,
        "Requires client certificates on the host. Names the Secret with the CA certificates (`ca.crt`) that must \
         have issued them, as `namespace/name`. Default: not set, no client certificate is requested.",
    )
    .refers_to(Kind::Secret),
    Annotation::denied(
        "auth-tls-verify-client",
        Scope::Host,
        Risk::Medium,
        "Sets whether a client certificate is required: `on`, `off`, `optional` or `optional_no_ca`. Default `on`. \
         With `on` a request without a valid certificate is answered with 400.",
    )
    .unless(&["off"]),
    Annotation::denied(
        "auth-tls-verify-depth",
        Scope::Host,
        Risk::Low,
        "Sets the maximum length of the client certificate's chain. Whole number, default 1.",
    ),
    Annotation::denied(
        "auth-tls-error-page",
        Scope::Host,
        Risk::High,
        "Sets the URL or path to which clients without a valid certificate are sent. Default: not set, they get 400.",
    ),
    Annotation::denied(
        "auth-tls-match-cn",
        Scope::Host,
        Risk::High,
        "Sets what the subject of the client certificate must match: `CN=` and a regular expression. Other clients \
         get 403. Default: not set, every subject is accepted.",
    ),
    Annotation::denied(
        "auth-tls-pass-certificate-to-upstream",
        Scope::Host,
        Risk::Low,
        "Sends the client certificate to the backend in the header `ssl-client-cert`, as URL-encoded PEM. Boolean, \
         default false.",
    )
    .unless(FALSE),
];
