//! The processing of one request, without I/O and independent of the lane that carries its bytes.
//!
//! [`Exchange`] is the state of a request; [`phases`] is the order in which policies act. A lane ([`crate::lane`]) drives
//! it: each event of the lane is one method of the exchange.

mod access;
mod auth;
mod auth_snippet;
mod client_certificate;
mod context;
mod custom_error;
mod decision;
mod forward;
mod framing;
mod grpc;
mod inspection;
mod inspector;
mod machine;
mod phases;
mod progress;
mod rendered_reply;
mod request_id;
mod snippet;
mod snippet_progress;
mod step;
#[cfg(test)]
mod tests;
mod trace;
mod variables;

pub use access::AccessStep;
pub use auth::AuthRequest;
pub use context::Context;
pub use decision::Decision;
pub(crate) use forward::is_of_the_connection;
pub use forward::{RequestEdits, ResponseEdits};
pub(crate) use framing::{
    InvalidFraming, InvalidHead, MAX_RESPONSE_HEAD, has_body, no_headers, parse_head, response_framing,
};
pub use inspector::Inspector;
pub use machine::Exchange;
pub(crate) use machine::MAX_INTERIM;
pub(crate) use rendered_reply::RenderedReply;
pub use step::{BackendTls, Destination, Failure, Sent, Step};
