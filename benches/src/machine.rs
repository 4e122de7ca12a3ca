//! What a report is of.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// Where something was measured. What was measured elsewhere is not put beside it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Of Adit.
    commit: String,
    /// Processors, memory and kernel.
    machine: String,
    /// The names of programs and their versions.
    versions: Vec<(String, String)>,
}

impl Setting {
    /// This one, with the names of programs and their versions; those that are not known are empty.
    ///
    /// # Errors
    /// The system does not say what it is.
    pub fn current<'n>(versions: impl IntoIterator<Item = (&'n str, &'n str)>) -> Result<Self> {
        let known = versions.into_iter().filter(|(_, version)| !version.is_empty());
        Ok(Self {
            commit: commit().unwrap_or_else(|| "unknown".to_owned()),
            machine: machine()?,
            versions: known.map(|(name, version)| (name.to_owned(), version.to_owned())).collect(),
        })
    }

    /// A list of Markdown.
    pub fn markdown(&self) -> String {
        let Self { commit, machine, versions } = self;
        let mut text = format!("* Machine: {machine}\n* Adit's commit: {commit}\n");
        for (name, version) in versions {
            let _ = writeln!(text, "* {name}: {version}");
        }
        text
    }
}

/// The commit that is checked out, and whether Adit's code is changed.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| Command::new("git").args(arguments).output().ok();
    let output = git(&["rev-parse", "--short=12", "HEAD"]).filter(|output| output.status.success())?;
    let clean = git(&["diff", "--quiet", "HEAD", "--", "gateway", "controller", "Cargo.lock"])?.status.success();
    let commit = String::from_utf8(output.stdout).ok()?;
    Some(format!("{}{}", commit.trim(), if clean { "" } else { ", with changes" }))
}

fn machine() -> Result<String> {
    let field = |path: &str, name: &str| -> Result<String> {
        let text = fs::read_to_string(path)?;
        let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
        Ok(line.with_context(|| format!("{path} has {name}"))?.1.trim().to_owned())
    };
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|_| std::env::consts::ARCH.to_owned());
    let memory: u64 = field("/proc/meminfo", "MemTotal")?.trim_end_matches(" kB").parse()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let cores = std::thread::available_parallelism()?;
    Ok(format!("{cores} x {model}, {} GiB, Linux {}", memory >> 20, kernel.trim()))
}
