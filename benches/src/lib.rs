//! What the benchmarks share: the proxies to compare, the load on them, and synthetic clusters.

pub mod certificate;
pub mod client;
pub mod cluster;
pub mod cores;
pub mod h2load;
pub mod load;
pub mod machine;
pub mod open_loop;
pub mod peers;
pub mod pipeline;
pub mod process;
pub mod programs;
pub mod report;
pub mod routes;
pub mod syscalls;
pub mod websocket;

/// The host that all load asks for.
pub const HOST: &str = "bench.example";
/// What it asks there.
pub const TARGET: &str = "/shop/item?id=1";
