//! What only a real cluster can show, with Adit installed from `manifests/install` as a user would.
//!
//! `tests/cluster/test` runs these in a lab of their own. They need kubectl, its kubeconfig, and a network in which the
//! nodes can be reached; the modules named `machine` also reach into the machines of the lab.

mod argo_rollouts;
mod bad_input;
mod chart;
mod classes;
mod client_certificates;
mod conformance;
mod fixtures;
mod flags;
mod gateway_guides;
mod limits;
mod machine;
mod migration;
mod plugin;
mod replicas;
mod rollouts;
mod routes;
mod seeds;
mod sign_in;
mod smoke;
mod webhook;
