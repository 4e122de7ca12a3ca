//! One Ingress, by itself: its rules as routes, its annotations as policies.

mod class;
mod default_backend;
mod external_auth;
mod groups;
mod host_owners;
mod mirror;
mod outcome;
mod own_hosts;
mod parser;
mod path;
mod policies;
mod server_url;

pub(super) use host_owners::OwnHosts;
pub(super) use outcome::IngressOutcome;
pub(super) use parser::parse;
