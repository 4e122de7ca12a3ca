//! The changes of a response before it is sent to the client.

use super::connection_headers::{is_hop_by_hop, is_nominated_by, nominates};
use super::edits::ResponseEdits;
use super::machine::Exchange;
use crate::policy::cors::{self, Cors};
use crate::request::RequestView;
use http::{HeaderName, HeaderValue, Version, header};
use smallvec::SmallVec;

impl Exchange {
    /// Changes a backend's response to `request` into the client's: removes hop-by-hop headers and those that nginx hides,
    /// and adds `add-headers`.
    pub fn respond(&self, request: &RequestView<'_>, upgraded: bool, edits: &mut impl ResponseEdits) {
        let received = self.headers_for_snippets(edits);
        let mut gone: SmallVec<[HeaderName; 4]> = SmallVec::new();
        let nominates = nominates(edits.headers());
        let shows_server = self.passes_server();
        for name in edits.headers().keys() {
            let kept = upgraded && matches!(name.as_str(), "connection" | "upgrade");
            let hop = !kept && (is_hop_by_hop(name) || name == header::CONNECTION);
            let nominated = !upgraded && nominates && is_nominated_by(name, edits.headers());
            if hop
                || nominated
                || is_hidden(name, shows_server)
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
        self.rewrite_response(request, edits);
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
        if self.decision.settings.server_tokens
            && !(self.passes_server() && edits.headers().contains_key(header::SERVER))
        {
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

    /// Whether clients see what a backend calls itself.
    fn passes_server(&self) -> bool {
        self.decision.settings.server_tokens && self.decision.settings.backend_server_header
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

/// Headers of backends that nginx does not forward.
fn is_hidden(name: &HeaderName, shows_server: bool) -> bool {
    let name = name.as_str();
    (name == "server" && !shows_server) || name == "x-pad" || name.starts_with("x-accel-")
}
