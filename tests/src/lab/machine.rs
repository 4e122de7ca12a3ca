//! The machines of the lab. Only tests in modules named `machine` reach into them.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A node without its cable, until this is dropped.
#[derive(Debug)]
pub struct Unplugged {
    node: String,
}

impl Unplugged {
    /// Pulls the cable of a node.
    ///
    /// # Errors
    /// There is no such node, or this is no lab.
    pub fn node(node: &str) -> Result<Self> {
        cable(node, "down")?;
        Ok(Self { node: node.to_owned() })
    }
}

impl Drop for Unplugged {
    fn drop(&mut self) {
        if let Err(error) = cable(&self.node, "up") {
            eprintln!("{} stays without its cable: {error:#}", self.node);
        }
    }
}

fn cable(node: &str, state: &str) -> Result<()> {
    run("control-plane", &["ip", "-n", "lan", "link", "set", node, state])
}

/// Runs a command on a machine of the lab: `node1`, `node2` or `control-plane`.
fn run(machine: &str, command: &[&str]) -> Result<()> {
    let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/node");
    let output = Command::new(&script)
        .arg(machine)
        .args(command)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", script.display()))?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} {machine} {}: {}", script.display(), command.join(" "), error.trim());
    Ok(())
}
