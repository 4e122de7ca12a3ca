//! One Ingress, by itself: its rules as routes, its annotations as policies.

mod class;
mod external_auth;
mod groups;
mod mirror;
mod outcome;
mod parser;
mod path;
mod policies;
mod server_url;

pub(super) use outcome::IngressOutcome;
pub(super) use parser::parse;
