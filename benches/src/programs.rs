//! Where programs are, and which versions they are of.

use anyhow::{Context, Result};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where programs are looked for.
#[derive(Debug)]
pub struct Folders(Vec<PathBuf>);

impl Folders {
    /// That of this program, the folder of tools, and those where the system has its programs.
    ///
    /// # Errors
    /// It is not known where this program is.
    pub fn new(tools: &Path) -> Result<Self> {
        let beside = env::current_exe()?.parent().context("a program is in a folder")?.to_owned();
        // What is called envoy in `bin` is a script that looks for the program.
        let mut folders = vec![beside, tools.join("envoy/_bin"), tools.join("bin")];
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        folders.push("/usr/sbin".into()); // not every user has it
        Ok(Self(folders))
    }

    /// A program, if it is there.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        self.0.iter().map(|folder| folder.join(program)).find(|path| path.is_file())
    }
}

/// What a program says of its version with this argument: the first word that looks like one.
pub fn version(path: &Path, argument: &str) -> String {
    let Ok(output) = Command::new(path).arg(argument).output() else { return String::new() };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let words = text.split([' ', '/', '\n']).map(|word| word.trim_start_matches('v'));
    let mut versions = words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
    versions.next().unwrap_or_default().to_owned()
}
