//! Heads of messages on their way through a lane.

mod headers;
mod response;

pub(super) use headers::{Headers, Name};
pub(super) use response::ResponseHead;
