//! Bytes that are not ours to read: carried both ways between a client and an endpoint.

mod passthrough;
mod session;
pub(crate) mod tcp;
pub(crate) mod udp;

pub(crate) use passthrough::PassedOn;
pub(crate) use session::Session;
