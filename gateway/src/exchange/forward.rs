//! The changes of a request before it is sent to the backend, and of a response before it is sent to the client.

use super::client_certificate::is_about_certificate;
use super::machine::Exchange;
use crate::config::ConnectionHeader;
use crate::connection::address_value;
use crate::grammar;
use crate::policy::cors::{self, Cors};
use crate::request::{HOST_LIMIT, RequestView, target};
use crate::variables;
use http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use smallvec::SmallVec;
use std::sync::Arc;

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// "httpoxy": CGI programs take it for HTTP_PROXY.
const PROXY: HeaderName = HeaderName::from_static("proxy");
/// Headers of HTTP/1 that HTTP/2 forbids.
const HTTP1_ONLY: [HeaderName; 5] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Changes a request that goes to a backend.
pub trait RequestEdits {
    /// Replaces a header. The name is written as it stands here.
    fn set(&mut self, name: &'static str, value: HeaderValue);
    /// Replaces a header that the user named.
    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue);
    /// Removes a header.
    fn remove(&mut self, name: &HeaderName);
    /// Replaces path and query.
    fn set_target(&mut self, target: &[u8]);
}

/// Changes a response that goes to a client.
pub trait ResponseEdits {
    /// Its status.
    fn status(&self) -> u16;
    /// Replaces its status, by one from 100 to 999.
    fn set_status(&mut self, status: u16);
    /// Its headers.
    fn headers(&self) -> &HeaderMap;
    /// Replaces a header that the user named.
    fn set_named(&mut self, name: &Arc<str>, value: HeaderValue);
    /// Replaces a header.
    fn set(&mut self, name: &'static str, value: HeaderValue);
    /// Adds a header, beside those of the name.
    fn append(&mut self, name: &'static str, value: HeaderValue);
    /// The same for a header that the user named.
    fn append_named(&mut self, name: &Arc<str>, value: HeaderValue);
    /// Removes a header.
    fn remove(&mut self, name: &HeaderName);
}

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
        if let Some(chain) = variables::joined(request.headers, &self.decision.settings.forwarded.header) {
            edits.set("X-Original-Forwarded-For", chain);
        }
        if let Some(hosts) = variables::joined(request.headers, X_FORWARDED_HOST.as_str()) {
            edits.set("X-Original-Forwarded-Host", hosts);
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

    /// The client's address.
    pub(super) fn client_address(&self) -> HeaderValue {
        let (client, connection) = (self.decision.client.address, &self.arrival().connection);
        if client == connection.peer.ip() { connection.peer_value.clone() } else { address_value(client) }
    }

    /// The client's address, or with `compute-full-forwarded-for` the whole chain and the peer's.
    pub(super) fn forwarded_for(&self, request: &RequestView<'_>) -> HeaderValue {
        if !self.decision.settings.forwarded.full_chain {
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
        if let Some(host) = host.or_else(|| self.decision.client.host.clone()) {
            edits.set("Host", host);
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
        if let Some(accept) = variables::joined(request.headers, header::ACCEPT.as_str()) {
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

    /// Changes a backend's response to `request` into the client's: removes hop-by-hop headers and those that nginx hides,
    /// and adds `add-headers`.
    pub fn respond(&self, request: &RequestView<'_>, upgraded: bool, edits: &mut impl ResponseEdits) {
        let received = self.headers_for_snippets(edits);
        let mut gone: SmallVec<[HeaderName; 4]> = SmallVec::new();
        let nominates = nominates(edits.headers());
        for name in edits.headers().keys() {
            let kept = upgraded && matches!(name.as_str(), "connection" | "upgrade");
            let hop = !kept && (is_hop_by_hop(name) || name == header::CONNECTION);
            let nominated = !upgraded && nominates && is_nominated_by(name, edits.headers());
            if hop
                || nominated
                || is_hidden(name)
                || self.decision.effects().is_some_and(|effects| effects.hides(name))
                || self.decision.settings.hide_headers.iter().any(|hidden| name == &**hidden)
            {
                gone.push(name.clone());
            }
        }
        if request.version == Version::HTTP_10 {
            // A client of HTTP/1.0 does not know chunks: the body ends with the connection.
            gone.push(header::TRANSFER_ENCODING);
        }
        for name in &gone {
            edits.remove(name);
        }
        self.respond_to_error(edits);
        self.set_auth_cookies(edits);
        self.add_headers(edits);
        self.change_response(request, received.as_ref(), edits);
    }

    /// Adds what every response has to one of our own.
    pub fn reply(&self, request: &RequestView<'_>, edits: &mut impl ResponseEdits) {
        self.add_headers(edits);
        self.change_response(request, None, edits);
    }

    /// Replaces the client's headers by those of the auth response, or removes them where that has none.
    fn set_auth_headers(&self, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        let Some(server) = self.decision.auth_server() else { return };
        request.headers.keys().filter(|name| server.replaces(name)).for_each(|name| edits.remove(name));
        // With `satisfy: any` a request may come in without its word.
        let Some(authorization) = &self.authorization else { return };
        for (written, name, value) in server.headers(authorization) {
            match value {
                Some(value) => edits.set_named(written, value.clone()),
                None => edits.remove(name), // also one of ours
            }
        }
    }

    /// The cookies of the auth response.
    fn set_auth_cookies(&self, edits: &mut impl ResponseEdits) {
        let (Some(authorization), Some(server)) = (&self.authorization, self.decision.auth_server()) else { return };
        if server.sets_cookies(edits.status()) {
            authorization.cookies.iter().for_each(|cookie| edits.append("Set-Cookie", cookie.clone()));
        }
    }

    /// `Server`, HSTS, `add-headers`, `custom-headers` and CORS, of which a later one replaces an earlier: on every
    /// response, also on those that we make.
    fn add_headers(&self, edits: &mut impl ResponseEdits) {
        if self.decision.settings.server_tokens {
            edits.set("Server", HeaderValue::from_static("adit"));
        }
        if let Some(hsts) =
            self.decision.settings.hsts_value.as_ref().filter(|_| self.arrival().connection.tls.is_some())
        {
            edits.set("Strict-Transport-Security", hsts.clone());
        }
        for (name, value) in &self.decision.settings.added {
            edits.set_named(name, value.clone());
        }
        if let Some(policies) = self.decision.response_policies() {
            policies.custom_headers.iter().for_each(|(name, value)| edits.set_named(name, value.clone()));
            self.set_cors_headers(policies.cors.as_ref(), edits);
        }
    }

    /// The headers that let pages of another origin read the response. The backend's own stay where that is not
    /// allowed.
    fn set_cors_headers(&self, cors: Option<&Cors>, edits: &mut impl ResponseEdits) {
        let Some(cors) = cors else { return };
        if let Some(origin) = &self.decision.allowed_origin {
            edits.set("Access-Control-Allow-Origin", origin.clone());
            cors.headers().for_each(|(name, value)| edits.set(name, value.clone()));
        }
        if cors.varies() && !cors::is_varied(edits.headers()) {
            edits.append("Vary", HeaderValue::from_static("Origin"));
        }
    }
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
fn adapt_to_http2(edits: &mut impl RequestEdits) {
    HTTP1_ONLY.iter().for_each(|name| edits.remove(name));
    edits.set("TE", HeaderValue::from_static("trailers"));
}

/// Removes what the client's `Connection` names, before anything of ours is set. `Upgrade` is the lane's.
fn remove_nominated(headers: &HeaderMap, edits: &mut impl RequestEdits) {
    if nominates(headers) {
        let is_removed = |name: &&HeaderName| **name != header::UPGRADE && is_nominated_by(name, headers);
        headers.keys().filter(is_removed).for_each(|name| edits.remove(name));
    }
}

/// Removes what only we can know of a client's certificate; and, unless a proxy before us is trusted, what only that could
/// know, and what some frameworks take for the request's real path.
fn remove_claims(headers: &HeaderMap, trusts_proxy: bool, edits: &mut impl RequestEdits) {
    let is_removed = |name: &&HeaderName| is_about_certificate(name) || (!trusts_proxy && is_claim(name));
    headers.keys().filter(is_removed).for_each(|name| edits.remove(name));
}

fn is_claim(name: &HeaderName) -> bool {
    matches!(name.as_str(), "x-auth-request-redirect" | "x-forwarded-prefix" | "x-original-url" | "x-rewrite-url")
}

/// Hop-by-hop headers: they apply to one connection, not to the request or response. Pingora writes `Connection` itself
/// and needs `Transfer-Encoding`.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(name.as_str(), "keep-alive" | "proxy-connection" | "proxy-authenticate" | "te" | "trailer" | "upgrade")
}

/// Whether a `Connection` header names this header, which makes it hop-by-hop. Headers about framing never are.
fn is_nominated(name: &HeaderName, connection: &str) -> bool {
    let name = name.as_str();
    !connection.is_empty()
        && !matches!(name, "connection" | "transfer-encoding" | "content-length" | "set-cookie")
        && grammar::lists(connection.as_bytes(), name)
}

/// Whether a header of a request applies to the client's connection only, by its name or because the request's `Connection`
/// names it.
pub(crate) fn is_of_the_connection(name: &HeaderName, headers: &HeaderMap) -> bool {
    is_hop_by_hop(name) || is_nominated_by(name, headers)
}

/// Whether a `Connection` header may name another header. Nearly none does: most say one of these two.
fn nominates(headers: &HeaderMap) -> bool {
    let mut connection = headers.get_all(header::CONNECTION).iter();
    connection.any(|value| !matches!(value.as_bytes(), b"close" | b"keep-alive"))
}

/// Whether one of the `Connection` headers names this header.
fn is_nominated_by(name: &HeaderName, headers: &HeaderMap) -> bool {
    let mut connection = headers.get_all(header::CONNECTION).iter();
    connection.any(|value| is_nominated(name, value.to_str().unwrap_or_default()))
}

/// Headers of backends that nginx does not forward.
fn is_hidden(name: &HeaderName) -> bool {
    let name = name.as_str();
    name == "server" || name == "x-pad" || name.starts_with("x-accel-")
}
