//! Traces of requests.

use super::entry::Key;
use super::read::Reader;
use crate::diagnostic::{Diagnostic, Reason};
use crate::registry::{Value, ValueError};
use gateway::config::{CollectorProtocol, Sampler, Template, TracingSettings};
use std::net::IpAddr;
use std::time::Duration;

const ENABLE: &str = "enable-opentelemetry";

pub(super) const KEYS: &[Key] = &[
    Key::full(
        ENABLE,
        "false",
        "Turns on traces of requests. A traced request has a span, which goes to the collector of `otlp-collector-host`, and \
         its backend gets `traceparent` and `tracestate` (W3C Trace Context). Boolean. With false, the client's headers of \
         these names reach the backend as they are.",
        |value, draft| {
            draft.config.routes.tracing.is_enabled = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "opentelemetry-trust-incoming-span",
        "true",
        "Sets whether a traced request goes on with the trace that its `traceparent` names. Boolean. With false it begins a \
         new one, and the client's headers do not reach the backend. Anybody can send these headers: with true a client can \
         choose the trace of its request, and whether that is recorded (see `otel-sampler-parent-based`).",
        |value, draft| {
            draft.config.routes.tracing.tracing.trusts_client = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "opentelemetry-operation-name",
        "",
        "Sets the name of the spans of requests. Text with nginx variables. Default: the path of the rule.",
        |value, draft| {
            draft.config.routes.tracing.tracing.operation = Template::parse(text(value)?)?;
            Ok(())
        },
    ),
    Key::ignored(
        "opentelemetry-config",
        "/etc/ingress-controller/telemetry/opentelemetry.toml",
        "there is no such file; the keys that begin with `otel-` and `otlp-` have its settings",
        "Sets the configuration file of nginx's module for OpenTelemetry. A path.",
    ),
    Key::full(
        "otlp-collector-host",
        "",
        "Sets the host of the collector to which spans are sent, by OTLP and without TLS. A DNS name or an IP address. \
         Without one, no spans are made.",
        |value, draft| {
            draft.config.gateway.tracing.collector.host =
                Some(host(value)?).filter(|host| !host.is_empty()).map(Into::into);
            Ok(())
        },
    ),
    Key::full("otlp-collector-port", "4317", "Sets the port of the collector. From 1 to 65535.", |value, draft| {
        const EXPECTED: &str = "a port from 1 to 65535, such as \"4317\"";
        draft.config.gateway.tracing.collector.port = value.number(1..=u16::MAX, EXPECTED)?;
        Ok(())
    }),
    Key::full(
        "otlp-collector-protocol",
        "grpc",
        "Sets how the collector is spoken to: `grpc`, or `http` for OTLP over HTTP/1.1 in Protobuf (path `/v1/traces`, \
         commonly on port 4318). Adit's own.",
        |value, draft| {
            const EXPECTED: &str = "\"grpc\" or \"http\"";
            draft.config.gateway.tracing.collector.protocol = match value.one_of(&["grpc", "http"], EXPECTED)? {
                "http" => CollectorProtocol::Http,
                _ => CollectorProtocol::Grpc,
            };
            Ok(())
        },
    ),
    Key::full("otel-service-name", "nginx", "Sets the name of the service in traces. Text.", |value, draft| {
        draft.config.gateway.tracing.service_name = text(value)?.into();
        Ok(())
    }),
    Key::full(
        "otel-sampler",
        "AlwaysOn",
        "Sets which traces are recorded, of those that begin here: all (`AlwaysOn`), none (`AlwaysOff`), or the share of \
         `otel-sampler-ratio` (`TraceIdRatioBased`). Backends see in `traceparent` whether a trace is recorded.",
        |value, draft| {
            const SAMPLERS: [&str; 3] = ["AlwaysOn", "AlwaysOff", "TraceIdRatioBased"];
            let sampler = value.one_of(&SAMPLERS, "\"AlwaysOn\", \"AlwaysOff\" or \"TraceIdRatioBased\"")?;
            draft.config.gateway.tracing.sampler = match sampler {
                "AlwaysOff" => Sampler::AlwaysOff,
                "TraceIdRatioBased" => Sampler::Ratio,
                _ => Sampler::AlwaysOn,
            };
            Ok(())
        },
    ),
    Key::full(
        "otel-sampler-ratio",
        "0.01",
        "Sets the share of traces that are recorded with `otel-sampler: TraceIdRatioBased`. Number from 0 to 1.",
        |value, draft| {
            draft.config.gateway.tracing.billionths = billionths(value)?;
            Ok(())
        },
    ),
    Key::full(
        "otel-sampler-parent-based",
        "true",
        "Records a trace that goes on here if, and only if, its `traceparent` says that it is recorded, whatever \
         `otel-sampler` says. Boolean.",
        |value, draft| {
            draft.config.gateway.tracing.parent_based = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "otel-client-spans",
        "false",
        "Gives each attempt at an endpoint a span of its own, below that of the request, and likewise each auth request \
         (`auth-url`). Boolean. Adit's own: ingress-nginx has one span for each request.",
        |value, draft| {
            draft.config.gateway.tracing.client_spans = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "otel-max-queuesize",
        "2048",
        "Limits the spans that wait to be sent. Whole number from 1 to 65536. Further ones are dropped, and counted in \
         `adit_trace_spans_dropped_total`. A span has some hundred bytes, and at most 10 KiB.",
        |value, draft| {
            const EXPECTED: &str = "a whole number from 1 to 65536";
            draft.config.gateway.tracing.queue = value.number(1..=TracingSettings::MAX_QUEUE, EXPECTED)?;
            Ok(())
        },
    ),
    Key::full(
        "otel-schedule-delay-millis",
        "5000",
        "Sets how long spans wait before they are sent, if they do not fill a batch. Milliseconds from 1 to 3600000.",
        |value, draft| {
            const EXPECTED: &str = "a number of milliseconds from 1 to 3600000";
            draft.config.gateway.tracing.delay = Duration::from_millis(value.number(1..=3_600_000, EXPECTED)?);
            Ok(())
        },
    ),
    Key::full(
        "otel-max-export-batch-size",
        "512",
        "Limits the spans that are sent at once. Whole number from 1; more than `otel-max-queuesize` are never sent.",
        |value, draft| {
            draft.config.gateway.tracing.batch = value.number(1..=usize::MAX, "a whole number from 1")?;
            Ok(())
        },
    ),
];

impl Reader<'_> {
    /// What the keys together say of traces.
    pub(super) fn tracing(&mut self) {
        let config = &mut self.builder.config;
        let tracing = config.routes.tracing.policy();
        let has_collector = config.gateway.tracing.collector.host.is_some();
        config.routes.tracing.has_collector = has_collector;
        config.gateway.tracing.unrouted.clone_from(&tracing);
        if tracing.is_some() && !has_collector {
            let message = "sends no spans without otlp-collector-host: backends get the headers of traces only";
            let warning = Diagnostic::warning(self.object.clone(), format!("data.{ENABLE}"), message);
            self.diagnostics.push(warning.with_value("true").because(Reason::Invalid));
        }
        self.builder.policies().tracing = tracing;
    }
}

fn text(value: Value<'_>) -> Result<&str, ValueError> {
    let text = value.text();
    let is_plain = !text.chars().any(char::is_control);
    if is_plain { Ok(text) } else { Err(ValueError::Expected("text without control characters")) }
}

fn host<'a>(value: Value<'a>) -> Result<&'a str, ValueError> {
    let text = value.text();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_host = bare.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.bytes().all(is_of_name));
    if is_host { Ok(bare) } else { Err(ValueError::Expected("a DNS name or an IP address, without scheme and port")) }
}

/// A share as a number of billionths, so that settings can be compared.
fn billionths(value: Value<'_>) -> Result<u32, ValueError> {
    let share: Option<f64> = value.text().parse().ok().filter(|share| (0.0..=1.0).contains(share));
    let share = share.ok_or(ValueError::Expected("a number from 0 to 1, such as \"0.01\""))?;
    Ok((share * 1e9).round() as u32)
}
