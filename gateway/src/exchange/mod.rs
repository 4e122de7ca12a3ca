//! One request's way through the gateway, without a word of whoever carries its bytes.
//!
//! [`Exchange`] holds a request's life; [`phases`] is the order in which policies act. A lane ([`crate::lane`]) drives
//! it: each of its events is one method of the exchange.

mod answer;
mod auth;
mod context;
mod decision;
mod forward;
mod grpc;
mod machine;
mod phases;
mod step;
#[cfg(test)]
mod tests;
mod variables;

pub(crate) use answer::Answer;
pub use auth::AuthRequest;
pub use context::Context;
pub use decision::Decision;
pub use forward::{RequestEdits, ResponseEdits};
pub(crate) use forward::{is_hop_by_hop, is_nominated};
pub use machine::Exchange;
pub use step::{BackendTls, Destination, Failure, Sent, Step};
