//! Requests to programs that speak FastCGI, such as PHP's.
//!
//! Each has a connection of its own, which the program closes: nginx asks for no more (`fastcgi_keep_conn off`). What is
//! sent and read is encoded and decoded without I/O ([`crate::fastcgi`]).

mod attempt;
mod response;
mod serve;

pub(super) use serve::{Served, serve};
