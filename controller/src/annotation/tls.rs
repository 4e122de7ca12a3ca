//! TLS towards clients. There is none yet.

use super::{Annotation, FALSE, Risk, Scope};

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::planned("ssl-ciphers", Scope::Host, Risk::Low, "The ciphers of TLS 1.2, as OpenSSL lists them."),
    Annotation::planned(
        "ssl-prefer-server-ciphers",
        Scope::Host,
        Risk::Low,
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
