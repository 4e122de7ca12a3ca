//! Lanes: each is one implementation of the I/O between clients and endpoints, and drives an
//! [`Exchange`](crate::exchange::Exchange) for each request.

mod access;
mod driver;
mod endpoint;
mod fastcgi;
mod firewall;
pub(crate) mod http1;
mod http2;
pub(crate) mod pingora;

pub(crate) use driver::Lanes;
