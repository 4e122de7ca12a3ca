//! Layer 4: bytes of TCP, UDP and passed-through TLS, relayed between a client and an endpoint without being parsed.

mod passthrough;
mod session;
pub(crate) mod tcp;
pub(crate) mod udp;

pub(crate) use passthrough::PassthroughConnection;
pub(crate) use session::Session;
