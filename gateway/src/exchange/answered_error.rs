use crate::policy::snippet::ErrorPage;
use crate::request::Reply;
use std::sync::Arc;

/// An error in whose place something else answers.
#[derive(Debug)]
pub(super) struct AnsweredError {
    /// What would have been the reply.
    pub(super) reply: Reply,
    /// The directive that leads elsewhere.
    pub(super) page: Arc<ErrorPage>,
    /// The request goes to a path, and so with GET, as in nginx: ngx_http_send_error_page.
    pub(super) has_path: bool,
    /// It has been counted against the limits of its route. In nginx a request is counted once.
    pub(super) is_counted: bool,
}

impl AnsweredError {
    /// The status of what answers; `None` is its own.
    pub(super) fn status(&self) -> Option<u16> {
        self.page.status(self.reply.status)
    }
}
