//! The changes of a request before it is sent to the backend.

use super::client_certificate::is_about_certificate;
use super::connection_headers::remove_nominated;
use super::edits::RequestEdits;
use super::machine::Exchange;
use crate::config::ConnectionHeader;
use crate::connection::address_value;
use crate::headers::{Fields, Headers};
use crate::policy::external_auth::Authorization;
use crate::request::{HOST_LIMIT, RequestView, target};
use crate::variables;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::sync::Arc;

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_ORIGINAL_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-original-forwarded-for");
const X_ORIGINAL_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-original-forwarded-host");
/// "httpoxy": CGI programs take it for HTTP_PROXY.
const PROXY: HeaderName = HeaderName::from_static("proxy");
/// What only a proxy before us could know, and what some frameworks take for the request's real path.
const CLAIMS: [HeaderName; 4] = [
    HeaderName::from_static("x-auth-request-redirect"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
];
/// Headers of HTTP/1 that HTTP/2 forbids.
const HTTP1_ONLY: [HeaderName; 5] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

impl Exchange {
    /// Changes a client's request into the backend's: its target, and the headers that ingress-nginx sets. They are
    /// replaced, never appended to, so that a backend can trust them.
    pub fn forward(&self, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        remove_nominated(request.headers, edits);
        remove_claims(request.headers, self.decision.settings.forwarded.trust_headers, edits);
        match &self.custom_error {
            Some(error) => self.forward_error(error, request, edits),
            None => self.forward_request(request, edits),
        }
        edits.remove(&header::EXPECT); // answered by us
        edits.remove(&PROXY);
    }

    fn forward_request(&self, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        self.set_target(request, edits);
        self.set_error_page_method(request, edits);
        let request = &self.decision.with_changed_headers(request);
        self.set_changed_headers(edits);
        let prefix = self.decision.rewritten.as_ref().and_then(|rewritten| rewritten.forwarded_prefix.as_deref());
        if let Some(prefix) = prefix.and_then(|prefix| HeaderValue::from_str(prefix).ok()) {
            edits.set("X-Forwarded-Prefix", prefix);
        }
        self.set_client_headers(request, edits);
        self.set_trace_headers(edits);
        self.certificate_headers(|name, value| edits.set(name, value));
        self.set_backend_headers(request, edits);
        self.set_configured_headers(request, edits);
        self.remove_password(edits);
        self.set_auth_headers(request, edits);
        self.set_snippet_headers(request, edits);
        self.change_request_headers(request, edits);
        if self.decision.backend_policies().protocol.is_http2() {
            adapt_to_http2(edits);
        }
    }

    /// Removes a password that is for us.
    pub(super) fn remove_password(&self, edits: &mut impl RequestEdits) {
        if self.decision.needs_password() {
            edits.remove(&header::AUTHORIZATION);
        }
    }

    fn set_target(&self, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        let target = self.decision.target(request);
        match self.decision.backend_policies().protocol.is_http2() && !target::is_uri(target) {
            true => edits.set_target(&target::escape(target)), // a `:path` may not have all bytes
            false => edits.set_target(target),
        }
    }

    /// `proxy-set-headers`.
    fn set_configured_headers(&self, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        let headers = &self.decision.settings.set_headers;
        if headers.is_empty() {
            return;
        }
        let mut buffer = [0; HOST_LIMIT];
        let values = self.request_info(request, &mut buffer);
        for (name, template) in headers.iter() {
            set_template(name, template, &values, edits);
        }
    }

    pub(super) fn set_client_headers(&self, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        let client = &self.decision.client;
        let forwarded = &self.decision.settings.forwarded;
        // A client's own headers of these names go, as in nginx.
        match variables::joined(request.headers, &forwarded.header) {
            Some(chain) => edits.set("X-Original-Forwarded-For", chain),
            None => edits.remove(&X_ORIGINAL_FORWARDED_FOR),
        }
        match variables::joined(request.headers, &forwarded.host_header) {
            Some(hosts) => edits.set("X-Original-Forwarded-Host", hosts),
            None => edits.remove(&X_ORIGINAL_FORWARDED_HOST),
        }
        if forwarded.trust_headers && forwarded.proxy_protocol {
            self.set_proxy_protocol_header(request, edits);
        }
        if forwarded.original_uri
            && let Ok(target) = HeaderValue::from_bytes(variables::origin_form(request.target))
        {
            edits.set("X-Original-URI", target);
        }
        edits.set("X-Forwarded-For", self.forwarded_for(request));
        edits.set("X-Real-IP", self.client_address());
        match &client.host {
            Some(host) => edits.set("X-Forwarded-Host", host.clone()),
            None => edits.remove(&X_FORWARDED_HOST), // nobody has asked for a host
        }
        edits.set("X-Forwarded-Port", client.port.clone());
        edits.set("X-Forwarded-Proto", client.scheme.clone());
        edits.set("X-Forwarded-Scheme", client.scheme.clone());
        edits.set("X-Scheme", client.scheme.clone());
        if let Some(id) = &self.decision.request_id {
            edits.set("X-Request-ID", id.clone());
        }
    }

    /// What the client's address is taken from: the forwarding header of whom the PROXY header names, if that is a proxy, or
    /// else the PROXY header.
    fn set_proxy_protocol_header(&self, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        let (forwarded, connection) = (&self.decision.settings.forwarded, &self.arrival().connection);
        let value = match forwarded.trusts(connection.peer.ip()) {
            true => variables::joined(request.headers, &forwarded.header),
            false => Some(connection.peer_value.clone()),
        };
        match (value, forwarded.proxy_protocol_header.parse()) {
            (Some(value), _) => edits.set_named(&forwarded.proxy_protocol_header, value),
            (None, Ok(name)) => edits.remove(&name),
            (None, Err(_)) => {}
        }
    }

    /// The client's address.
    pub(super) fn client_address(&self) -> HeaderValue {
        let (client, connection) = (self.decision.client.address, &self.arrival().connection);
        if client == connection.peer.ip() { connection.peer_value.clone() } else { address_value(client) }
    }

    /// The client's address, or with `compute-full-forwarded-for` the whole chain and the peer's.
    pub(super) fn forwarded_for(&self, request: &RequestView<'_>) -> HeaderValue {
        if !self.decision.settings.forwarded.sends_chain() {
            return self.client_address();
        }
        let peer = &self.arrival().connection.peer_value;
        let Some(chain) = variables::joined(request.headers, "x-forwarded-for") else { return peer.clone() };
        let chain = [chain.as_bytes(), b", ", peer.as_bytes()].concat();
        HeaderValue::from_bytes(&chain).unwrap_or_else(|_| peer.clone())
    }

    fn set_backend_headers(&self, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        let policies = self.decision.backend_policies();
        let host = policies.host.as_ref().and_then(|template| {
            let mut host = Vec::new();
            variables::render(template, &self.request_info(request, &mut [0; HOST_LIMIT]), &mut host);
            HeaderValue::from_bytes(&host).ok()
        });
        let host = host.as_ref().or(self.decision.client.host.as_ref());
        if let Some(host) = host.filter(|host| request.headers.first("host") != Some(host.as_bytes())) {
            edits.set("Host", host.clone());
        }
        match policies.connection {
            Some(ConnectionHeader::Close) => edits.set("Connection", HeaderValue::from_static("close")),
            Some(ConnectionHeader::KeepAlive) => edits.set("Connection", HeaderValue::from_static("keep-alive")),
            None => {}
        }
        if self.fell_back || self.decision.uses_default_backend() {
            self.set_default_backend_headers(if self.fell_back { 503 } else { 404 }, request, edits);
        }
    }

    /// The headers that describe to a default backend the request that no other backend could serve, and the `status` that
    /// it would have been answered with.
    pub(super) fn set_default_backend_headers(
        &self,
        status: u16,
        request: &RequestView<'_>,
        edits: &mut impl RequestEdits,
    ) {
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
        edits.set("X-Code", status.into());
        if let Some(accept) = variables::joined(request.headers, "accept") {
            edits.set("X-Format", accept);
        }
        if let Some(labels) = self.decision.labels() {
            let owner = &labels.owner;
            edits.set("X-Namespace", value(&owner.namespace));
            edits.set("X-Ingress-Name", value(&owner.ingress));
            edits.set("X-Service-Name", value(&owner.service));
            edits.set("X-Service-Port", value(&owner.service_port));
        }
    }

    /// Replaces the client's headers by those of the auth response, or removes them where that has none.
    fn set_auth_headers(&self, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        let Some(server) = self.decision.auth_server() else { return };
        request.headers.map().keys().filter(|name| server.replaces(name)).for_each(|name| edits.remove(name));
        // With `satisfy: any` a request may come in without its word.
        let Some(authorization) = &self.authorization else { return };
        for (written, name, value) in server.headers(authorization) {
            match value {
                Some(value) => edits.set_named(written, value.clone()),
                None => edits.remove(name), // also one of ours
            }
        }
        change_as_authorized(authorization, request, edits);
    }
}

/// Changes the headers that the auth server changes of its own accord.
fn change_as_authorized(authorization: &Authorization, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
    let mut changed = HeaderMap::new();
    for header in &authorization.changes {
        let sent = || variables::joined(request.headers, header.name.as_str());
        let present = changed.get(&header.name).cloned().or_else(sent);
        let Some(value) = header.applied(present.as_ref()) else { continue };
        request.headers.map().keys().filter(|name| header.is_like(name)).for_each(|name| edits.remove(name));
        edits.set_named(&header.name.as_str().into(), value.clone());
        changed.insert(header.name.clone(), value);
    }
    authorization.removed.iter().for_each(|name| edits.remove(name));
}

fn set_template(
    name: &Arc<str>,
    template: &crate::config::Template,
    values: &impl variables::Values,
    edits: &mut impl RequestEdits,
) {
    let mut rendered = Vec::new();
    variables::render(template, values, &mut rendered);
    match HeaderValue::from_bytes(&rendered) {
        // As nginx's proxy_set_header: an empty value is not sent at all.
        Ok(value) if !value.is_empty() => edits.set_named(name, value),
        _ => {
            if let Ok(name) = name.parse() {
                edits.remove(&name);
            }
        }
    }
}

/// Removes what HTTP/2 forbids and adds `TE: trailers`, without which some gRPC servers refuse a call.
pub(super) fn adapt_to_http2(edits: &mut impl RequestEdits) {
    HTTP1_ONLY.iter().for_each(|name| edits.remove(name));
    edits.set("TE", HeaderValue::from_static("trailers"));
}

/// Removes what only we can know of a client's certificate; and, unless a proxy before us is trusted, its [`CLAIMS`].
fn remove_claims(headers: &Headers, trusts_proxy: bool, edits: &mut impl RequestEdits) {
    for name in headers.names().filter(|name| is_about_certificate(name)) {
        HeaderName::from_bytes(name).iter().for_each(|name| edits.remove(name));
    }
    if !trusts_proxy {
        CLAIMS.iter().for_each(|name| edits.remove(name));
    }
}
