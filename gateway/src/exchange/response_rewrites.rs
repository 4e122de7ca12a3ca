//! `proxy_redirect` and its like: what a backend says of its own addresses.

use super::edits::ResponseEdits;
use super::machine::Exchange;
use crate::pattern::MatchBudget;
use crate::policy::redirect;
use crate::policy::response_rewrites::ResponseRewrites;
use crate::request::{HOST_LIMIT, RequestView};
use crate::telemetry::{Now, RequestInfo};
use http::{HeaderMap, HeaderName, HeaderValue, header};

impl Exchange {
    /// Rewrites the addresses in a backend's response, unless it is that of an error: in nginx, another location's.
    pub(super) fn rewrite_response(&self, request: &RequestView<'_>, edits: &mut impl ResponseEdits) {
        let policies = self.decision.response_policies().filter(|_| self.custom_error.is_none());
        if let Some(rewrites) = policies.and_then(|policies| policies.response_rewrites.as_ref()) {
            let rewritten = self.rewritten(rewrites, request, edits.status(), edits.header_map());
            rewritten.into_iter().for_each(|header| header.replace(edits));
        }
    }

    /// The headers that change.
    fn rewritten(
        &self,
        rewrites: &ResponseRewrites,
        request: &RequestView<'_>,
        status: u16,
        headers: &HeaderMap,
    ) -> Vec<Rewritten> {
        let mut buffer = [0; HOST_LIMIT];
        let (info, attempts) = (self.request_info(request, &mut buffer), self.attempts.all());
        let info = RequestInfo { response_headers: [Some(headers), None], ..info };
        let values = (&self.record_of_head(info, &attempts, status), &Now);
        let mut budget = MatchBudget::default();
        let mut changed = Vec::new();
        if rewrites.has_redirects() {
            let location = |value: &[u8]| Some(self.absolute(&rewrites.location(value, &values, &mut budget)?));
            changed.extend(Rewritten::of("Location", header::LOCATION, headers, location));
            let refresh = |value: &[u8]| rewrites.refresh(value, &values, &mut budget);
            changed.extend(Rewritten::of("Refresh", header::REFRESH, headers, refresh));
        }
        if rewrites.has_cookies() {
            let cookie = |value: &[u8]| rewrites.cookie(value, &values, &mut budget);
            changed.extend(Rewritten::of("Set-Cookie", header::SET_COOKIE, headers, cookie));
        }
        changed
    }

    /// Of a rewritten `Location` nginx makes an absolute one (ngx_http_header_filter), but not of the backend's own.
    fn absolute(&self, location: &[u8]) -> Vec<u8> {
        let relative = self.decision.route.as_ref().is_some_and(|route| route.policies.relative_redirects);
        redirect::absolute(location, &self.decision.client, &self.arrival().connection, relative)
    }
}

/// A header of which a line has changed, with all lines in their order.
struct Rewritten {
    written: &'static str,
    name: HeaderName,
    lines: Vec<HeaderValue>,
}

impl Rewritten {
    /// `None` where no line changes. A line stays that would become what no header can be.
    fn of(
        written: &'static str,
        name: HeaderName,
        headers: &HeaderMap,
        mut change: impl FnMut(&[u8]) -> Option<Vec<u8>>,
    ) -> Option<Self> {
        let mut is_changed = false;
        let mut line = |value: &HeaderValue| {
            let new = change(value.as_bytes()).and_then(|new| HeaderValue::try_from(new).ok());
            is_changed |= new.is_some();
            new.unwrap_or_else(|| value.clone())
        };
        let lines = headers.get_all(&name).iter().map(&mut line).collect();
        is_changed.then_some(Self { written, name, lines })
    }

    fn replace(self, edits: &mut impl ResponseEdits) {
        edits.remove(&self.name);
        self.lines.into_iter().for_each(|line| edits.append(self.written, line));
    }
}
