//! Adit's control plane: Kubernetes objects in, a routing table out.
//!
//! Data flows one way: [`source`] (a directory, or a cluster) yields events, [`store`] holds the objects, [`translate`]
//! turns what changed into [`gateway::config`] and diagnostics, and [`pipeline`] publishes that. [`status`] reports
//! to the cluster. Nothing here knows Pingora.

pub mod address;
mod admission;
pub mod annotation;
pub mod apiserver;
mod certificate;
pub mod cli;
pub mod configmap;
pub mod convert;
pub mod dashboard;
pub mod debounce;
pub mod diagnostic;
mod events;
pub mod explain;
pub mod feed;
pub mod gateway_api;
pub mod lookup;
pub mod nginx_syntax;
pub mod object;
pub mod pipeline;
pub mod registry;
pub mod route_defaults;
pub mod server;
pub mod settings;
pub mod snippet;
pub mod source;
pub mod status;
pub mod store;
mod suggestion;
pub mod translate;
