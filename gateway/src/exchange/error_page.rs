//! Pages for errors (`error-pages`): the bodies of our own responses to them.

use super::decision::Decision;
use super::machine::Exchange;
use super::rendered_reply::RenderedReply;
use crate::headers::Headers;
use crate::policy::error_pages::ErrorPages;
use crate::request::Reply;

impl Decision {
    /// Whether there is a page for errors with this status.
    pub(super) fn has_error_page(&self, status: u16) -> bool {
        self.error_pages().any(|pages| pages.has(status))
    }

    /// The route's own, unless the request is answered before its rules, and then the gateway's.
    fn error_pages(&self) -> impl Iterator<Item = &ErrorPages> {
        let own = self.response_policies().and_then(|policies| policies.error_pages.as_ref());
        own.into_iter().chain(&self.settings.error_page_set)
    }
}

impl Exchange {
    /// The response that is ours to a request with these headers.
    pub(crate) fn render(&self, reply: &Reply, request: &Headers) -> RenderedReply {
        let page = self.decision.error_pages().find_map(|pages| pages.find(reply.status, request));
        RenderedReply::new(reply, request, page, self.decision.settings.server_tokens)
    }
}
