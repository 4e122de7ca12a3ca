//! Snippets: nginx directives that users write, checked against a table and made into typed settings.
//!
//! [`FAMILIES`] is the table. [`read`] checks a text and finds all that is wrong with it. [`fold`] resolves what
//! blocks inherit, and puts what an ordinary setting has a field for into that.

mod access;
mod auth_request;
mod backend_tls;
mod buffering;
mod check;
mod client_limits;
mod compression;
mod condition;
mod context;
mod entry;
mod errors;
mod families;
mod field;
mod finding;
mod fold;
mod http_block;
mod idle;
mod inherit;
mod limits;
mod location;
mod mapped;
mod pattern;
mod real_ip;
mod refused;
mod report;
mod request_headers;
mod response_headers;
mod response_rewrites;
mod rewrite;
mod rules;
mod stream;
mod sub_filter;
mod template;

pub(crate) use auth_request::{ask, ask_within};
pub(crate) use check::{read, variables, zones};
pub(crate) use client_limits::is_late;
pub use context::Context;
pub use entry::{Apply, Call, Entry, Kind};
pub use families::{DirectiveFamily, FAMILIES};
pub(crate) use finding::{Place, Services, Snippet};
pub(crate) use fold::{auth_timeouts, fold, fold_server, fold_server_timeouts, fold_within, of_server};
pub(crate) use http_block::HttpBlock;
pub(crate) use inherit::{auth_block, inherited, server_block};
pub(crate) use location::{location_backend, location_rewrite};
pub use report::{DirectiveReport, Outcome, SnippetReport};
pub(crate) use response_rewrites::{Address, cookie_rewrites, redirect_from, redirect_to};

#[cfg(test)]
mod tests;
