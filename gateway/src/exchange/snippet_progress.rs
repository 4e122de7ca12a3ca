use crate::policy::snippet::{Snippet, SnippetState};
use crate::request::Reply;
use std::ops::ControlFlow;

/// Where the snippets of a request are.
#[derive(Debug)]
pub(super) struct SnippetProgress {
    pub(super) state: SnippetState,
    /// The phase of the server has come to its end, which it may do before `app-root`.
    pub(super) server_has_ended: bool,
    /// The phase of the location has, before `rewrite-target`.
    pub(super) location_has_ended: bool,
}

impl SnippetProgress {
    /// Comes to a location with this snippet.
    pub(super) fn enter(&mut self, snippet: Option<&Snippet>) {
        self.location_has_ended = false;
        match snippet {
            Some(snippet) => snippet.enter(&mut self.state),
            None => self.state.leave(),
        }
    }

    /// Leaves a location for another one, which comes to no server again.
    pub(super) fn look_up(&mut self) -> ControlFlow<Reply> {
        self.server_has_ended = true;
        self.state.leave();
        self.state.look_up()
    }
}
