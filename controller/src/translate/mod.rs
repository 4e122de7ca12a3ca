//! From objects to what is served: pure, incremental, and proportional to what changed.
//!
//! There are six kinds of unit, each a function of what it reads, in files of their own: the settings (the ConfigMap),
//! the TCP and UDP services (`streams`), an Ingress by itself (`ingress`), a host over all Ingresses that have a say on it
//! (`host`), a backend (`backend`), and what Gateway API has (`gateway_api`). What a unit read is recorded, found or not, and
//! a change translates the units anew that read what changed (`engine`). A result equal to the last one is not published.

mod affinities;
mod backend;
mod canaries;
mod catch_panic;
mod certificates;
mod claims;
mod completion;
mod diagnostics;
mod engine;
mod exact_size;
mod gateway_api;
mod host;
mod ingress;
mod mark;
mod orphans;
mod parsed_ingress;
mod rank;
mod readers;
mod shared_policies;
mod shared_texts;
mod small_map;
mod streams;
mod units;
mod url_backends;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub(crate) use backend::{find_port, may_lack_ports};
pub use engine::Translator;
pub(crate) use gateway_api::http_protocol;
