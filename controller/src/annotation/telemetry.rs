//! What is written down about requests.

use super::entry::{Annotation, FALSE, Invalid, Scope};
use super::read::Reader;
use super::tracing_settings::TracingAnnotations;
use crate::diagnostic::Reason;
use crate::registry::ValueError;
use crate::route_defaults::Risk;
use gateway::config::{Template, Tracing};

const ENABLE: &str = "enable-opentelemetry";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "enable-access-log",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets whether requests are written to the access log. Boolean, default true.",
        |value, draft| {
            draft.policies.access_log = value.bool()?;
            Ok(())
        },
    ),
    Annotation::ignored(
        "enable-rewrite-log",
        "there is no log of rewrites; `adit explain` shows what a rewrite does",
        "Writes rewrites to nginx's error log. Boolean, default false.",
    )
    .unless(FALSE),
    Annotation::full(
        ENABLE,
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Turns traces of requests on or off. A traced request has a span, which goes to the collector of the ConfigMap's \
         `otlp-collector-host`, and its backend gets `traceparent` and `tracestate` (W3C Trace Context). Boolean. Default: \
         the ConfigMap's `enable-opentelemetry` (false).",
        |value, draft| {
            draft.tracing.is_enabled = Some(value.bool()?);
            Ok(())
        },
    ),
    Annotation::full(
        "opentelemetry-trust-incoming-span",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets whether a traced request goes on with the trace that its `traceparent` names. Boolean. With false it begins a \
         new one, and the client's headers do not reach the backend. Default: the ConfigMap's \
         `opentelemetry-trust-incoming-span` (true).",
        |value, draft| {
            draft.tracing.trusts_client = Some(value.bool()?);
            Ok(())
        },
    ),
    Annotation::full(
        "opentelemetry-operation-name",
        Scope::Path,
        Risk::Medium,
        Invalid::RejectsIngress,
        "Sets the name of the spans of requests. Letters, digits, `-` and `_`. Default: the ConfigMap's \
         `opentelemetry-operation-name`, or else the path of the rule.",
        |value, draft| {
            let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if !value.text().bytes().all(is_valid) {
                return Err(ValueError::Expected("letters, digits, \"-\" and \"_\", such as \"shop\""));
            }
            draft.tracing.operation = Some(Template::parse(value.text())?);
            Ok(())
        },
    ),
];

impl Reader<'_> {
    /// What the annotations together say of traces.
    pub(super) fn tracing(&mut self) {
        let defaults = &self.context.defaults.tracing;
        let TracingAnnotations { is_enabled, trusts_client, operation } =
            std::mem::take(&mut self.reading.settings.tracing);
        if is_enabled == Some(true) && !defaults.has_collector {
            let message =
                "sends no spans, since the ConfigMap has no otlp-collector-host: backends get the headers only";
            self.warn(ENABLE, self.value(ENABLE), Reason::Ignored, message);
        }
        let tracing = Tracing {
            trusts_client: trusts_client.unwrap_or(defaults.tracing.trusts_client),
            operation: operation.unwrap_or_else(|| defaults.tracing.operation.clone()),
        };
        self.reading.settings.policies.tracing = is_enabled.unwrap_or(defaults.is_enabled).then_some(tracing);
    }
}
