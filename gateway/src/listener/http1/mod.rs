//! HTTP/1 on a client's connection: heads are read and checked here, before a lane sees a byte.
//!
//! Pingora's own sessions drop a `Content-Length` that contradicts `Transfer-Encoding`, accept bare line feeds and answer
//! malformed requests themselves.

mod connection;
mod head;
mod repair;
#[cfg(test)]
mod tests;

pub use head::check;

pub(super) use connection::{refuse_cleartext, serve};
