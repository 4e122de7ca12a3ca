//! What a request and its answer cannot show: connections, files, the admin port, the program itself, and what must hold of
//! the sources. One binary, since each one links all of Adit.

mod admin;
mod annotation_list;
mod attacks;
mod backend_protocols;
mod bad_manifests;
mod binary;
mod bounds;
mod canaries;
mod certificates;
mod client_certificates;
mod clients;
mod cluster_source;
mod connections_of_clients;
mod connections_to_backends;
mod dashboards;
mod draining;
mod echo_server;
mod edits_under_load;
mod ending;
mod events;
mod explain_admin;
mod fixtures;
mod fuzzed;
mod grpc;
mod h2spec;
mod http2;
mod http2_backends;
mod layering;
mod limits;
mod listeners;
mod long_lived;
mod lookup_allocates_nothing;
mod manifests;
mod metrics;
mod misspelt;
mod passthrough;
mod passwords;
mod proxy_protocol;
mod proxy_ssl;
mod snippets;
mod status;
mod streams;
mod tenants;
mod tls;
mod tracing;
mod upgrades;
mod waf;
mod websocket;
mod whole_answers;

/// The program `adit`.
const ADIT: &str = env!("CARGO_BIN_EXE_adit-under-test");
