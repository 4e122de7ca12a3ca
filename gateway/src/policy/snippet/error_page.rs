use crate::config::{Origin, PageStatus, SnippetErrorPage, Template};
use std::sync::Arc;

/// A compiled `error_page`.
#[derive(Debug)]
pub(crate) struct ErrorPage {
    pub(super) origin: Arc<Origin>,
    statuses: Arc<[u16]>,
    status: PageStatus,
    pub(super) target: Template,
}

/// Where an error is answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// At the path that the request has now.
    Path,
    /// In the location of this name, which begins with `@`.
    Named(Vec<u8>),
}

impl ErrorPage {
    pub(super) fn new(configured: &SnippetErrorPage) -> Self {
        let SnippetErrorPage { origin, statuses, status, target } = configured;
        Self { origin: Arc::new(origin.clone()), statuses: statuses.clone(), status: *status, target: target.clone() }
    }

    pub(super) fn is_of(&self, status: u16) -> bool {
        self.statuses.contains(&status)
    }

    /// The snippet it stands in, and its line.
    pub(crate) fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// The status of what answers in place of an error with this status; `None` is its own.
    pub(crate) fn status(&self, error: u16) -> Option<u16> {
        match self.status {
            PageStatus::Error => Some(error),
            PageStatus::Page => None,
            PageStatus::Fixed(status) => Some(status),
        }
    }
}
