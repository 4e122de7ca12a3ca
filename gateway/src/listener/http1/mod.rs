//! HTTP/1 on a client's connection: heads are read and checked here, before Pingora sees a byte.
//!
//! Parsed headers would come too late: by the time Pingora calls its first hook it has dropped a `Content-Length` that
//! contradicts `Transfer-Encoding`, accepted bare line feeds and answered malformed requests itself.

mod connection;
mod head;
mod repair;
#[cfg(test)]
mod tests;

pub use head::check;

pub(super) use connection::{refuse_cleartext, serve};
