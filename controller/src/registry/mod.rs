//! The registry of settings: what annotations, keys of the ConfigMap and flags have in common.
//!
//! A [`Setting`] has a name, a [`Support`], a text, the kind of object that it refers to, and how its value is applied.
//! What only one kind of settings has, such as the scope of an annotation or the default of a key, are its [`Facets`].
//! The entries stand in [`crate::annotation`], [`crate::configmap`] and [`crate::cli::flags`], one [`Registry`] each.

pub(crate) mod auth_server;
mod balance;
mod buffering;
mod compressed_types;
pub(crate) mod endpoint_health;
mod error;
mod error_pages;
mod error_statuses;
mod families;
mod header;
mod reference;
mod retries;
mod server_url;
mod setting;
mod support;
mod text;
mod tls;
mod value;

pub(crate) use balance::balance;
pub(crate) use buffering::{BUSY_BUFFERS, LARGEST_HEAD};
pub(crate) use compressed_types::compressed_types;
pub use error::ValueError;
pub(crate) use error_pages::error_pages;
pub(crate) use error_statuses::error_statuses;
pub use families::{Family, Registered, Registry};
pub(crate) use header::{field_template, header_name, settable_field, settable_header};
pub(crate) use reference::object_name;
pub(crate) use retries::retry_conditions;
pub(crate) use server_url::server_url;
pub use setting::{Apply, Facets, Setting};
pub use support::Support;
pub(crate) use tls::{cipher_suites, tls_versions};
pub use value::Value;
pub(crate) use value::{parse_bool, parse_network};

#[cfg(test)]
mod tests;
