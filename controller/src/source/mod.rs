//! Where objects come from. Every source speaks [`SourceEvent`], so that nothing after it differs.

pub mod directory;
pub mod manifest;

use crate::diagnostic::Diagnostic;
use crate::object::{ObjectKey, Observed};
use std::sync::Arc;

/// What a source has to say.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceEvent {
    /// An object appeared or changed.
    Apply(Observed),
    /// An object went away.
    Delete(ObjectKey),
    /// All that is wrong with one part of the source (a file) now, replacing what was said of it before; empty when
    /// all is well again.
    Problems {
        /// The part: a file's path.
        part: Arc<str>,
        /// What is wrong.
        diagnostics: Vec<Diagnostic>,
    },
    /// Everything that exists has been said once: the first table may be built.
    Synced,
}
