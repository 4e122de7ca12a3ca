//! The API server: the way to it, what goes wrong there, and when to leave it alone.

mod access;
mod backoff;
mod failure;
mod own_pod;

pub use access::AccessError;
pub(crate) use access::{Access, SILENCE};
pub(crate) use backoff::Backoff;
pub(crate) use failure::{ApiFailure, Cause};
pub(crate) use own_pod::{node, own_pod};
