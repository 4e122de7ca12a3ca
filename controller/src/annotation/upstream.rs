//! What the backend sees of a request.

use super::entry::{Annotation, Invalid, Scope, Support};
use super::error::AnnotationError;
use super::value::Value;
use crate::route_defaults::Risk;
use gateway::config::{BackendProtocol, ConnectionHeader};

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation {
        key: "upstream-vhost",
        scope: Scope::Path,
        risk: Risk::Low,
        support: Support::Partial("Of nginx's variables, those that Adit's log formats know."),
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "The `Host` header sent to the backend: a host name, optionally with a port, in which variables such as \
              `$service_name` may stand.",
        apply: |value, draft| {
            draft.backend.host = Some(value.host()?);
            Ok(())
        },
    },
    Annotation {
        key: "connection-proxy-header",
        scope: Scope::Path,
        risk: Risk::Low,
        support: Support::Full,
        invalid: Invalid::RejectsIngress,
        harmless: &[],
        doc: "The `Connection` header sent to the backend: `close` or `keep-alive`. WebSockets do not work with it.",
        apply: |value, draft| {
            let header = match value.text() {
                "close" => ConnectionHeader::Close,
                "keep-alive" => ConnectionHeader::KeepAlive,
                _ => return Err(AnnotationError::Expected("\"close\" or \"keep-alive\"")),
            };
            draft.backend.connection = Some(header);
            Ok(())
        },
    },
    Annotation {
        key: "proxy-http-version",
        scope: Scope::Path,
        risk: Risk::Low,
        support: Support::Partial("Backends are always spoken to in HTTP/1.1."),
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "The version of HTTP towards the backend: `1.1` or `1.0`.",
        apply: |value, _| match value.one_of(&["1.0", "1.1"], "\"1.1\" or \"1.0\"")? {
            "1.1" => Ok(()),
            _ => Err(AnnotationError::Unsupported("is not supported: backends are spoken to in HTTP/1.1")),
        },
    },
    Annotation {
        key: "backend-protocol",
        scope: Scope::Path,
        risk: Risk::Low,
        support: Support::Partial("`FCGI` is refused: the routes answer 503."),
        invalid: Invalid::FallsBack,
        harmless: &[],
        doc: "What the backend speaks: `HTTP`, `HTTPS`, `AUTO_HTTP` (by the client's scheme), `GRPC` or `GRPCS`, in upper \
              or lower case. `GRPC` is HTTP/2 without TLS. The certificates of backends are not verified.",
        apply: |value, draft| {
            draft.backend.protocol = backend_protocol(value)?;
            Ok(())
        },
    },
    Annotation::planned("fastcgi-index", Scope::Path, Risk::Medium, "The index file of a FastCGI backend."),
    Annotation::planned("fastcgi-params-configmap", Scope::Path, Risk::Medium, "FastCGI parameters, from a ConfigMap."),
];

fn backend_protocol(value: Value<'_>) -> Result<BackendProtocol, AnnotationError> {
    match &*value.text().to_ascii_uppercase() {
        "HTTP" => Ok(BackendProtocol::Http),
        "HTTPS" => Ok(BackendProtocol::Https),
        "AUTO_HTTP" => Ok(BackendProtocol::Auto),
        "GRPC" => Ok(BackendProtocol::Grpc),
        "GRPCS" => Ok(BackendProtocol::Grpcs),
        "FCGI" => Err(AnnotationError::Refused("is not supported: put a web server in front of the FastCGI program")),
        // ingress-nginx goes on with HTTP, too.
        _ => Err(AnnotationError::Unsupported(
            "is no protocol: expected HTTP, HTTPS, AUTO_HTTP, GRPC or GRPCS; HTTP is spoken",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_words_in_any_case() {
        assert_eq!(backend_protocol(Value("https")), Ok(BackendProtocol::Https));
        assert_eq!(backend_protocol(Value(" Auto_Http ")), Ok(BackendProtocol::Auto));
        assert_eq!(backend_protocol(Value("GRPCs")), Ok(BackendProtocol::Grpcs));
        assert!(matches!(backend_protocol(Value("fcgi")), Err(AnnotationError::Refused(_))));
        assert!(matches!(backend_protocol(Value("FOO")), Err(AnnotationError::Unsupported(_))));
    }
}
