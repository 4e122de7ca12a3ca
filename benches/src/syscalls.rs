//! How many system calls processes make.

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use tempfile::NamedTempFile;

const FORBIDDEN: &str = "strace cannot attach: ptrace is not allowed here. In a container it needs the capability \
                         SYS_PTRACE (docker run --cap-add=SYS_PTRACE), and /proc/sys/kernel/yama/ptrace_scope below 2";

/// Counts those that all threads of these processes make during some work.
///
/// # Errors
/// strace cannot be run or attached, or the work fails.
pub fn count<T>(processes: &[u32], work: impl FnOnce() -> Result<T>) -> Result<(u64, T)> {
    let summary = NamedTempFile::new()?;
    let mut command = Command::new("strace");
    command.args(["-f", "-c", "-U", "calls,name", "-o"]).arg(summary.path());
    for pid in processes {
        command.arg("-p").arg(pid.to_string());
    }
    let mut strace = command.stderr(Stdio::piped()).spawn().context("strace is needed: apt-get install strace")?;
    // The pipe must stay: strace goes on to say that it attaches to new threads.
    let mut lines = BufReader::new(strace.stderr.take().context("stderr is a pipe")?).lines().map_while(Result::ok);
    let attached = lines.by_ref().filter(|line| line.contains(" attached")).take(processes.len()).count();
    ensure!(attached == processes.len(), "{FORBIDDEN}");
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
