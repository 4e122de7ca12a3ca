//! The body of a response on its way to the client: compressed, and no faster than it may be.

use super::decision::Decision;
use super::edits::ResponseEdits;
use super::machine::Exchange;
use super::step::Failure;
use crate::config::ResponseRate;
use crate::policy::compression::{Compression, Encoder, ResponseView, Verdict, is_varied, weak_etag};
use crate::policy::response_rate::Pace;
use crate::request::RequestView;
use crate::telemetry::EncodedBody;
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use std::time::Duration;

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
    /// Decides whether the body of a response is compressed, and changes its head accordingly, when all else of that is
    /// settled. Returns whether the body that follows has another length than the head said.
    ///
    /// `has_body`: one follows. The head of a response to HEAD becomes what it would be with GET.
    pub fn compress(&mut self, request: &RequestView<'_>, has_body: bool, edits: &mut impl ResponseEdits) -> bool {
        let Some(compression) = self.decision.compression() else { return false };
        if !has_body && *request.method != Method::HEAD {
            return false;
        }
        let headers = edits.header_map();
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
        let Some(encoder) = &mut self.encoder else { return Ok(piece) };
        encoder.encode(&piece, is_last).map_err(|error| {
            tracing::warn!(%error, "a response is cut off");
            Failure::Internal
        })
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
