//! TLS to backends: whom Adit believes, and what it shows of itself.

mod policies;
mod proxy_ssl;
mod within_tls;
mod world;
