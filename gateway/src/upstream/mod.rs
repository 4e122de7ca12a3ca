//! Backends at run time: their endpoints, how one is chosen, and the DNS names among them.
//!
//! An [`Upstream`] outlives every table that names it. New endpoints go straight to it and rebuild nothing.

/// A backend at run time.
#[derive(Debug)]
pub struct Upstream;
