//! What the backend sees of a request.

use super::entry::{Annotation, Invalid, Scope};
use crate::registry::{Value, ValueError};
use crate::route_defaults::Risk;
use gateway::config::{BackendProtocol, ConnectionHeader};

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "upstream-vhost",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Sets the `Host` header that the backend gets. A host name, with a port if needed; it may contain nginx \
         variables such as `$service_name`. Default: not set, the host that the client asked for.",
        |value, draft| {
            draft.backend.host = Some(value.host()?);
            Ok(())
        },
    )
    .but("It accepts the variables that the log formats have, and no others."),
    Annotation::full(
        "connection-proxy-header",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Sets the `Connection` header that the backend gets: `close` or `keep-alive`. Default: not set, connections \
         are kept. WebSockets do not work with it.",
        |value, draft| {
            let header = match value.text() {
                "close" => ConnectionHeader::Close,
                "keep-alive" => ConnectionHeader::KeepAlive,
                _ => return Err(ValueError::Expected("\"close\" or \"keep-alive\"")),
            };
            draft.backend.connection = Some(header);
            Ok(())
        },
    ),
    Annotation::full(
        "proxy-http-version",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets the HTTP version for the backend: `1.1` or `1.0`. With 1.0 each request has a connection of its own, bodies without \
         a length are held back until they have ended, and no protocol is switched. It has no effect on gRPC and FastCGI. \
         Default: the ConfigMap's `proxy-http-version` (1.1).",
        |value, draft| {
            draft.backend.http_10 = value.http_10()?;
            Ok(())
        },
    ),
    Annotation::full(
        "backend-protocol",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets the protocol for the backend: `HTTP`, `HTTPS`, `GRPC` (HTTP/2 without TLS), `GRPCS` (HTTP/2 over TLS), \
         `AUTO_HTTP` (HTTPS if the client uses TLS, else HTTP) or `FCGI` (FastCGI), in upper or lower case. Default `HTTP`. \
         Certificates of backends are verified only with `proxy-ssl-verify: on`.",
        |value, draft| {
            draft.backend.protocol = backend_protocol(value)?;
            Ok(())
        },
    ),
];

fn backend_protocol(value: Value<'_>) -> Result<BackendProtocol, ValueError> {
    match &*value.text().to_ascii_uppercase() {
        "HTTP" => Ok(BackendProtocol::Http),
        "HTTPS" => Ok(BackendProtocol::Https),
        "AUTO_HTTP" => Ok(BackendProtocol::Auto),
        "GRPC" => Ok(BackendProtocol::Grpc),
        "GRPCS" => Ok(BackendProtocol::Grpcs),
        "FCGI" => Ok(BackendProtocol::FastCgi),
        // ingress-nginx goes on with HTTP, too.
        _ => Err(ValueError::Unsupported(
            "is not a protocol: expected HTTP, HTTPS, AUTO_HTTP, GRPC, GRPCS or FCGI; HTTP is used instead",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_words_in_any_case() {
        assert_eq!(backend_protocol(Value::from("https")), Ok(BackendProtocol::Https));
        assert_eq!(backend_protocol(Value::from(" Auto_Http ")), Ok(BackendProtocol::Auto));
        assert_eq!(backend_protocol(Value::from("GRPCs")), Ok(BackendProtocol::Grpcs));
        assert_eq!(backend_protocol(Value::from("fcgi")), Ok(BackendProtocol::FastCgi));
        assert!(matches!(backend_protocol(Value::from("FOO")), Err(ValueError::Unsupported(_))));
    }
}
