//! The keys of the controller's ConfigMap: one entry, one place.
//!
//! Every key that ingress-nginx has is one [`Key`] in one family file, and so is each key of Adit's own. The table in
//! the documentation is generated from the entries.

mod builder;
mod client;
mod compression;
mod endpoint_health;
mod entry;
mod families;
mod forwarded;
mod global_auth;
mod headers;
mod https;
mod last_good;
mod limits;
mod logging;
mod map_values;
mod other;
mod read;
mod routes;
mod security;
mod snippets;
mod stream;
mod tls;
mod tracing;
mod upstream;
mod waf;

pub use builder::{Config, ConfigBuilder};
pub use entry::{Key, KeyFacets};
pub(crate) use last_good::LastGood;
pub(crate) use read::{ConfigOutcome, read};
