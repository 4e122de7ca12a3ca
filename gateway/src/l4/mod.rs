//! Bytes that are not ours to read: carried both ways between a client and an endpoint.

mod connect;
mod passthrough;
mod relay;
mod session;
pub(crate) mod tcp;
pub(crate) mod udp;

pub(crate) use connect::{connect, endure};
pub(crate) use passthrough::PassedOn;
pub(crate) use relay::{Carried, Early, End, relay};
pub(crate) use session::Session;
