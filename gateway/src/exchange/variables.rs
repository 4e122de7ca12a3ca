//! A request in flight, as nginx's variables, the access log and the metrics need it.

use super::decision::Decision;
use super::machine::Exchange;
use crate::connection::Connection;
use crate::request::{HOST_LIMIT, RequestView, canonical_host};
use crate::telemetry::RequestInfo;
use http::HeaderValue;

impl Exchange {
    /// What is known of the request. `buffer` is for its host.
    pub(super) fn request_info<'a>(
        &'a self,
        request: &RequestView<'a>,
        buffer: &'a mut [u8; HOST_LIMIT],
    ) -> RequestInfo<'a> {
        let arrival = self.arrival();
        self.decision.request_info(&arrival.connection, arrival.number, request, buffer)
    }
}

impl Decision {
    /// The same, of the request with this number on its connection.
    pub(super) fn request_info<'a>(
        &'a self,
        connection: &'a Connection,
        number: u64,
        request: &RequestView<'a>,
        buffer: &'a mut [u8; HOST_LIMIT],
    ) -> RequestInfo<'a> {
        let info = RequestInfo {
            client: self.client.address,
            method: request.method.as_str(),
            target: request.target,
            path: self.path(request),
            version: version(request.version),
            host: canonical_host(request.host(), buffer),
            asked_host: self.client.host.as_ref().map(HeaderValue::as_bytes),
            scheme: self.client.scheme.as_bytes(),
            port: self.client.port.as_bytes(),
            headers: Some(request.headers),
            request_id: self.request_id.as_ref().map(HeaderValue::as_bytes).unwrap_or_default(),
            labels: self.labels(),
            trace: self.trace.as_deref(),
            maps: Some(&self.settings.maps),
            geo: self.settings.databases.as_deref(),
            client_certificate: self.client_certificate(connection),
            ..RequestInfo::new(connection, number)
        };
        let info = self.snippet.as_ref().map_or(info, |snippet| snippet.state.info(&info));
        RequestInfo { rewritten: self.rewritten.as_ref().map(|rewritten| &*rewritten.target), ..info }
    }
}

fn version(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_10 => "HTTP/1.0",
        http::Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}
