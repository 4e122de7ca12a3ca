//! What an auth server of gRPC is asked about a client's request.

use super::machine::Exchange;
use super::subrequest::Subrequest;
use crate::connection::TlsSession;
use crate::policy::auth_filter::AuthFilter;
use crate::policy::ext_authz::messages::{
    self, Address, AttributeContext, CheckRequest, HttpRequest, Peer, Request, SocketAddress, Timestamp,
};
use crate::policy::ext_authz::{METHOD, call};
use crate::policy::external_auth::ExternalAuth;
use crate::request::{GRPC, RequestView};
use crate::tls::client::Verdict;
use crate::variables;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Version, header};
use std::net::SocketAddr;
use std::time::SystemTime;

const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");

impl Exchange {
    /// The call that asks about a request. `body` is the client's, for an auth server that gets it.
    pub(super) fn auth_call(
        &self,
        (server, filter): (&ExternalAuth, &AuthFilter),
        request: &RequestView<'_>,
        body: &Bytes,
    ) -> Subrequest {
        let attributes = self.attributes(filter, request, body);
        let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, GRPC), (header::TE, TRAILERS)]);
        let host = HeaderValue::from_str(&server.authority).ok();
        host.map(|host| headers.insert(header::HOST, host));
        self.add_trace_headers(&mut headers);
        let body = call(&CheckRequest { attributes: Some(attributes) });
        Subrequest { method: Method::POST, target: METHOD.into(), headers, body }
    }

    fn attributes(&self, filter: &AuthFilter, request: &RequestView<'_>, body: &Bytes) -> AttributeContext {
        let (connection, client) = (&self.arrival().connection, &self.decision.client);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let headers = self.sent_headers(filter, request);
        let named =
            |name: &str| variables::joined(&headers, name).map(|value| (name.to_owned(), text(value.as_bytes())));
        let mut http = HttpRequest {
            id: self.decision.request_id.as_ref().map(|id| text(id.as_bytes())).unwrap_or_default(),
            method: request.method.to_string(),
            headers: headers.keys().filter_map(|name| named(name.as_str())).collect(),
            path: text(variables::origin_form(request.target)),
            host: request.host().to_owned(),
            scheme: text(client.scheme.as_bytes()),
            size: request.content_length().and_then(|length| length.try_into().ok()).unwrap_or(-1),
            protocol: protocol(request.version).to_owned(),
            ..HttpRequest::default()
        };
        match std::str::from_utf8(body) {
            Ok(text) => http.body = text.to_owned(),
            Err(_) => http.raw_body = body.clone(),
        }
        let time = Timestamp {
            seconds: since.as_secs().try_into().unwrap_or(i64::MAX),
            nanos: since.subsec_nanos().try_into().unwrap_or(0),
        };
        AttributeContext {
            source: Some(self.client_peer()),
            destination: Some(peer(connection.local)),
            request: Some(Request { time: Some(time), http: Some(http) }),
            tls_session: connection.tls.as_ref().map(session),
        }
    }

    /// The client. Whoever a proxy before us names has no port that we know. Who it is says no certificate but one that is valid.
    fn client_peer(&self) -> Peer {
        let (connection, client) = (&self.arrival().connection, self.decision.client.address);
        let port = if client == connection.peer.ip() { connection.peer.port() } else { 0 };
        let peer = peer(SocketAddr::new(client, port));
        let Some((certificate, Verdict::Success)) = self.decision.client_certificate(connection) else { return peer };
        let fields = certificate.fields();
        let certificate = if self.forwards_certificate() { text(fields.escaped_pem.as_bytes()) } else { String::new() };
        Peer { principal: fields.principal.clone(), certificate, ..peer }
    }
}

fn peer(address: SocketAddr) -> Peer {
    let socket_address = SocketAddress { address: address.ip().to_string(), port_value: address.port().into() };
    Peer { address: Some(Address { socket_address: Some(socket_address) }), ..Peer::default() }
}

fn session(session: &TlsSession) -> messages::TlsSession {
    messages::TlsSession { sni: session.server_name.as_deref().unwrap_or_default().to_owned() }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}

/// Bytes as text, which may have no others.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
