//! The changes of a response before it is sent to the client.

use super::connection_headers::{is_hop_by_hop, is_nominated, is_one_of, nominates};
use super::edits::ResponseEdits;
use super::machine::Exchange;
use crate::policy::auth_header::Manner;
use crate::policy::cors::{self, Cors};
use crate::request::{HOST_LIMIT, RequestView};
use crate::table::AddedValue;
use crate::telemetry::Now;
use crate::variables;
use http::HeaderValue;
use smallvec::SmallVec;
use std::cell::LazyCell;

impl Exchange {
    /// Changes a backend's response to `request` into the client's: removes hop-by-hop headers and those that nginx hides,
    /// and adds `add-headers`.
    pub fn respond(&self, request: &RequestView<'_>, upgraded: bool, edits: &mut impl ResponseEdits) {
        let received = self.headers_for_snippets(edits);
        let shows_server = self.passes_server();
        let hidden = &self.decision.settings.hide_headers;
        let cors = self.decision.response_policies().and_then(|policies| policies.cors.as_ref());
        let effects = self.decision.effects();
        let nominated: SmallVec<[Box<[u8]>; 1]> =
            edits.values("connection").filter(|value| !upgraded && nominates(value)).map(Box::from).collect();
        edits.retain(|name| {
            let is_of_upgrade = upgraded && is_one_of(name, &["connection", "upgrade"]);
            let is_hop = !is_of_upgrade && (is_hop_by_hop(name) || name.eq_ignore_ascii_case(b"connection"));
            !is_hop
                && !nominated.iter().any(|value| is_nominated(name, value))
                && !is_hidden(name, shows_server)
                && !effects.is_some_and(|effects| effects.hides(name))
                && !cors.is_some_and(|cors| cors.replaces(name))
                && !hidden.iter().any(|hidden| name.eq_ignore_ascii_case(hidden.as_bytes()))
        });
        self.rewrite_response(request, edits);
        self.respond_to_error(edits);
        self.respond_with_error_page(edits);
        self.set_auth_cookies(edits);
        self.change_as_authorized(edits);
        self.set_session_cookie(request, edits);
        self.add_headers(request, edits);
        self.change_response_headers(edits);
        self.change_response(request, received.as_ref(), edits);
    }

    /// Adds what every response has to one of our own.
    pub fn reply(&self, request: &RequestView<'_>, edits: &mut impl ResponseEdits) {
        self.add_headers(request, edits);
        self.change_response(request, None, edits);
    }

    /// The cookies of the auth response.
    fn set_auth_cookies(&self, edits: &mut impl ResponseEdits) {
        let (Some(authorization), Some(server)) = (&self.authorization, self.decision.auth_server()) else { return };
        if server.sets_cookies(edits.status()) {
            authorization.cookies.iter().for_each(|cookie| edits.append("Set-Cookie", cookie.clone()));
        }
    }

    /// The headers that the auth server changes of its own accord.
    fn change_as_authorized(&self, edits: &mut impl ResponseEdits) {
        for header in self.authorization.iter().flat_map(|authorization| &authorization.response_changes) {
            let name = header.name.as_str().into();
            let present = edits.header_map().get(&header.name).cloned();
            match header.manner {
                Manner::Append => edits.append_named(&name, header.value.clone()), // it may be one of several cookies
                _ => header.applied(present.as_ref()).into_iter().for_each(|value| edits.set_named(&name, value)),
            }
        }
    }

    /// `Server`, HSTS, `add-headers`, `custom-headers` and CORS, of which a later one replaces an earlier: on every
    /// response, also on those that we make.
    fn add_headers(&self, request: &RequestView<'_>, edits: &mut impl ResponseEdits) {
        if self.decision.settings.server_tokens && !(self.passes_server() && edits.values("server").next().is_some()) {
            edits.set("Server", HeaderValue::from_static("adit"));
        }
        if let Some(hsts) =
            self.decision.settings.hsts_value.as_ref().filter(|_| self.arrival().connection.tls.is_some())
        {
            edits.set("Strict-Transport-Security", hsts.clone());
        }
        self.set_configured(request, edits);
        if let Some(policies) = self.decision.response_policies() {
            policies.custom_headers.iter().for_each(|(name, value)| edits.set_named(name, value.clone()));
            self.set_cors_headers(policies.cors.as_ref(), edits);
        }
    }

    /// `add-headers`. An empty value removes the header, as nginx's `more_set_headers`.
    fn set_configured(&self, request: &RequestView<'_>, edits: &mut impl ResponseEdits) {
        let added = &self.decision.settings.added;
        if added.is_empty() {
            return;
        }
        let (mut buffer, status) = ([0; HOST_LIMIT], edits.status());
        let attempts = LazyCell::new(|| self.attempts.all());
        let known = LazyCell::new(|| self.record_of_head(self.request_info(request, &mut buffer), &attempts, status));
        for (name, value) in added {
            let value = match value {
                AddedValue::Text(value) => Ok(value.clone()),
                AddedValue::Template(template) => {
                    let mut text = Vec::new();
                    variables::render(template, &(&*known, &Now), &mut text);
                    HeaderValue::from_bytes(&text)
                }
            };
            match value {
                Ok(value) if !value.is_empty() => edits.set_named(name, value),
                Ok(_) => {
                    if let Ok(name) = name.parse() {
                        edits.remove(&name);
                    }
                }
                Err(_) => {} // a line break, which no header has
            }
        }
    }

    /// Whether clients see what a backend calls itself.
    fn passes_server(&self) -> bool {
        self.decision.settings.server_tokens && self.decision.settings.backend_server_header
    }

    /// The headers that let pages of another origin read the response. Where that is not allowed, the backend's own stay, unless
    /// they have been removed.
    fn set_cors_headers(&self, cors: Option<&Cors>, edits: &mut impl ResponseEdits) {
        let Some(cors) = cors else { return };
        if let Some(origin) = &self.decision.allowed_origin {
            edits.set("Access-Control-Allow-Origin", origin.clone());
            cors.headers().for_each(|(name, value)| edits.set(name, value.clone()));
        }
        if cors.varies() && !cors::is_varied(edits.values("vary")) {
            edits.append("Vary", HeaderValue::from_static("Origin"));
        }
    }
}

/// Headers of backends that nginx does not forward. The date is that of our own response.
pub(super) fn is_hidden(name: &[u8], shows_server: bool) -> bool {
    let begins = |start: &[u8]| name.get(..start.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(start));
    is_one_of(name, &["date", "x-pad"]) || begins(b"x-accel-") || !shows_server && is_one_of(name, &["server"])
}
