//! Bytes that are not ours to read: carried both ways between a client and an endpoint.

mod passthrough;
mod relay;

pub(crate) use passthrough::PassedOn;
pub(crate) use relay::{Carried, End, relay};
