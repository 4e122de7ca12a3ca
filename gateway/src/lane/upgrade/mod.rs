//! Requests that ask for an upgrade of their connection to another protocol, and the tunnels that result.

mod exchange;
mod tunnel;

pub(crate) use exchange::{UpgradeOutcome, serve};
