//! Requests to endpoints of HTTP/1.1: nearly all, among them those that ask for an upgrade to another protocol.
//!
//! Towards the client there is a session of Pingora's ([`crate::lane::pingora::session`]). Towards the endpoint all is ours: a
//! pool of connections, the head that is sent, the response that is read, each byte of which is checked once. Heads and
//! bodies are encoded and decoded without I/O; only [`EndpointConnection`](super::endpoint::EndpointConnection) reads and writes.

mod attempt;
mod pool;
mod request;
mod request_body;
mod request_head;
mod response;
mod response_head;
mod serve;
mod subrequest;
mod tunnel;

use request_head::RequestHead;
use response_head::ResponseHead;

pub(super) use serve::Http1Lane;
pub(crate) use serve::Outcome;
pub(super) use subrequest::Subrequests;
