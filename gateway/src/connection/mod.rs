//! A client's connection: its data, sockets and deadline, and the stages of a shutdown.

mod arrival;
mod body;
mod client;
mod deadline;
mod facts;
pub(crate) mod limits;
mod own_port;
pub(crate) mod permits;
pub mod proxy_protocol;
pub(crate) mod socket;
mod stage;
mod transport;

pub use arrival::{Arrival, Head};
pub use body::{BodyFramer, BodyFraming, MAX_TRAILERS, MalformedBody};
pub use client::ClientConnection;
pub(crate) use client::address_value;
pub(crate) use deadline::{Deadline, Deadlines, Registered};
pub use facts::{Connection, ProxiedAddresses, TlsSession};
pub(crate) use facts::{canonical, client_value};
pub use own_port::OwnPort;
pub(crate) use stage::{ConnectionGuard, Controls, ShutdownNotice, Stage};
pub(crate) use transport::Transport;
