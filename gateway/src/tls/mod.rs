//! TLS: certificates, cipher suites and the configuration of handshakes, with clients and with backends.
//!
//! Everything here is compiled when it is published and lives in the [table](crate::table), so that certificates,
//! routes and settings change as one. A handshake asks the table once, by the name in its ClientHello; connections that
//! are open keep what they began with.

pub mod authorities;
pub(crate) mod backend;
mod cipher;
pub mod client;
mod keys;
pub mod ocsp;
mod self_signed;
mod sessions;
mod signature;
mod termination;
mod verifier;

pub use cipher::{cipher, supported_ciphers};
pub(crate) use cipher::{openssl_name, version_name};
pub use keys::Presented;
pub(crate) use keys::{KeyInterner, Keys};
pub use termination::Terms;
pub(crate) use termination::{Termination, Terminator};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use std::sync::{Arc, LazyLock};

/// The only provider that we use. Pingora brings `ring` along and would take it where none is named.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// HTTP/2 as ALPN names it.
pub(crate) const HTTP_2: &[u8] = b"h2";

/// Why a handshake ends after the ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// `ssl-reject-handshake`, and no virtual host has the name.
    UnrecognizedName,
    /// The TLS settings are invalid, so that no handshake succeeds.
    InvalidSettings,
}
