//! Requests that ask for another protocol on their connection, and the tunnels that come of them.

mod endpoint;
mod exchange;
mod tunnel;

pub(crate) use exchange::{Outcome, serve};
