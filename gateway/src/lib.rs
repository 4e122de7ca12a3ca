//! Adit's data plane: an immutable routing table, the policies that act on a request, and the proxy that serves it.
//!
//! Data flows one way: [`config`] (what to serve, as plain data) is compiled into a [`table`], which workers in
//! [`listener`] read for every request while an [`exchange`] runs the request's [`policy`] and picks an endpoint from
//! [`upstream`]. Nothing here knows Kubernetes.

pub mod admin;
pub mod buffer;
pub mod config;
pub mod connection;
pub mod exchange;
pub mod fastcgi;
mod grammar;
pub mod headers;
pub mod interner;
mod l4;
pub mod lane;
pub mod listener;
pub mod ocsp;
pub mod pattern;
pub mod policy;
mod relay;
pub mod request;
pub mod table;
pub mod telemetry;
pub mod tls;
pub mod upstream;
pub mod variables;
mod worker;
