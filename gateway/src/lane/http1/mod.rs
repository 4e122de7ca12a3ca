//! Requests to endpoints of HTTP/1.1: nearly all, among them those that ask for an upgrade to another protocol.
//!
//! It has a pool of connections, the head that is sent, and the response that is read, each byte of which is checked once.
//! Heads and bodies are encoded and decoded without I/O; only [`EndpointConnection`](super::endpoint::EndpointConnection) reads and writes.

mod attempt;
mod copy_upload;
mod mirror;
mod pool;
mod request;
mod request_body;
mod request_head;
mod response;
mod serve;
mod subrequest;
mod tunnel;

use request_head::RequestHead;

pub(super) use mirror::Mirrors;
pub(super) use serve::Http1Lane;
pub(crate) use serve::Outcome;
pub(super) use subrequest::Subrequests;
