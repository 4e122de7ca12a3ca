//! The API server: the way to it, what goes wrong there, and when to leave it alone.

mod access;
mod backoff;
mod failure;
mod pods;

pub use access::AccessError;
pub(crate) use access::{Access, SILENCE, of_kubeconfig};
pub(crate) use backoff::Backoff;
pub(crate) use failure::{ApiFailure, Cause};
pub(crate) use pods::{is_ready, node, own_pod};
