//! How many system calls a process makes.

use anyhow::{Context, Result, ensure};
use benches::process::Process;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use tempfile::NamedTempFile;

/// Counts those that all threads of a process and its children make during some work.
///
/// # Errors
/// strace cannot be run or attached, or the work fails.
pub(crate) fn count<T>(process: &Process, work: impl FnOnce() -> Result<T>) -> Result<(u64, T)> {
    let summary = NamedTempFile::new()?;
    let mut command = Command::new("strace");
    command.args(["-f", "-c", "-U", "calls,name", "-o"]).arg(summary.path());
    let family = process.family();
    for pid in &family {
        command.arg("-p").arg(pid.to_string());
    }
    let mut strace = command.stderr(Stdio::piped()).spawn().context("strace is needed: apt-get install strace")?;
    // The pipe must stay: strace goes on to say that it attaches to new threads.
    let mut lines = BufReader::new(strace.stderr.take().context("stderr is a pipe")?).lines().map_while(Result::ok);
    let attached = lines.by_ref().filter(|line| line.contains(" attached")).take(family.len()).count();
    ensure!(attached == family.len(), "strace cannot attach: is ptrace allowed?");
    let worked = work();
    kill_process(Pid::from_child(&strace), Signal::INT)?;
    strace.wait()?;
    let summary = fs::read_to_string(summary.path())?;
    Ok((total(&summary).with_context(|| format!("strace says:\n{summary}"))?, worked?))
}

/// The number in the line of all calls.
fn total(summary: &str) -> Option<u64> {
    summary.lines().find_map(|line| line.trim().strip_suffix(" total"))?.trim().parse().ok()
}
