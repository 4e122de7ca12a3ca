//! Certificates of clients (`auth-tls-*`, and of Gateways): who comes in, what backends get to know, and that there is no way around.

mod attacks;
pub(crate) mod authority;
mod bypasses;
mod chains;
mod changes;
mod conformance;
mod curl;
mod distinguished_names;
mod error_pages;
mod gateways;
mod invalid_settings;
mod world;
