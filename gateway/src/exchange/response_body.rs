//! The body of a response on its way to the client: with texts replaced, compressed, and no faster than it may be.

use super::decision::Decision;
use super::edits::ResponseEdits;
use super::machine::Exchange;
use super::step::Failure;
use crate::config::{ResponseRate, Template};
use crate::policy::compression::{Compression, Encoder, ResponseView, Verdict, is_varied, weak_etag};
use crate::policy::response_rate::Pace;
use crate::request::{HOST_LIMIT, RequestView};
use crate::telemetry::{EncodedBody, Now, RequestInfo};
use crate::variables;
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use std::time::Duration;

/// Bytes of a text that takes the place of another in a body.
const REPLACEMENT_LIMIT: usize = 16 << 10;

impl Decision {
    /// How responses are compressed, if they are.
    fn compression(&self) -> Option<&Compression> {
        match self.effects().and_then(|effects| effects.compression.as_ref()) {
            Some(own) => own.as_ref(),
            None => self.settings.compressing.as_ref(),
        }
    }
}

impl Exchange {
    /// Decides what becomes of the body of a response, and changes its head accordingly, when all else of that is settled.
    /// Returns whether the body that follows has another length than the head said.
    ///
    /// `has_body`: one follows. The head of a response to HEAD becomes what it would be with GET.
    pub fn begin_body(&mut self, request: &RequestView<'_>, has_body: bool, edits: &mut impl ResponseEdits) -> bool {
        let is_changed = self.substitute(request, has_body, edits);
        self.compress(request, has_body, edits) || is_changed
    }

    /// Has texts replaced in the body, where that is asked for, as nginx: ngx_http_sub_header_filter.
    fn substitute(&mut self, request: &RequestView<'_>, has_body: bool, edits: &mut impl ResponseEdits) -> bool {
        if !has_body && *request.method != Method::HEAD {
            return false;
        }
        let Some(filter) = self.decision.effects().and_then(|effects| effects.sub_filter.as_ref()) else {
            return false;
        };
        let headers = edits.header_map().clone();
        if !filter.changes(&headers) {
            return false;
        }
        edits.remove(&header::CONTENT_LENGTH);
        if !filter.keeps_last_modified {
            edits.remove(&header::LAST_MODIFIED);
            edits.remove(&header::ETAG);
        } else if let Some(etag) = headers.get(header::ETAG) {
            match weak_etag(etag) {
                Some(weak) => edits.set("ETag", weak),
                None => edits.remove(&header::ETAG),
            }
        }
        if has_body {
            let mut buffer = [0; HOST_LIMIT];
            let info = RequestInfo {
                response_headers: [None, Some(&headers)],
                ..self.request_info(&self.decision.with_changed_headers(request), &mut buffer)
            };
            let render =
                |text: &Template| variables::render_within(text, &(&info, &Now), REPLACEMENT_LIMIT).unwrap_or_default();
            self.substitution = filter.begin(render).map(Box::new);
        }
        has_body
    }

    /// Decides whether the body is compressed.
    fn compress(&mut self, request: &RequestView<'_>, has_body: bool, edits: &mut impl ResponseEdits) -> bool {
        let Some(compression) = self.decision.compression() else { return false };
        if !has_body && *request.method != Method::HEAD {
            return false;
        }
        let headers = edits.header_map().clone();
        let response = ResponseView { status: edits.status(), headers: &headers };
        let verdict = compression.verdict(&self.decision.with_changed_headers(request), &response);
        if verdict == Verdict::Unfit {
            return false;
        }
        if compression.says_vary && !is_varied(&headers) {
            edits.append("Vary", HeaderValue::from_static("Accept-Encoding"));
        }
        let Verdict::Encoded(encoded) = verdict else { return false };
        if has_body {
            let Some(encoder) = Encoder::new(encoded) else { return false };
            self.encoder = Some(Box::new(encoder));
        }
        edits.set("Content-Encoding", HeaderValue::from_static(encoded.coding.name()));
        edits.remove(&header::CONTENT_LENGTH);
        edits.remove(&header::ACCEPT_RANGES);
        if let Some(etag) = headers.get(header::ETAG) {
            match weak_etag(etag) {
                Some(weak) => edits.set("ETag", weak),
                None => edits.remove(&header::ETAG),
            }
        }
        has_body
    }

    /// What the client gets of a piece of a response's body. It may be nothing.
    ///
    /// # Errors
    /// The response has to be cut off.
    pub fn encode(&mut self, piece: Bytes, is_last: bool) -> Result<Bytes, Failure> {
        let piece = match &mut self.substitution {
            None => piece,
            Some(substitution) => substitution.pass(&piece, is_last).map_err(|error| {
                tracing::warn!(%error, "a response is cut off");
                Failure::Internal
            })?,
        };
        let Some(encoder) = &mut self.encoder else { return Ok(piece) };
        encoder.encode(&piece, is_last).map_err(|error| {
            tracing::warn!(%error, "a response is cut off");
            Failure::Internal
        })
    }

    /// Bytes of the body so far as it has come, where it is changed.
    pub(super) fn received_of_body(&self) -> Option<u64> {
        let substituted = self.substitution.as_ref().map(|substitution| substitution.received());
        substituted.or(self.encoder.as_ref().map(|encoder| encoder.received()))
    }

    /// What has become of the body so far, where it is compressed.
    pub(super) fn encoded_body(&self) -> Option<EncodedBody> {
        let encoder = self.encoder.as_ref()?;
        let coding = encoder.encoded().coding.name();
        Some(EncodedBody { coding, received: encoder.received(), sent: encoder.sent() })
    }

    /// How long so many bytes for the client wait before they go out.
    pub fn pause(&mut self, bytes: usize) -> Option<Duration> {
        let rate = self.response_rate();
        let bytes_per_second = rate.bytes_per_second?;
        let now = tokio::time::Instant::now();
        self.pace.get_or_insert_with(|| Pace::new(bytes_per_second, rate.after, now)).pause(bytes, now)
    }

    pub(super) fn response_rate(&self) -> ResponseRate {
        self.decision.route.as_ref().map(|route| route.policies.response_rate).unwrap_or_default()
    }
}
