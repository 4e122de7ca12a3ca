//! The ways to play a case.

mod conversation;
mod converted;
mod explained;
mod lab;
mod memory;
mod objects;
mod sockets;

pub use converted::Converted;
pub(crate) use converted::conversion;
pub use explained::Explained;
pub use lab::Lab;
pub use memory::Memory;
pub(crate) use objects::Objects;
pub use sockets::Sockets;

use crate::case::{Case, Mode};
use anyhow::{Context, Result};
use controller::cli::flags;
use controller::settings::Settings;
use gateway::config::PathMatching;

/// The settings of a case: its flags, and how paths are matched.
pub(crate) fn settings(case: &Case, mode: Mode) -> Result<Settings> {
    let flags = flags::parse(case.spec.flags.iter().map(String::as_str));
    let mut settings = flags.map_err(anyhow::Error::msg).context("flags")?.settings;
    settings.controller.path_matching = match mode {
        Mode::Nginx => PathMatching::Nginx,
        Mode::Strict => PathMatching::Strict,
    };
    Ok(settings)
}
