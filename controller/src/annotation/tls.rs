//! TLS towards clients, besides certificates: those are in `spec.tls`.

use super::entry::{Annotation, Invalid, Scope};
use crate::registry::ValueError;
use crate::route_defaults::Risk;

const ONE_FOR_ALL: &str = "the ConfigMap's ssl-ciphers applies to all hosts";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::ignored(
        "ssl-ciphers",
        ONE_FOR_ALL,
        "Sets the cipher suites of TLS 1.2 for the host, in OpenSSL's notation.",
    ),
    Annotation::ignored(
        "ssl-prefer-server-ciphers",
        "the server's order decides for all hosts",
        "Makes the server's order of cipher suites decide, not the client's. Boolean, default true.",
    ),
    Annotation::full(
        "ssl-passthrough",
        Scope::Host,
        Risk::Low,
        Invalid::FallsBack,
        "Passes TLS connections to the host on to the backend of its path `/`, without terminating TLS. All other \
         settings of the host then apply to plain HTTP only. Boolean, default false. Needs the flag \
         `--enable-ssl-passthrough`.",
        |value, draft| {
            let wanted = value.bool()?;
            if wanted && !draft.may_pass_through {
                return Err(ValueError::Unsupported(
                    "is ignored without the flag --enable-ssl-passthrough: Adit terminates the TLS of the host",
                ));
            }
            draft.ssl_passthrough = wanted;
            Ok(())
        },
    )
    .but("Connections go to the endpoints, not to the cluster IP. The oldest Ingress of the host alone decides."),
];
