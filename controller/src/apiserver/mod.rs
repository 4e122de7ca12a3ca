//! The API server: the way to it, what goes wrong there, and how to be patient with it.

mod access;
mod backoff;
mod failure;

pub use access::AccessError;
pub(crate) use access::{Access, SILENCE};
pub(crate) use backoff::Backoff;
pub(crate) use failure::{ApiFailure, Cause};
