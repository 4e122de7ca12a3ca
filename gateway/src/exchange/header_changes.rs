//! The headers that a route and its backend change of requests and of responses.

use super::edits::{RequestEdits, ResponseEdits};
use super::machine::Exchange;
use crate::headers::Fields;
use crate::policy::header_changes::HeaderChanges;
use crate::request::RequestView;
use http::HeaderValue;

impl Exchange {
    /// Changes the headers of a request to the backend.
    pub(super) fn change_request_headers(&self, request: &RequestView<'_>, edits: &mut impl RequestEdits) {
        let of_route = self.decision.response_policies().and_then(|policies| policies.request_headers.as_ref());
        let of_backend = self.decision.backend().and_then(|backend| backend.request_headers.as_deref());
        for HeaderChanges { remove, set, add } in of_route.into_iter().chain(of_backend) {
            remove.iter().for_each(|name| edits.remove(name));
            set.iter().for_each(|(name, value)| edits.set_named(name, value.clone()));
            for (name, value) in add {
                edits.set_named(name, appended(request, name, value));
            }
        }
    }

    /// Changes the headers of a response of the backend.
    pub(super) fn change_response_headers(&self, edits: &mut impl ResponseEdits) {
        let of_route = self.decision.response_policies().and_then(|policies| policies.response_headers.as_ref());
        let of_backend = self.decision.backend().and_then(|backend| backend.response_headers.as_deref());
        for HeaderChanges { remove, set, add } in of_backend.into_iter().chain(of_route) {
            remove.iter().for_each(|name| edits.remove(name));
            set.iter().for_each(|(name, value)| edits.set_named(name, value.clone()));
            add.iter().for_each(|(name, value)| edits.append_named(name, value.clone()));
        }
    }
}

/// The values that the client has sent of a header, and behind them this one.
fn appended(request: &RequestView<'_>, name: &str, value: &HeaderValue) -> HeaderValue {
    let mut all: Vec<&[u8]> = request.headers.values(name).collect();
    all.push(value.as_bytes());
    HeaderValue::from_bytes(&all.join(&b","[..])).unwrap_or_else(|_| value.clone())
}
