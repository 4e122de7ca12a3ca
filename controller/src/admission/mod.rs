//! The admission webhook: the API server asks it before it takes an Ingress, or a ConfigMap with settings.
//!
//! [`review()`] decides, and is pure; [`serve`] answers over HTTPS, on a thread of its own, with what [`request`] reads and
//! [`verdict`] writes. The certificate is that of [`files`], or [`own`]. It is a help and nobody's protection: translation
//! judges whatever comes. So whatever goes wrong here, the object is allowed, with a warning that says why it was not
//! reviewed.

mod files;
mod own;
mod request;
mod review;
mod serve;
mod shown;
mod verdict;
mod webhook;

pub(crate) use own::{Keeper, OwnCertificate};
#[cfg(test)]
pub(crate) use request::AdmissionRequest;
pub(crate) use review::review;
pub(crate) use verdict::{Review, Verdict};
pub(crate) use webhook::Webhook;
