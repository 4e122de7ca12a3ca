//! Which requests are written to the access log.

use super::decision::Decision;
use super::machine::Exchange;
use super::step::Sent;
use crate::pattern::MatchBudget;
use crate::request::{HOST_LIMIT, RequestView};
use crate::telemetry::Record;
use crate::variables::origin_form;

impl Decision {
    /// Whether the request is logged.
    pub(super) fn is_logged(&self, request: &RequestView<'_>) -> bool {
        let by_route = || match &self.route {
            Some(route) => route.policies.access_log,
            None => !self.is_of_no_host || self.settings.access_log.unmatched,
        };
        self.effects().and_then(|effects| effects.access_log).unwrap_or_else(by_route) && !self.is_skipped(request)
    }

    /// Whether requests for this URL are not logged. One of which that takes too long to find out is.
    fn is_skipped(&self, request: &RequestView<'_>) -> bool {
        let Some(urls) = &self.settings.skipped_urls else { return false };
        urls.hold(origin_form(request.target), &mut MatchBudget::default()).unwrap_or(false)
    }
}

impl Exchange {
    /// Logs the auth request, as nginx does with `log_subrequest on`: it is no request of a client, and not counted.
    pub(super) fn log_auth_request(&self, request: &RequestView<'_>) {
        let is_logged = self.decision.settings.access_log.auth && !self.decision.is_skipped(request);
        let Some(ended) = self.ended_auth_request.as_ref().filter(|_| is_logged) else { return };
        let mut buffer = [0; HOST_LIMIT];
        let sent = Sent { status: Some(ended.status), ..Sent::default() };
        let record = Record {
            duration: ended.attempts.iter().map(|attempt| attempt.response).sum(),
            ..self.record(self.request_info(request, &mut buffer), &ended.attempts, sent)
        };
        self.context.telemetry().log(&record, &self.decision.settings.access_log);
    }
}
