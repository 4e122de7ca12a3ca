//! The processing of one request, without I/O and independent of the lane that carries its bytes.
//!
//! [`Exchange`] is the state of a request; [`phases`] is the order in which policies act. A lane ([`crate::lane`]) drives
//! it: each event of the lane is one method of the exchange.

mod access;
mod affinity;
mod answered_error;
mod attempts;
mod auth;
mod auth_call;
mod auth_filter;
mod auth_snippet;
mod chosen_backend;
mod client_certificate;
mod connection_headers;
mod context;
mod copied_body;
mod copies;
mod custom_error;
mod decision;
mod edits;
mod error_page;
mod fastcgi;
mod forward;
mod framing;
mod grpc;
mod hashing;
mod header_changes;
mod inspection;
mod inspector;
mod internal_redirect;
mod limits;
mod logged;
mod machine;
mod mirror;
mod misdirected;
mod order;
mod phases;
mod progress;
mod real_ip;
mod rendered_reply;
mod request_body;
mod request_buffering;
mod request_id;
mod respond;
mod response_body;
mod response_buffering;
mod response_inspection;
mod response_rewrites;
mod retry;
mod session;
mod snippet;
mod snippet_progress;
mod step;
mod subrequest;
#[cfg(test)]
mod tests;
mod trace;
mod trailers;
mod variables;

pub use access::AccessStep;
pub use context::Context;
pub(crate) use copied_body::{CopiedBody, CopiedPiece};
pub use decision::Decision;
pub use edits::{ReceivedHead, RequestEdits, ResponseEdits};
#[cfg(test)]
pub(crate) use framing::InvalidFraming;
pub(crate) use framing::{InvalidHead, MAX_RESPONSE_HEAD, has_body, no_headers, parse_head, response_framing};
pub use inspector::Inspector;
pub use machine::Exchange;
pub(crate) use machine::MAX_INTERIM;
pub use mirror::MirrorRequest;
pub use order::Stage;
pub(crate) use rendered_reply::RenderedReply;
pub(crate) use response_inspection::ResponseInspection;
pub use step::{BackendTls, Destination, EndpointProtocol, Failure, Sent, Step, UpstreamFault};
pub use subrequest::Subrequest;
