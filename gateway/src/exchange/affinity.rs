//! The endpoint of a session, and the cookie that begins one (`affinity: cookie`).

use super::decision::Decision;
use super::edits::ResponseEdits;
use super::machine::Exchange;
use crate::config::Affinity;
use crate::headers::{Fields, Headers};
use crate::policy::session_cookie::{self, Scene};
use crate::request::RequestView;
use crate::upstream::Pick;
use http::HeaderValue;
use jiff::Timestamp;

impl Decision {
    /// How the client stays at an endpoint of its backend.
    pub fn affinity(&self) -> Option<&Affinity> {
        self.backend()?.affinity.as_deref()
    }

    /// The endpoint that its session leads to.
    pub fn pick_for_session(&self) -> Option<Pick> {
        self.upstream()?.pick_for_session(self.affinity()?.mode, self.session?)
    }
}

impl Exchange {
    /// Chooses an endpoint of the route's own backend that was not tried yet.
    pub(super) fn pick_own(&mut self) -> Option<Pick> {
        let Some(Affinity { mode, change_on_failure, sets, .. }) = self.decision.affinity() else {
            let Decision { key, client, .. } = &self.decision;
            return self.decision.upstream()?.pick_by_key(*key, client.address, &self.attempts.tried);
        };
        let failed = !self.attempts.tried.is_empty();
        if let Some(pick) = self.decision.pick_for_session()
            && !(failed && *change_on_failure)
        {
            // As in ingress-nginx no other endpoint serves the request, since the session is there.
            return Some(pick).filter(|_| !failed);
        }
        let upstream = self.decision.upstream()?;
        if sets.is_none() {
            return upstream.pick(self.decision.client.address, &self.attempts.tried);
        }
        let (pick, key) = upstream.begin_session(*mode, &self.attempts.tried)?;
        self.new_session = Some(key);
        Some(pick)
    }

    /// The cookie of a session that has begun.
    pub(super) fn set_session_cookie(&self, request: &RequestView<'_>, edits: &mut impl ResponseEdits) {
        let is_interim = (100..200).contains(&edits.status()) && edits.status() != 101;
        let (Some(key), false) = (&self.new_session, is_interim) else { return };
        if let Some(cookie) = self.session_cookie(key, request.headers) {
            edits.append("Set-Cookie", cookie);
        }
    }

    fn session_cookie(&self, key: &str, headers: &Headers) -> Option<HeaderValue> {
        let Affinity { cookie, sets, .. } = self.decision.affinity()?;
        let (route, tag) = (self.decision.route.as_ref()?, self.decision.upstream()?.tag());
        let scene = Scene {
            path: &route.matches.path.value,
            is_tls: self.arrival().connection.tls.is_some(),
            user_agent: headers.first("user-agent").unwrap_or_default(),
            now: Timestamp::now(),
        };
        let attributes = session_cookie::attributes(sets.as_ref()?, &scene);
        HeaderValue::try_from(format!("{cookie}={key}|{tag}{attributes}")).ok()
    }
}
