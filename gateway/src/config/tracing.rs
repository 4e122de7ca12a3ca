use super::Template;
use std::sync::Arc;
use std::time::Duration;

/// How the requests of a route are traced.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tracing {
    /// `opentelemetry-trust-incoming-span`: the trace of the client goes on. Default true. With false, each request begins
    /// a trace.
    pub trusts_client: bool,
    /// `opentelemetry-operation-name`: the name of the span. Default empty: the path of the rule.
    pub operation: Template,
}

impl Default for Tracing {
    fn default() -> Self {
        Self { trusts_client: true, operation: Template::default() }
    }
}

/// Which requests are traced, and where their spans go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TracingSettings {
    /// `enable-opentelemetry`: how requests that no route takes are traced. Default none: they are not.
    pub unrouted: Option<Tracing>,
    /// Where spans are sent.
    pub collector: Collector,
    /// `otel-service-name`: the attribute `service.name` of all spans. Default `nginx`.
    pub service_name: Arc<str>,
    /// `otel-sampler`: which traces are recorded. Default all.
    pub sampler: Sampler,
    /// `otel-sampler-ratio`: how many traces of a billion are recorded with [`Sampler::Ratio`]. Default 10 million: 1 %.
    pub billionths: u32,
    /// `otel-sampler-parent-based`: a trace that has begun elsewhere is recorded here if it is there, whatever the sampler
    /// says. Default true.
    pub parent_based: bool,
    /// `otel-client-spans`: each attempt at an endpoint, of an auth server too, has a span of its own. Default false.
    pub client_spans: bool,
    /// `otel-max-queuesize`: the most spans that wait to be sent, from 1 to [`Self::MAX_QUEUE`]. Further ones are dropped.
    /// Default 2048.
    pub queue: usize,
    /// `otel-schedule-delay-millis`: how long spans wait before they are sent, if they do not fill a batch. Above 0. Default
    /// 5 s.
    pub delay: Duration,
    /// `otel-max-export-batch-size`: the most spans that are sent at once, from 1. At most `queue` are. Default 512.
    pub batch: usize,
}

impl TracingSettings {
    /// The largest queue. A span has some hundred bytes, and 10 KiB at most.
    pub const MAX_QUEUE: usize = 65_536;
}

impl Default for TracingSettings {
    fn default() -> Self {
        Self {
            unrouted: None,
            collector: Collector::default(),
            service_name: "nginx".into(),
            sampler: Sampler::AlwaysOn,
            billionths: 10_000_000,
            parent_based: true,
            client_spans: false,
            queue: 2048,
            delay: Duration::from_secs(5),
            batch: 512,
        }
    }
}

/// Which traces are recorded, of those for which nobody has decided yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sampler {
    /// `AlwaysOn`: all.
    AlwaysOn,
    /// `AlwaysOff`: none.
    AlwaysOff,
    /// `TraceIdRatioBased`: a share, by the trace's id.
    Ratio,
}

/// Where spans are sent, without TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Collector {
    /// `otlp-collector-host`: a DNS name or an address. Default none: no spans are made.
    pub host: Option<Arc<str>>,
    /// `otlp-collector-port`. Default 4317.
    pub port: u16,
    /// `otlp-collector-protocol`: how it is spoken to. Default gRPC.
    pub protocol: CollectorProtocol,
}

impl Default for Collector {
    fn default() -> Self {
        Self { host: None, port: 4317, protocol: CollectorProtocol::Grpc }
    }
}

/// How a collector is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CollectorProtocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP/1.1, as Protobuf.
    Http,
}
