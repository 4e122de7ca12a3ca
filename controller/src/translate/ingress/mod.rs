//! One Ingress, by itself: its rules as routes, its annotations as policies.

mod auth_servers;
mod class;
mod groups;
mod host_owners;
mod outcome;
mod own_hosts;
mod parser;
mod path;
mod policies;

pub(super) use host_owners::OwnHosts;
pub(super) use outcome::IngressOutcome;
pub(super) use parser::parse;
