//! TLS towards clients, besides certificates: those are in `spec.tls`.

use super::entry::{Annotation, Invalid, Scope, Support};
use super::error::AnnotationError;
use crate::route_defaults::Risk;

const ONE_FOR_ALL: &str = "all hosts have the ciphers of the ConfigMap's ssl-ciphers";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::ignored("ssl-ciphers", ONE_FOR_ALL, "The ciphers of TLS 1.2, as OpenSSL lists them."),
    Annotation::ignored(
        "ssl-prefer-server-ciphers",
        "all hosts choose ciphers alike",
        "The server's order of ciphers counts. Boolean, default true.",
    ),
    Annotation {
        key: "ssl-passthrough",
        scope: Scope::Host,
        risk: Risk::Low,
        support: Support::Partial(
            "Connections go to the endpoints, not to the cluster IP, and any Ingress of the host may ask for it.",
        ),
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "TLS connections go as they are to the backend of the host's path `/`, whatever else is said of the host. \
              Boolean; needs `--enable-ssl-passthrough`.",
        apply: |value, draft| {
            let wanted = value.bool()?;
            if wanted && !draft.may_pass_through {
                return Err(AnnotationError::Unsupported(
                    "is ignored without the flag --enable-ssl-passthrough: TLS is terminated here",
                ));
            }
            draft.ssl_passthrough = wanted;
            Ok(())
        },
    },
];
