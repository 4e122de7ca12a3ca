//! TLS as clients see it: a real gateway on a real socket, and rustls at the other end.

mod certificates;
mod client;
mod hello;
mod odd_hellos;
mod openssl;
mod passthrough;
mod sessions;
mod world;
