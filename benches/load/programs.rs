//! Where the programs of the proxies are, and which versions they are of.

use crate::kinds::Kind;
use anyhow::{Context, Result};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

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
/// It is not known where this program is.
pub(crate) fn find(
    kinds: &[&'static Kind],
    adit: Option<&Path>,
    tools: &Path,
) -> Result<(Vec<Program>, Vec<&'static str>)> {
    let beside = env::current_exe()?.parent().context("a program is in a folder")?.to_owned();
    // What is called envoy in `bin` is a script that looks for the program.
    let mut folders = vec![beside, tools.join("envoy/_bin"), tools.join("bin")];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    folders.push("/usr/sbin".into()); // not every user has it
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for &kind in kinds {
        let own = adit.filter(|_| kind.program == "adit").map(Path::to_owned);
        match own.into_iter().chain(folders.iter().map(|folder| folder.join(kind.program))).find(|path| path.is_file())
        {
            Some(path) => found.push(Program { kind, version: version(kind, &path), path }),
            None => missing.push(kind.name),
        }
    }
    Ok((found, missing))
}

/// The first word that looks like one.
fn version(kind: &Kind, path: &Path) -> String {
    let Some(argument) = kind.version else { return String::new() };
    let Ok(output) = Command::new(path).arg(argument).output() else { return String::new() };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let words = text.split([' ', '/', '\n']).map(|word| word.trim_start_matches('v'));
    let mut versions = words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
    versions.next().unwrap_or_default().to_owned()
}
