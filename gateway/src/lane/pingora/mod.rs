//! What the lanes need of Pingora: the sessions of clients.

mod digests;
pub(super) mod fault;
mod http2;
pub(super) mod session;

pub(crate) use digests::without_digests;
pub(crate) use http2::discard_body;
pub(crate) use session::{head_and_body, keep_target};
