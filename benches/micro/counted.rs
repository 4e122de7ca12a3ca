//! Instructions, counted by valgrind.

use anyhow::{Context, Result, bail, ensure};
use benches::process;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::NamedTempFile;

const MISSING: &str = "valgrind is needed: apt-get install valgrind";

/// Says whether valgrind is there.
///
/// # Errors
/// It is not.
pub(crate) fn is_there() -> Result<()> {
    let output = Command::new("valgrind").arg("--version").output().context(MISSING)?;
    ensure!(output.status.success(), MISSING);
    Ok(())
}

/// A program under valgrind. What it counts is known when the program has ended.
pub(crate) struct Counted {
    pub(crate) command: Command,
    log: NamedTempFile,
}

impl Counted {
    /// This program, without arguments yet.
    ///
    /// # Errors
    /// There is no place for a file.
    pub(crate) fn new(program: &Path) -> Result<Self> {
        let log = NamedTempFile::new()?;
        let mut command = process::command("valgrind");
        command
            .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
            .arg(format!("--log-file={}", log.path().display()))
            .arg(program);
        Ok(Self { command, log })
    }

    /// The instructions of all threads.
    ///
    /// # Errors
    /// The program has not ended as it should.
    pub(crate) fn instructions(&self) -> Result<u64> {
        let text = fs::read_to_string(self.log.path())?;
        let line = text.lines().find_map(|line| line.split_once("I   refs:").or_else(|| line.split_once("I refs:")));
        let Some((_, number)) = line else { bail!("valgrind says:\n{text}") };
        Ok(number.trim().replace(',', "").parse()?)
    }
}
