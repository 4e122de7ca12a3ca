//! nginx's variables for a request that is being forwarded to a backend.

use super::machine::Exchange;
use crate::config::{Owner, Variable};
use crate::request::{HOST_LIMIT, RequestView, canonical_host};
use crate::variables::{Values, address, append, argument, cookie, escaped, header, number, text};
use std::sync::Arc;

/// The values of a request's variables.
pub(super) struct RequestVariables<'a> {
    exchange: &'a Exchange,
    request: &'a RequestView<'a>,
}

impl Exchange {
    pub(super) fn variables<'a>(&'a self, request: &'a RequestView<'a>) -> RequestVariables<'a> {
        RequestVariables { exchange: self, request }
    }
}

/// What is known before the request has ended; the rest has no value.
impl Values for RequestVariables<'_> {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        use Variable as V;
        let Self { exchange, request } = self;
        let connection = &exchange.arrival().connection;
        match variable {
            V::Args | V::QueryString => append(request.query(), out),
            V::Argument(name) => {
                let query = request.query().and_then(|query| std::str::from_utf8(query).ok());
                query.is_some_and(|query| argument(query, name, out))
            }
            V::ConnectionId => number(connection.id, out),
            V::ConnectionRequests => number(exchange.arrival().number, out),
            V::ContentLength => header(request.headers, "content-length", out),
            V::ContentType => header(request.headers, "content-type", out),
            V::Cookie(name) => cookie(request.headers, name, out),
            V::EscapedRequestUri => escaped(request.target, out),
            V::Header(name) => header(request.headers, name, out),
            V::Host | V::ServerName => text(canonical_host(request.host(), &mut [0; HOST_LIMIT]), out),
            V::HttpHost => header(request.headers, "host", out),
            V::IngressName => self.label(out, |owner| &owner.ingress),
            V::LocationPath => append(exchange.decision.labels().map(|labels| labels.path.as_bytes()), out),
            V::Namespace => self.label(out, |owner| &owner.namespace),
            V::PassAccessScheme => append(Some(exchange.decision.client.scheme.as_bytes()), out),
            V::RealIpRemoteAddr => append(Some(connection.peer_value.as_bytes()), out),
            V::RemoteAddr | V::TheRealIp => address(exchange.decision.client.address, out),
            V::RemotePort => number(connection.peer.port(), out),
            V::RequestId | V::RequestIdNginx => append(exchange.request_id.as_ref().map(|id| id.as_bytes()), out),
            V::RequestMethod => text(request.method.as_str(), out),
            V::RequestUri => append(Some(request.target), out),
            V::Scheme => text(connection.scheme(), out),
            V::ServerAddr => address(connection.local.ip(), out),
            V::ServerPort => number(connection.advertised_port, out),
            V::ServiceName => self.label(out, |owner| &owner.service),
            V::ServiceBackend => self.label(out, |owner| &owner.service_port),
            V::SslCipher | V::SslProtocol | V::SslServerName | V::SslSessionReused => {
                connection.tls.as_ref().is_some_and(|tls| tls.value(variable, out))
            }
            V::Uri => append(Some(exchange.decision.path(request)), out),
            _ => false,
        }
    }
}

impl RequestVariables<'_> {
    fn label(&self, out: &mut Vec<u8>, label: impl Fn(&Owner) -> &Arc<str>) -> bool {
        append(self.exchange.decision.labels().map(|labels| label(&labels.owner).as_bytes()), out)
    }
}
