//! Spans as they wait to be sent: a text and some numbers.

use crate::config::{Template, Variable};
use crate::headers::Fields;
use crate::telemetry::{Attempt, Record, TraceContext};
use crate::variables::{Values, address, append, render, text};
use http::HeaderValue;
use smallvec::SmallVec;
use std::num::NonZero;
use std::time::{Duration, SystemTime};

/// The longest value of an attribute, and the longest name, in bytes. The rest is cut off.
const LONGEST: usize = 1 << 10;
/// The longest `tracestate` that a span has: as long as every system must pass on. A longer one is left out.
const LONGEST_STATE: usize = 512;
/// A typical text of a span.
const TEXT: usize = 256;

/// The part of a request that is ours, or one attempt at an endpoint.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) trace: NonZero<u128>,
    pub(super) id: NonZero<u64>,
    pub(super) parent: Option<NonZero<u64>>,
    pub(super) state: Box<[u8]>,
    pub(super) kind: SpanKind,
    pub(super) start: SystemTime,
    pub(super) duration: Duration,
    pub(super) has_failed: bool,
    /// Its name, and the values of its attributes that are texts, one after the other.
    text: Vec<u8>,
    name: usize,
    attributes: SmallVec<[(&'static str, Stored); 13]>,
}

/// Who made a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpanKind {
    /// The one who was asked.
    Server,
    /// The one who asked.
    Client,
}

/// A value of an attribute.
#[derive(Clone, Copy, Debug)]
enum Stored {
    /// A text, from where the one before it ends.
    Text {
        end: usize,
    },
    Number(i64),
}

/// The same for those who read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute<'a> {
    Text(&'a [u8]),
    Number(i64),
}

impl Span {
    /// The span of a request that has ended now. Attributes and status are those of ingress-nginx's module for nginx.
    pub(super) fn of_request(record: &Record<'_>, context: &TraceContext, operation: &Template) -> Self {
        let mut span = Self {
            parent: context.parent,
            start: SystemTime::now().checked_sub(record.duration).unwrap_or(SystemTime::UNIX_EPOCH),
            ..Self::new(context, context.span, SpanKind::Server, record.duration, record.status)
        };
        span.name(|out| name(record, operation, out));
        for (key, variable) in [
            ("http.method", &Variable::RequestMethod),
            ("http.target", &Variable::RequestUri),
            ("http.server_name", &Variable::ServerName),
            ("http.host", &Variable::HttpHost),
            ("http.scheme", &Variable::Scheme),
            ("http.route", &Variable::LocationPath),
            ("net.peer.ip", &Variable::RemoteAddr),
        ] {
            span.add(key, |out| record.value(variable, out));
        }
        span.add("http.flavor", |out| text(record.request.version.trim_start_matches("HTTP/"), out));
        let agent = record.request.headers.and_then(|headers| headers.first("user-agent"));
        span.add("http.user_agent", |out| append(agent, out));
        let connection = record.request.connection;
        span.add_number("net.host.port", connection.advertised_port.into());
        span.add_number("net.peer.port", connection.peer.port().into());
        span.add_number("http.status_code", record.status.into());
        span
    }

    /// The span of an attempt at an endpoint, of this name, in a request.
    pub(super) fn of_attempt(
        attempt: &Attempt,
        id: NonZero<u64>,
        name: &[u8],
        context: &TraceContext,
        request: &Self,
    ) -> Self {
        let mut span = Self {
            parent: Some(context.span),
            start: request.start.checked_add(attempt.after).unwrap_or(request.start),
            ..Self::new(context, id, SpanKind::Client, attempt.response, attempt.status.unwrap_or(0))
        };
        span.name(|out| append(Some(name), out));
        span.add("net.peer.ip", |out| address(attempt.address.ip(), out));
        span.add_number("net.peer.port", attempt.address.port().into());
        if let Some(status) = attempt.status {
            span.add_number("http.status_code", status.into());
        }
        span
    }

    fn new(context: &TraceContext, id: NonZero<u64>, kind: SpanKind, duration: Duration, status: u16) -> Self {
        Self {
            trace: context.trace,
            id,
            parent: None,
            state: state(context),
            kind,
            start: SystemTime::UNIX_EPOCH,
            duration,
            has_failed: status >= 500,
            text: Vec::with_capacity(TEXT),
            name: 0,
            attributes: SmallVec::new(),
        }
    }

    fn name(&mut self, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        write(&mut self.text);
        self.text.truncate(LONGEST);
        self.name = self.text.len();
    }

    fn add(&mut self, key: &'static str, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        let start = self.text.len();
        if write(&mut self.text) {
            self.text.truncate(start + LONGEST);
            self.attributes.push((key, Stored::Text { end: self.text.len() }));
        }
    }

    fn add_number(&mut self, key: &'static str, value: i64) {
        self.attributes.push((key, Stored::Number(value)));
    }

    /// Its name.
    pub(super) fn name_text(&self) -> &[u8] {
        &self.text[..self.name]
    }

    /// Its attributes, in order.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'static str, Attribute<'_>)> {
        let mut start = self.name;
        self.attributes.iter().map(move |&(key, value)| match value {
            Stored::Number(number) => (key, Attribute::Number(number)),
            Stored::Text { end } => (key, Attribute::Text(&self.text[std::mem::replace(&mut start, end)..end])),
        })
    }
}

/// A copy, since the header's own value may keep the whole head of the request.
fn state(context: &TraceContext) -> Box<[u8]> {
    let state = context.state.as_ref().map(HeaderValue::as_bytes);
    state.filter(|state| state.len() <= LONGEST_STATE).unwrap_or_default().into()
}

/// The name that is set, or else the path of the rule: nginx's name of the location.
fn name(record: &Record<'_>, operation: &Template, out: &mut Vec<u8>) -> bool {
    render(operation, record, out);
    if out.is_empty() {
        record.value(&Variable::LocationPath, out);
    }
    if out.is_empty() { text("/", out) } else { true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Tracing, TracingSettings};
    use crate::headers::Headers;
    use crate::telemetry::fixture::{attempt, connection, headers, record};

    fn context(sent: &Headers) -> TraceContext {
        TraceContext::begin(sent, &Tracing::default(), &TracingSettings::default())
    }

    fn value<'s>(span: &'s Span, key: &str) -> Option<Attribute<'s>> {
        span.attributes().find(|(found, _)| *found == key).map(|(_, value)| value)
    }

    #[test]
    fn texts_have_a_bound() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let state = format!("a={}", "x".repeat(LONGEST_STATE));
        let (connection, sent) = (connection(), headers(&[("traceparent", parent), ("tracestate", &state)]));
        let target = [b"/".as_slice(), &[b'y'; 3 * LONGEST]].concat();
        let record = record(&connection, &sent);
        let record = Record { request: crate::telemetry::RequestInfo { target: &target, ..record.request }, ..record };
        let operation = Template::parse(&format!("${{request_uri}}{}", "z".repeat(LONGEST))).expect("valid");
        let span = Span::of_request(&record, &context(&sent), &operation);
        assert_eq!((span.name_text(), &*span.state), (&target[..LONGEST], &[][..]));
        assert_eq!(value(&span, "http.target"), Some(Attribute::Text(&target[..LONGEST])));
        assert_eq!(value(&span, "http.method"), Some(Attribute::Text(b"GET")));
        assert_eq!(value(&span, "http.status_code"), Some(Attribute::Number(200)));
        assert_eq!(value(&span, "http.user_agent"), None);
    }

    #[test]
    fn an_attempt_is_a_part_of_its_request() {
        let (connection, sent) = (connection(), Headers::default());
        let context = context(&sent);
        let request = Span::of_request(&record(&connection, &sent), &context, &Template::default());
        let (attempt, id) = (Attempt { status: Some(504), ..attempt() }, TraceContext::new_span());
        let span = Span::of_attempt(&attempt, id, b"name", &context, &request);
        assert_eq!((span.trace, span.parent, span.id), (request.trace, Some(request.id), id));
        assert_eq!(span.start.duration_since(request.start).expect("later"), attempt.after);
        assert_eq!((span.duration, span.has_failed, request.has_failed), (attempt.response, true, false));
        assert_eq!(value(&span, "net.peer.ip"), Some(Attribute::Text(b"10.0.0.1")));
    }
}
