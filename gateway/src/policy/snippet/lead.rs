//! Where an `error_page` leads a request.

use super::error_page::{ErrorPage, Page};
use super::matcher::Fault;
use super::replacement::Target;
use super::run::{Surroundings, TARGET_LIMIT};
use super::state::SnippetState;
use crate::request::{Reason, Reply};
use crate::telemetry::Now;
use crate::variables::render_within;
use std::ops::ControlFlow;

impl ErrorPage {
    /// Leads the request to where the error is answered, as nginx: ngx_http_send_error_page. `Break` redirects the client, or the
    /// target cannot be made.
    pub(crate) fn lead(
        &self,
        error: u16,
        state: &mut SnippetState,
        around: &Surroundings<'_>,
    ) -> ControlFlow<Reply, Page> {
        let target = match self.render(state, around) {
            Ok(target) => target,
            Err(fault) => return ControlFlow::Break(Reply { origin: Some(self.origin.clone()), ..fault.into() }),
        };
        match target.first() {
            Some(b'/') => {
                let mut parts = target.splitn(2, |byte| *byte == b'?').map(<[u8]>::to_vec);
                let mut next = || parts.next().unwrap_or_default();
                state.set_target(Target { path: next(), arguments: next() });
                ControlFlow::Continue(Page::Path)
            }
            Some(b'@') => ControlFlow::Continue(Page::Named(target)),
            _ => {
                let own = self.status(error).filter(|status| matches!(status, 301 | 302 | 303 | 307 | 308));
                let status = own.unwrap_or(302);
                let reply = Reply::redirect(status, Reason::SnippetRedirect, &target);
                ControlFlow::Break(Reply { origin: Some(self.origin.clone()), ..reply })
            }
        }
    }

    fn render(&self, state: &SnippetState, around: &Surroundings<'_>) -> Result<Vec<u8>, Fault> {
        let info = state.info(&around.info);
        let target = render_within(&self.target, &(&info, &Now), TARGET_LIMIT).map_err(|_| Fault::TargetTooLong)?;
        if state.assigned.has_overrun() { Err(Fault::PatternLimit) } else { Ok(target) }
    }
}
