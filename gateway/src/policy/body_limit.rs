//! `proxy-body-size`: 413 for request bodies that are too large, before the backend sees them where their length is
//! announced, else as soon as they are.

use super::Policies;
use crate::request::{Reply, RequestView};
use std::ops::ControlFlow;

const TOO_LARGE: Reply = Reply::new(413, "body-too-large");

/// Checks `Content-Length`.
pub(crate) fn announced(request: &RequestView<'_>, policies: &Policies) -> ControlFlow<Reply> {
    received(request.content_length().unwrap_or(0), policies)
}

/// Checks the bytes received so far.
pub(crate) fn received(bytes: u64, policies: &Policies) -> ControlFlow<Reply> {
    match policies.body_limit {
        Some(limit) if bytes > limit => ControlFlow::Break(TOO_LARGE),
        _ => ControlFlow::Continue(()),
    }
}
