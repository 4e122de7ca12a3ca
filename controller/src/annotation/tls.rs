//! TLS towards clients, besides certificates: those are in `spec.tls`.

use super::{Annotation, FALSE, Risk, Scope};

const ONE_FOR_ALL: &str = "all hosts have the ciphers of the ConfigMap's ssl-ciphers";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::ignored("ssl-ciphers", ONE_FOR_ALL, "The ciphers of TLS 1.2, as OpenSSL lists them."),
    Annotation::ignored(
        "ssl-prefer-server-ciphers",
        "all hosts choose ciphers alike",
        "The server's order of ciphers counts. Boolean, default true.",
    ),
    Annotation::planned(
        "ssl-passthrough",
        Scope::Host,
        Risk::Low,
        "TLS connections go to the backend as they are. Boolean; needs `--enable-ssl-passthrough`.",
    )
    .unless(FALSE),
];
