//! Requests that are proxied by Pingora: nearly all.

mod driver;
mod fault;
mod http2;
mod peer;
mod proxy;
mod roots;
pub(super) mod session;
mod subrequest;

pub(crate) use driver::PingoraLane;
pub(crate) use http2::SEND;
pub(crate) use session::head_and_body;
pub(crate) use subrequest::Subrequests;
