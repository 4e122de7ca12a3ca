//! OCSP responses that handshakes send along with a certificate (stapling, RFC 6066 section 8).
//!
//! Nothing waits for a response. A handshake sends the one that is there; if none is there, or it should be renewed, it puts
//! the certificate into a queue, which [`crate::ocsp`] works off.

mod inquiry;
mod message;
mod staple;

pub use inquiry::{Inquiry, InvalidResponse};
pub use staple::{ServedKey, StapleQueue};
