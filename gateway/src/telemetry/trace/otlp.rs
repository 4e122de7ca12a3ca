//! Spans as OTLP has them.

use super::span::{Attribute, Span, SpanKind};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self, ResourceSpans, ScopeSpans, Status};
use prost::Message;
use std::time::{Duration, SystemTime};

/// The message with these spans of a service.
pub(super) fn request(spans: &[Span], service: &str) -> Vec<u8> {
    let resource = Resource { attributes: vec![text("service.name", service.as_bytes())], ..Resource::default() };
    let scope = InstrumentationScope {
        name: "adit".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let spans = spans.iter().map(span).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let resource_spans = ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }.encode_to_vec()
}

/// How many spans the collector has refused, and why; `None` where the message is none of OTLP.
pub(super) fn refused(response: &[u8]) -> Option<(u64, String)> {
    let response = ExportTraceServiceResponse::decode(response).ok()?;
    let partial = response.partial_success.unwrap_or_default();
    Some((u64::try_from(partial.rejected_spans).unwrap_or(0), partial.error_message))
}

fn span(span: &Span) -> v1::Span {
    let start = span.start.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    v1::Span {
        trace_id: span.trace.get().to_be_bytes().into(),
        span_id: span.id.get().to_be_bytes().into(),
        parent_span_id: span.parent.map_or_else(Vec::new, |parent| parent.get().to_be_bytes().into()),
        trace_state: string(&span.state),
        name: string(span.name_text()),
        kind: match span.kind {
            SpanKind::Server => v1::span::SpanKind::Server,
            SpanKind::Client => v1::span::SpanKind::Client,
        }
        .into(),
        start_time_unix_nano: nanoseconds(start),
        end_time_unix_nano: nanoseconds(start + span.duration),
        attributes: span.attributes().map(attribute).collect(),
        status: Some(Status {
            code: if span.has_failed { StatusCode::Error } else { StatusCode::Ok }.into(),
            message: String::new(),
        }),
        ..v1::Span::default()
    }
}

fn attribute((key, value): (&'static str, Attribute<'_>)) -> KeyValue {
    match value {
        Attribute::Text(value) => text(key, value),
        Attribute::Number(number) => key_value(key, Value::IntValue(number)),
    }
}

fn text(key: &str, value: &[u8]) -> KeyValue {
    key_value(key, Value::StringValue(string(value)))
}

fn key_value(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// Texts of Protobuf are UTF-8, and a value may be cut off anywhere.
fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
