//! Layer 4: bytes of TCP, UDP and TLS connections, relayed between a client and an endpoint without being parsed.

mod session;
pub(crate) mod tcp;
mod tls;
pub(crate) mod udp;

pub(crate) use session::Session;
pub(crate) use tls::TlsRelay;
