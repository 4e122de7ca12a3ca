//! The trace of a request: when it begins, and what others get to know of it.

use super::decision::{Asked, Decision};
use super::edits::RequestEdits;
use super::machine::Exchange;
use super::progress::State;
use crate::config::{Template, Tracing};
use crate::telemetry::{Record, TRACEPARENT, TRACESTATE, TraceContext};
use http::{HeaderMap, HeaderValue};
use std::num::NonZero;

impl Decision {
    /// Begins the request's span, if it is traced where it is now: on a route, or on none. A snippet may take it to another
    /// route; then its span is the same.
    pub(super) fn begin_trace(&mut self, asked: &Asked<'_>) {
        let Some(tracing) = self.tracing().filter(|_| asked.is_served()) else {
            self.trace = None;
            return;
        };
        if self.trace.is_none() {
            let trace = TraceContext::begin(asked.request.headers, tracing, &self.settings.tracing);
            self.trace = Some(Box::new(trace));
        }
    }

    fn tracing(&self) -> Option<&Tracing> {
        match &self.route {
            Some(route) => route.policies.tracing.as_ref(),
            None => self.settings.tracing.unrouted.as_ref(),
        }
    }

    /// The request's trace and the name of its span, if that goes to a collector.
    pub(super) fn recorded_trace(&self) -> Option<(&TraceContext, &Template)> {
        let trace = self.trace.as_ref().filter(|trace| trace.is_sampled())?;
        self.settings.tracing.collector.host.as_ref()?;
        Some((trace, &self.tracing()?.operation))
    }

    /// Whether attempts at endpoints have spans of their own.
    pub(super) fn has_client_spans(&self) -> bool {
        self.settings.tracing.client_spans && self.recorded_trace().is_some()
    }

    /// The id of a span for an attempt, where those have some.
    pub(super) fn new_span(&self) -> Option<NonZero<u64>> {
        self.has_client_spans().then(TraceContext::new_span)
    }
}

impl Exchange {
    /// Sends the spans of the request, which has ended.
    pub(super) fn send_spans(&self, record: &Record<'_>) {
        if let Some((trace, operation)) = self.decision.recorded_trace() {
            let asked = self.ended_auth_request.as_ref().map_or(&[][..], |ended| &ended.attempts);
            self.context.telemetry().trace(record, asked, trace, operation);
        }
    }

    /// Tells a backend of the trace. What the client says of one counts no more: it is in there, or not to be trusted.
    pub(super) fn set_trace_headers(&self, edits: &mut impl RequestEdits) {
        let span = self.attempts.span();
        if let Some((parent, state)) = self.trace_headers(span) {
            edits.set("traceparent", parent);
            match state {
                Some(state) => edits.set("tracestate", state),
                None => edits.remove(&TRACESTATE),
            }
        }
    }

    /// Tells an auth server of the trace, likewise.
    pub(super) fn add_trace_headers(&self, headers: &mut HeaderMap) {
        let span = match &self.state {
            State::Asking { current: Some(current), .. } => current.span,
            _ => None,
        };
        if let Some((parent, state)) = self.trace_headers(span) {
            headers.insert(TRACEPARENT, parent);
            match state {
                Some(state) => drop(headers.insert(TRACESTATE, state)),
                None => drop(headers.remove(TRACESTATE)),
            }
        }
    }

    /// `traceparent` and `tracestate`, if the request is traced. `span` is that of the attempt, where it has one.
    fn trace_headers(&self, span: Option<NonZero<u64>>) -> Option<(HeaderValue, Option<HeaderValue>)> {
        let trace = self.decision.trace.as_ref()?;
        Some((trace.traceparent(span)?, trace.tracestate().cloned()))
    }
}
