//! Requests to endpoints of HTTP/2: gRPC, in cleartext by prior knowledge or over TLS by ALPN.
//!
//! Towards the endpoint crate `h2` reads and writes frames; which connection a request gets, what is sent on its stream and
//! how much is read of it is ours.

mod attempt;
mod call;
mod connection;
mod mirror;
mod pool;
mod request_head;
mod serve;
mod stream;

use connection::{EndpointConnection, Place};
use request_head::RequestHead;
use stream::EndpointStream;

use crate::exchange::{Failure, UpstreamFault};

pub(super) use call::Calls;
pub(super) use mirror::Mirrors;
pub(super) use serve::Http2Lane;

/// A response to a request of our own accord that is none.
const INVALID: Failure =
    Failure::Upstream { fault: UpstreamFault::Invalid, stale: false, untouched: false, replayable: true };
