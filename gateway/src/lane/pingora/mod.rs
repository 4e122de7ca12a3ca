//! Requests that are proxied by Pingora: nearly all.

mod access;
mod answer;
mod custom;
mod digests;
mod driver;
mod endpoint;
mod fault;
mod flow;
mod http2;
mod peer;
mod proxy;
mod roots;
pub(super) mod session;
mod subrequest;

pub(crate) use access::Access;
pub(crate) use digests::without_digests;
pub(crate) use driver::PingoraLane;
pub(crate) use http2::discard_body;
pub(crate) use session::{head_and_body, keep_target};
