//! One request's way through the gateway.
//!
//! [`Exchange`] holds a request's life and is free of Pingora's types; [`pingora`] translates Pingora's hooks into its
//! methods, one for one; [`phases`] is the order in which policies act. An HTTP lane of another make would need only
//! another translation.

mod client;
mod decision;
mod endpoint;
mod exchange;
mod fault;
mod forward;
mod grpc;
mod phases;
mod pingora;
pub mod reply;
mod request;
mod tunnel;
pub(crate) mod upgrade;
mod variables;

pub(crate) use self::pingora::Proxy;
pub use client::Client;
pub use decision::Decision;
pub use exchange::{Context, Destination, Exchange, Failure, Verdict};
pub use forward::{RequestEdits, ResponseEdits};
pub use reply::Reply;
pub use request::RequestView;
