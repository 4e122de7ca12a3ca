//! The certificate that Adit makes for its webhook, where nobody gives it one.
//!
//! It is its own authority and lies in a Secret, from which all replicas show it. [`kept`] makes it and says when it is due,
//! [`trust`] what the ValidatingWebhookConfiguration has to say of it; both are pure. [`keeper`] carries that out: by the
//! holder of the Lease, which makes the API server believe a new certificate before anyone shows it.

mod keeper;
mod kept;
mod shared;
mod trust;

pub(crate) use keeper::Keeper;
pub(crate) use shared::OwnCertificate;
