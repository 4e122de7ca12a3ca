//! The trace that a request belongs to, as W3C Trace Context tells it from service to service.

use crate::config::{Sampler, Tracing, TracingSettings};
use crate::headers::{Fields, Headers};
use crate::variables::joined;
use http::{HeaderName, HeaderValue};
use std::io::Write;
use std::num::NonZero;

/// The id of a trace and of a span, and whether the trace is recorded.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What other systems know of the trace.
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// The length of a `traceparent` of version 00, the longest that is written.
const LENGTH: usize = 55;
/// The flag of traces that are recorded.
const SAMPLED: u8 = 1;

/// The trace that a request belongs to, and its own span in that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace's id.
    pub(super) trace: NonZero<u128>,
    /// The id of the request's span.
    pub(super) span: NonZero<u64>,
    /// The id of the client's span, where its trace goes on.
    pub(super) parent: Option<NonZero<u64>>,
    /// Whether the trace is recorded.
    pub(super) is_sampled: bool,
    /// `tracestate` as the client has sent it.
    pub(super) state: Option<HeaderValue>,
}

/// What a `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parent {
    trace: NonZero<u128>,
    span: NonZero<u64>,
    is_sampled: bool,
}

impl TraceContext {
    /// The trace of a request with these headers: the client's where that is trusted and valid, or else a new one.
    pub fn begin(headers: &Headers, tracing: &Tracing, settings: &TracingSettings) -> Self {
        let parent = if tracing.trusts_client { Parent::of(headers) } else { None };
        let trace = parent.map_or_else(new_trace, |parent| parent.trace);
        Self {
            trace,
            span: Self::new_span(),
            parent: parent.map(|parent| parent.span),
            is_sampled: is_sampled(trace, parent, settings),
            state: parent.and_then(|_| joined(headers, TRACESTATE.as_str())).filter(|state| !state.is_empty()),
        }
    }

    /// An id for a span.
    pub fn new_span() -> NonZero<u64> {
        NonZero::new(fastrand::u64(..)).unwrap_or(NonZero::<u64>::MIN)
    }

    /// Whether the trace is recorded, here and where the request goes.
    pub fn is_sampled(&self) -> bool {
        self.is_sampled
    }

    /// `traceparent` of requests to backends: their parent is this span, or that of the request.
    pub fn traceparent(&self, span: Option<NonZero<u64>>) -> Option<HeaderValue> {
        let mut value = Vec::with_capacity(LENGTH);
        self.write(span.unwrap_or(self.span), &mut value);
        HeaderValue::from_maybe_shared(bytes::Bytes::from(value)).ok()
    }

    /// `tracestate` of requests to backends, if there is one.
    pub fn tracestate(&self) -> Option<&HeaderValue> {
        self.state.as_ref()
    }

    /// `$opentelemetry_context_traceparent`.
    pub(super) fn write_traceparent(&self, out: &mut Vec<u8>) -> bool {
        self.write(self.span, out)
    }

    fn write(&self, span: NonZero<u64>, out: &mut Vec<u8>) -> bool {
        // Writing to a Vec cannot fail.
        let flags = u8::from(self.is_sampled) * SAMPLED;
        write!(out, "00-{:032x}-{span:016x}-{flags:02x}", self.trace).is_ok()
    }

    /// `$opentelemetry_trace_id`.
    pub(super) fn write_trace(&self, out: &mut Vec<u8>) -> bool {
        write!(out, "{:032x}", self.trace).is_ok()
    }

    /// `$opentelemetry_span_id`.
    pub(super) fn write_span(&self, out: &mut Vec<u8>) -> bool {
        write!(out, "{:016x}", self.span).is_ok()
    }
}

impl Parent {
    /// What the one `traceparent` of a request says. Two of them are none: nobody knows which is right.
    fn of(headers: &Headers) -> Option<Self> {
        let mut values = headers.values("traceparent");
        let value = values.next()?;
        if values.next().is_some() { None } else { Self::parse(value) }
    }

    /// As W3C Trace Context has it: `VERSION-TRACE-SPAN-FLAGS` in lower case. Later versions may add more at the end.
    fn parse(value: &[u8]) -> Option<Self> {
        let (known, more) = value.split_at_checked(LENGTH)?;
        let mut fields = known.split(|&byte| byte == b'-');
        let mut field = |length: usize| fields.next().filter(|field| field.len() == length).and_then(hexadecimal);
        let (version, trace, span, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        let may_follow = if version == 0 { more.is_empty() } else { more.is_empty() || more.starts_with(b"-") };
        if version == 0xff || !may_follow || fields.next().is_some() {
            return None;
        }
        let span = NonZero::new(u64::try_from(span).ok()?)?;
        Some(Self { trace: NonZero::new(trace)?, span, is_sampled: flags & u128::from(SAMPLED) != 0 })
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u128> {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.as_bytes().iter().all(is_digit))?;
    u128::from_str_radix(digits, 16).ok()
}

fn is_sampled(trace: NonZero<u128>, parent: Option<Parent>, settings: &TracingSettings) -> bool {
    match (parent, settings.sampler) {
        (Some(parent), _) if settings.parent_based => parent.is_sampled,
        (_, Sampler::AlwaysOn) => true,
        (_, Sampler::AlwaysOff) => false,
        (_, Sampler::Ratio) => is_of_share(trace, settings.billionths),
    }
}

/// Whether a trace is of a share. Any service with the same share or a larger one finds the same of it, by the lower half
/// of its id, as most SDKs do.
fn is_of_share(trace: NonZero<u128>, billionths: u32) -> bool {
    let low = trace.get() & u128::from(u64::MAX);
    (low * 1_000_000_000) >> 64 < u128::from(billionths)
}

fn new_trace() -> NonZero<u128> {
    NonZero::new(fastrand::u128(..)).unwrap_or(NonZero::<u128>::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::fixture::headers;

    const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
    const SPAN: u64 = 0x00f0_67aa_0ba9_02b7;
    const VALUE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn begin(lines: &[(&'static str, &str)], settings: &TracingSettings) -> TraceContext {
        TraceContext::begin(&headers(lines), &Tracing::default(), settings)
    }

    fn unsampled() -> String {
        VALUE.replace("-01", "-00")
    }

    #[test]
    fn goes_on_with_the_trace_of_a_trusted_client() {
        let context = begin(&[("traceparent", VALUE), ("tracestate", "a=1")], &TracingSettings::default());
        assert_eq!((context.trace.get(), context.parent.map(NonZero::get)), (TRACE, Some(SPAN)));
        assert_ne!(context.span.get(), SPAN);
        assert_eq!(context.tracestate(), Some(&HeaderValue::from_static("a=1")));
        let written = context.traceparent(None).expect("a header");
        assert_eq!(written, format!("00-{TRACE:032x}-{:016x}-01", context.span));
    }

    #[test]
    fn begins_a_trace_where_the_client_is_not_trusted() {
        let untrusted = Tracing { trusts_client: false, ..Tracing::default() };
        let sent = headers(&[("traceparent", VALUE), ("tracestate", "a=1")]);
        let context = TraceContext::begin(&sent, &untrusted, &TracingSettings::default());
        assert_ne!(context.trace.get(), TRACE);
        assert_eq!((context.parent, context.tracestate()), (None, None));
    }

    #[test]
    fn reads_only_what_the_specification_allows() {
        let parse = |text: &str| Parent::parse(text.as_bytes());
        let parent = |is_sampled| Some(Parent { trace: NonZero::new(TRACE)?, span: NonZero::new(SPAN)?, is_sampled });
        assert_eq!(parse(VALUE), parent(true));
        assert_eq!(parse(&unsampled()), parent(false));
        assert_eq!(parse(&VALUE.replace("-01", "-03")), parent(true));
        assert_eq!(parse(&format!("cc{}-later", &VALUE[2..])), parent(true));
        for wrong in [
            "",
            "00",
            &VALUE[..54],
            &format!("{VALUE}-later"),
            &format!("cc{}later", &VALUE[2..]),
            &format!("ff{}", &VALUE[2..]),
            &VALUE.to_uppercase(),
            &VALUE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &VALUE.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &VALUE.replace("b7-01", "b-701"),
            &VALUE.replace("00f0", "+0f0"),
        ] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn two_parents_are_none() {
        let context = begin(&[("traceparent", VALUE), ("traceparent", VALUE)], &TracingSettings::default());
        assert_eq!((context.parent, context.trace.get() == TRACE), (None, false));
    }

    #[test]
    fn the_parent_decides_unless_it_is_not_asked() {
        let off = TracingSettings { sampler: Sampler::AlwaysOff, ..TracingSettings::default() };
        let on = TracingSettings::default();
        let alone = |settings: &TracingSettings| TracingSettings { parent_based: false, ..settings.clone() };
        let (sampled, not) = ([("traceparent", VALUE)], unsampled());
        let not = [("traceparent", &*not)];
        assert!(begin(&sampled, &off).is_sampled() && !begin(&sampled, &alone(&off)).is_sampled());
        assert!(!begin(&not, &on).is_sampled() && begin(&not, &alone(&on)).is_sampled());
        assert!(begin(&[], &on).is_sampled() && !begin(&[], &off).is_sampled());
    }

    #[test]
    fn a_share_of_traces_goes_by_their_ids() {
        let is_of = |low: u64, billionths| is_of_share(NonZero::new(u128::from(low)).expect("not zero"), billionths);
        assert!(is_of(1, 1) && !is_of(1, 0) && is_of(u64::MAX, 1_000_000_000) && !is_of(u64::MAX, 999_999_999));
        assert!(is_of(u64::MAX / 2, 500_000_000) && !is_of(u64::MAX / 2 + 10, 500_000_000));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(trace in 1u128.., span in 1u64.., is_sampled: bool) {
            let parent = Parent { trace: NonZero::new(trace).expect("not zero"), span: random(), is_sampled };
            let context = TraceContext { trace: parent.trace, span: random(), parent: None, is_sampled, state: None };
            let span = NonZero::new(span).expect("not zero");
            let written = context.traceparent(Some(span)).expect("a header");
            proptest::prop_assert_eq!(Parent::parse(written.as_bytes()), Some(Parent { span, ..parent }));
        }

        #[test]
        fn nothing_else_is_read(value: Vec<u8>, text in "[0-9a-f-]{0,60}") {
            for value in [&value, text.as_bytes()] {
                if let Some(Parent { trace, span, .. }) = Parent::parse(value) {
                    let ids = format!("-{trace:032x}-{span:016x}-");
                    proptest::prop_assert_eq!(value.get(2..LENGTH - 2), Some(ids.as_bytes()));
                }
            }
        }
    }

    fn random() -> NonZero<u64> {
        TraceContext::new_span()
    }
}
