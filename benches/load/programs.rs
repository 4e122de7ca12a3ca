//! The proxies whose programs are there.

use crate::kinds::Kind;
use anyhow::Result;
use benches::programs::{Folders, version};
use std::path::{Path, PathBuf};

/// A proxy whose program is there.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) kind: &'static Kind,
    pub(crate) path: PathBuf,
    /// As it says itself. Empty if it does not.
    pub(crate) version: String,
}

/// Those of these kinds that are there, and the names of those that are missing. Adit may be a program of one's own.
///
/// # Errors
/// As [`Folders::new`].
pub(crate) fn find(
    kinds: &[&'static Kind],
    adit: Option<&Path>,
    tools: &Path,
) -> Result<(Vec<Program>, Vec<&'static str>)> {
    let folders = Folders::new(tools)?;
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for &kind in kinds {
        let own = adit.filter(|path| kind.program == "adit" && path.is_file()).map(Path::to_owned);
        let Some(path) = own.or_else(|| folders.find(kind.program)) else {
            missing.push(kind.name);
            continue;
        };
        let version = kind.version.map(|argument| version(&path, argument)).unwrap_or_default();
        found.push(Program { kind, path, version });
    }
    Ok((found, missing))
}
