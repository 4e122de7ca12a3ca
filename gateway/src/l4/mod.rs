//! Bytes that are not ours to read: carried both ways between a client and an endpoint.

mod relay;

pub(crate) use relay::{Carried, End, relay};
