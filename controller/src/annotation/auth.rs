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
    Annotation::denied(
        "proxy-ssl-secret",
        Scope::Path,
        Risk::Medium,
        "Names the Secret for TLS to the backend, as `namespace/name`: the client certificate (`tls.crt`, `tls.key`) \
         and the CA certificates that verify the backend (`ca.crt`). Default: not set, no client certificate.",
    )
    .refers_to(Kind::Secret),
    Annotation::denied(
        "proxy-ssl-ciphers",
        Scope::Path,
        Risk::Medium,
        "Sets the cipher suites for TLS to the backend, in OpenSSL's notation. Default `DEFAULT`.",
    ),
    Annotation::denied(
        "proxy-ssl-protocols",
        Scope::Path,
        Risk::Low,
        "Sets the TLS versions for the backend, separated by spaces: `TLSv1.2`, `TLSv1.3`. Default `TLSv1.2`.",
    ),
    Annotation::denied(
        "proxy-ssl-name",
        Scope::Path,
        Risk::High,
        "Sets the name that TLS to the backend sends (SNI) and that the backend's certificate must have. A host \
         name. Default: not set, the name of the upstream.",
    ),
    Annotation::denied(
        "proxy-ssl-verify",
        Scope::Path,
        Risk::Low,
        "Sets whether the certificate of the backend is verified: `on` or `off`. Default `off`.",
    )
    .unless(&["off"]),
    Annotation::denied(
        "proxy-ssl-verify-depth",
        Scope::Path,
        Risk::Low,
        "Sets the maximum length of the backend certificate's chain. Whole number, default 1.",
    ),
    Annotation::denied(
        "proxy-ssl-server-name",
        Scope::Path,
        Risk::Low,
        "Sets whether TLS to the backend sends a server name (SNI): `on` or `off`. Default `off`.",
    )
    .unless(&["off"]),
];
