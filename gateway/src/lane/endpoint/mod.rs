//! What the lanes have in common: how an endpoint is connected, which connections are shared, and how a response is passed
//! on to the client.

mod attempt;
mod connect;
mod connection;
mod key;
mod patience;
mod read_ahead;

pub(super) use attempt::{CONNECTION_HEADERS, GoesOn, Interrupted, without_connection_headers};
pub(super) use connect::{Io, connect, is_cut_off};
pub(super) use connection::{EndpointConnection, Progress, READ, Turn};
pub(super) use key::Key;
pub(super) use patience::Patience;
pub(super) use read_ahead::ReadAhead;
