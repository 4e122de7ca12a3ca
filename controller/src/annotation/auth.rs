//! Who may pass. None of it is there yet, and a route that asks for it denies every request.

use super::entry::{Annotation, EMPTY, FALSE, Scope};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::denied("auth-type", Scope::Path, Risk::Low, "Passwords by `basic` or `digest` authentication."),
    Annotation::denied("auth-secret", Scope::Path, Risk::Medium, "The Secret with users and passwords."),
    Annotation::denied("auth-secret-type", Scope::Path, Risk::Low, "The Secret's form: `auth-file` or `auth-map`."),
    Annotation::denied("auth-realm", Scope::Path, Risk::Medium, "The realm that browsers show."),
    Annotation::denied("auth-url", Scope::Path, Risk::High, "A URL that is asked about each request."),
    Annotation::denied("auth-method", Scope::Path, Risk::Low, "The method of that question."),
    Annotation::denied("auth-signin", Scope::Path, Risk::High, "Where clients are sent that may not pass."),
    Annotation::denied(
        "auth-signin-redirect-param",
        Scope::Path,
        Risk::Medium,
        "The parameter that tells the sign-in page where to return. Default `rd`.",
    ),
    Annotation::denied("auth-response-headers", Scope::Path, Risk::Medium, "Headers of the answer that the backend gets."),
    Annotation::denied("auth-request-redirect", Scope::Path, Risk::Medium, "The question's `X-Auth-Request-Redirect`."),
    Annotation::denied("auth-proxy-set-headers", Scope::Path, Risk::Medium, "More headers of the question, from a ConfigMap."),
    Annotation::denied("auth-always-set-cookie", Scope::Path, Risk::Low, "Cookies of the answer always pass. Boolean.")
        .unless(FALSE),
    Annotation::denied("auth-cache-key", Scope::Path, Risk::Medium, "What makes two questions equal."),
    Annotation::denied("auth-cache-duration", Scope::Path, Risk::Medium, "How long answers are remembered."),
    Annotation::denied("auth-keepalive", Scope::Path, Risk::Low, "Connections kept to the server that is asked.")
        .unless(&["0"]),
    Annotation::denied("auth-keepalive-requests", Scope::Path, Risk::Low, "Questions on one kept connection."),
    Annotation::denied("auth-keepalive-timeout", Scope::Path, Risk::Low, "How long such a connection is kept."),
    Annotation::denied("auth-keepalive-share-vars", Scope::Path, Risk::Low, "The question sees nginx's variables. Boolean.")
        .unless(FALSE),
    Annotation::denied("auth-snippet", Scope::Path, Risk::Critical, "nginx directives for the question.").unless(EMPTY),
    Annotation::denied(
        "enable-global-auth",
        Scope::Path,
        Risk::Low,
        "Whether the ConfigMap's `global-auth-url` counts here. Boolean, default true. Either value asks for nothing while \
         that is not supported, and `global-auth-url` itself denies every route.",
    )
    .unless(&["true", "True", "TRUE", "t", "T", "1", "false", "False", "FALSE", "f", "F", "0"]),
    Annotation::denied("satisfy", Scope::Path, Risk::Low, "Whether `all` checks must pass, or `any` of them.").unless(&["all"]),
    Annotation::denied("auth-tls-secret", Scope::Host, Risk::Medium, "The Secret with the authority of client certificates."),
    Annotation::denied("auth-tls-verify-client", Scope::Host, Risk::Medium, "Whether a client certificate is asked for.")
        .unless(&["off"]),
    Annotation::denied("auth-tls-verify-depth", Scope::Host, Risk::Low, "How long its chain may be. Default 1."),
    Annotation::denied("auth-tls-error-page", Scope::Host, Risk::High, "Where clients without one are sent."),
    Annotation::denied("auth-tls-match-cn", Scope::Host, Risk::High, "What its name must match, after `CN=`."),
    Annotation::denied(
        "auth-tls-pass-certificate-to-upstream",
        Scope::Host,
        Risk::Low,
        "The backend gets the certificate in `ssl-client-cert`. Boolean.",
    )
    .unless(FALSE),
    Annotation::denied("proxy-ssl-secret", Scope::Path, Risk::Medium, "Certificates for TLS towards the backend."),
    Annotation::denied("proxy-ssl-ciphers", Scope::Path, Risk::Medium, "Ciphers towards the backend."),
    Annotation::denied("proxy-ssl-protocols", Scope::Path, Risk::Low, "Versions of TLS towards the backend."),
    Annotation::denied("proxy-ssl-name", Scope::Path, Risk::High, "The name that the backend's certificate must have."),
    Annotation::denied("proxy-ssl-verify", Scope::Path, Risk::Low, "Whether the backend's certificate is verified.")
        .unless(&["off"]),
    Annotation::denied("proxy-ssl-verify-depth", Scope::Path, Risk::Low, "How long its chain may be. Default 1."),
    Annotation::denied("proxy-ssl-server-name", Scope::Path, Risk::Low, "Whether the backend is told its name.")
        .unless(&["off"]),
];
