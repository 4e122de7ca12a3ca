//! The filter `ExternalAuth` of Gateway API: what its auth server is asked with, and the body that goes with that.

use super::edits::RequestEdits;
use super::machine::Exchange;
use super::progress::State;
use super::subrequest::Subrequest;
use crate::headers::Fields;
use crate::policy::auth_filter::{AuthFilter, PASSED};
use crate::policy::external_auth::ExternalAuth;
use crate::request::RequestView;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use std::ops::RangeInclusive;

impl Exchange {
    /// Whether the auth server gets the body of the request.
    pub(crate) fn auth_gets_body(&self) -> bool {
        self.auth_body_memory().is_some()
    }

    /// Bytes of memory for that body, if the auth server is to be asked and gets it.
    pub(super) fn auth_body_memory(&self) -> Option<usize> {
        let is_asked = matches!(self.state, State::Asking { .. }) && self.forwards_body();
        self.decision.auth_server().filter(|_| is_asked)?.filter.as_ref()?.body_memory
    }

    /// The statuses with which the auth server's answer is the client's, so that its body matters.
    pub(crate) fn passed_auth_statuses(&self) -> Option<RangeInclusive<u16>> {
        self.decision.auth_server()?.filter.as_ref().map(|_| PASSED)
    }

    /// The auth request to a server of HTTP: the client's method, `Host` and path, and those of its headers that the filter names.
    pub(super) fn filter_request(
        &self,
        (server, filter): (&ExternalAuth, &AuthFilter),
        request: &RequestView<'_>,
        body: Bytes,
    ) -> Subrequest {
        let mut headers = self.sent_headers(filter, request);
        self.add_trace_headers(&mut headers);
        let host = request.headers.value("host").filter(|host| !host.is_empty());
        let host = host.or_else(|| HeaderValue::from_str(&server.authority).ok());
        host.map(|host| headers.insert(header::HOST, host));
        headers.insert(header::CONTENT_LENGTH, body.len().into());
        let (method, target) = (request.method.clone(), self.rendered_target(&server.target, request));
        Subrequest { method, target, headers, body }
    }

    /// The headers of a request that the filter lets the auth server have. What proxies and we say of the client comes from us, as
    /// for backends.
    pub(super) fn sent_headers(&self, filter: &AuthFilter, request: &RequestView<'_>) -> HeaderMap {
        let mut headers = self.client_headers(request);
        self.set_client_headers(request, &mut headers);
        self.certificate_headers(|name, value| headers.set(name, value));
        let sent = headers.iter().filter(|(name, _)| filter.sends(name));
        sent.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}
