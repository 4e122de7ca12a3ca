//! Lanes: each is one implementation of the I/O between clients and endpoints, and drives an
//! [`Exchange`](crate::exchange::Exchange) for each request.

mod access;
mod buffering;
pub(crate) mod client;
mod driver;
mod endpoint;
mod fastcgi;
mod firewall;
mod head;
pub(crate) mod http1;
mod http2;
mod mirrors;

pub(crate) use driver::Lanes;
pub use head::{CheckedResponse, check_response};
