//! What the backend sees of a request.

use super::{Annotation, AnnotationError, Invalid, Risk, Scope, Support};
use gateway::config::ConnectionHeader;

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
            draft.policies.upstream_host = Some(value.host()?);
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
            draft.policies.connection_header = Some(header);
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
    Annotation::planned(
        "backend-protocol",
        Scope::Path,
        Risk::Low,
        "What the backend speaks: `HTTP`, `HTTPS`, `AUTO_HTTP`, `GRPC`, `GRPCS` or `FCGI`. Plain HTTP is spoken for now.",
    )
    .unless(&["HTTP", "http", "Http"]),
    Annotation::planned("fastcgi-index", Scope::Path, Risk::Medium, "The index file of a FastCGI backend."),
    Annotation::planned("fastcgi-params-configmap", Scope::Path, Risk::Medium, "FastCGI parameters, from a ConfigMap."),
];
