//! Certificates of clients. The handshake takes every one whose key the client has; whether it is valid is found out for
//! each host and under the current settings, so that a new list of revoked certificates holds for open connections, and
//! the answer can be a page instead of an alert.

mod certificate;
mod distinguished_name;
mod old_forms;
mod verdict;
mod verifier;

pub use certificate::ClientCertificate;
pub use distinguished_name::rfc2253;
pub use verdict::{Fault, Verdict};
pub use verifier::ClientVerifier;
