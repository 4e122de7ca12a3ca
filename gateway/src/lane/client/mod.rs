//! Clients' side of the lanes: a request's head, and the connection or stream that brought it and takes the response.
//!
//! HTTP/1 is all ours ([`Http1Session`]); HTTP/2 is on h2's server side ([`Http2Session`]).

mod head;
mod http1;
mod http2;
mod inspect_response;
mod inspected;
mod inspections;
mod output;
mod queued;
mod replay;
mod request;
mod session;

pub(crate) use head::{ClientHead, HeadParts};
pub(super) use http1::Http1Session;
pub(crate) use http2::Http2Session;
pub(super) use http2::poll_room;
pub(super) use inspections::Inspections;
pub(super) use request::ClientRequest;
pub(super) use session::ClientSession;
