//! `proxy-body-size`: 413 for request bodies that are too large, before the backend sees them where their length is
//! announced, else as soon as they are.

use crate::request::{Reason, Reply, RequestView};
use std::ops::ControlFlow;

const TOO_LARGE: Reply = Reply::new(413, Reason::BodyTooLarge);

/// Checks `Content-Length`.
pub(crate) fn announced(request: &RequestView<'_>, limit: Option<u64>) -> ControlFlow<Reply> {
    received(request.content_length().unwrap_or(0), limit)
}

/// Checks the bytes received so far.
pub(crate) fn received(bytes: u64, limit: Option<u64>) -> ControlFlow<Reply> {
    match limit {
        Some(limit) if bytes > limit => ControlFlow::Break(TOO_LARGE),
        _ => ControlFlow::Continue(()),
    }
}
