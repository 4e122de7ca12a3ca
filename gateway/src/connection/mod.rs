//! A client's connection: its facts, its sockets, its deadline, and how far the gateway is on its way out.

mod arrival;
mod client;
mod deadline;
mod facts;
pub(crate) mod limits;
pub mod proxy_protocol;
pub(crate) mod socket;
mod stage;

pub use arrival::{Arrival, Head};
pub use client::ClientConnection;
pub(crate) use client::address_value;
pub(crate) use deadline::{Deadline, Deadlines, Registered};
pub(crate) use facts::canonical;
pub use facts::{Connection, TlsSession};
pub(crate) use stage::{Controls, Counted, Leaving, Stage};
