//! HTTP/1.1 towards an endpoint, without Pingora: a connection, the head that is sent on it, and the response.
//!
//! Heads and bodies are encoded and decoded without I/O; only [`EndpointConnection`] reads and writes.

mod connection;
mod request_head;
mod response_head;

pub(super) use connection::{EndpointConnection, EndpointError, Io};
pub(super) use request_head::RequestHead;
pub(super) use response_head::ResponseHead;
