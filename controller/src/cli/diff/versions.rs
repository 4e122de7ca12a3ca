//! The two versions of what is served.

use crate::cli::arguments::expect_readable;
use crate::cli::snapshot::{Objects, Snapshot};
use crate::settings::ControllerSettings;
use std::path::PathBuf;

/// What is served as it is, and as it is to be.
pub(super) struct Versions {
    pub(super) old: Snapshot,
    pub(super) new: Snapshot,
}

impl Versions {
    /// Reads both. Without `new` that is `old` with the objects of `files` in place of its own of the same names.
    ///
    /// # Errors
    /// One of the paths cannot be read: all it has would count as removed.
    pub(super) fn read(
        old: &[PathBuf],
        new: &[PathBuf],
        files: &[PathBuf],
        settings: &ControllerSettings,
    ) -> anyhow::Result<Self> {
        expect_readable(&[old, new, files].concat())?;
        let before = Objects::read(old);
        let after = if files.is_empty() { Objects::read(new) } else { before.clone().replaced_by(files) };
        Ok(Self { old: before.translate(settings.clone()), new: after.translate(settings.clone()) })
    }
}
