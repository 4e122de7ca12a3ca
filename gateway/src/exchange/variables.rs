//! A request in flight, as nginx's variables, the access log and the metrics need it.

use super::decision::Decision;
use super::machine::Exchange;
use crate::connection::Arrival;
use crate::request::{HOST_LIMIT, RequestView, canonical_host};
use crate::telemetry::RequestInfo;

impl Exchange {
    /// What is known of the request. `buffer` is for its host.
    pub(super) fn request_info<'a>(
        &'a self,
        request: &RequestView<'a>,
        buffer: &'a mut [u8; HOST_LIMIT],
    ) -> RequestInfo<'a> {
        RequestInfo {
            request_id: self.request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default(),
            ..self.decision.request_info(self.arrival(), request, buffer)
        }
    }
}

impl Decision {
    /// The same without its id.
    pub(super) fn request_info<'a>(
        &'a self,
        arrival: &'a Arrival,
        request: &RequestView<'a>,
        buffer: &'a mut [u8; HOST_LIMIT],
    ) -> RequestInfo<'a> {
        RequestInfo {
            client: self.client.address,
            method: request.method.as_str(),
            target: request.target,
            path: self.path(request),
            rewritten: self.rewritten.as_ref().map(|rewritten| &*rewritten.target),
            version: version(request.version),
            host: canonical_host(request.host(), buffer),
            scheme: self.client.scheme.to_str().unwrap_or_default(),
            headers: Some(request.headers),
            labels: self.labels(),
            ..RequestInfo::new(&arrival.connection, arrival.number)
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
