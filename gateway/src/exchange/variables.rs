//! A request in flight, as nginx's variables, the access log and the metrics need it.

use super::machine::Exchange;
use crate::request::{HOST_LIMIT, RequestView, canonical_host};
use crate::telemetry::RequestInfo;

impl Exchange {
    /// What is known of the request. `buffer` is for its host.
    pub(super) fn request_info<'a>(
        &'a self,
        request: &RequestView<'a>,
        buffer: &'a mut [u8; HOST_LIMIT],
    ) -> RequestInfo<'a> {
        let decision = &self.decision;
        RequestInfo {
            client: decision.client.address,
            method: request.method.as_str(),
            target: request.target,
            path: decision.path(request),
            rewritten: decision.rewritten.as_ref().map(|rewritten| &*rewritten.target),
            version: version(request.version),
            host: canonical_host(request.host(), buffer),
            scheme: decision.client.scheme.to_str().unwrap_or_default(),
            headers: Some(request.headers),
            request_id: self.request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default(),
            labels: decision.labels(),
            ..RequestInfo::new(&self.arrival().connection, self.arrival().number)
        }
    }
}

fn version(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_10 => "HTTP/1.0",
        http::Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}
