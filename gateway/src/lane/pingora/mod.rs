//! Requests to endpoints of HTTP/2, which Pingora proxies, and what all lanes need of Pingora: the sessions of clients, and
//! requests to auth servers.

mod access;
mod digests;
mod driver;
pub(super) mod fault;
mod http2;
mod peer;
mod proxy;
mod roots;
pub(super) mod session;
mod subrequest;

pub(super) use access::Access;
pub(crate) use digests::without_digests;
pub(super) use driver::PingoraLane;
pub(crate) use http2::discard_body;
pub(crate) use session::{head_and_body, keep_target};
