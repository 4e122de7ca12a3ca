//! Every status that the Ingresses of a namespace have had.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use std::collections::BTreeMap;
use std::process::Stdio;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

/// A watch of them.
pub(super) struct Statuses {
    kubectl: Child,
}

impl Statuses {
    pub(super) fn watch(namespace: &str) -> Result<Self> {
        let output = r#"--output=jsonpath={.metadata.name} {.status.loadBalancer.ingress}{"\n"}"#;
        let mut kubectl = Command::new("kubectl");
        kubectl.args(["get", "ingresses", "--watch", "--namespace", namespace, output]);
        let kubectl = kubectl.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        Ok(Self { kubectl })
    }

    /// Each Ingress had this address all the time, from when it first had one.
    pub(super) async fn never_changed(mut self, address: &str) -> Result<()> {
        ensure!(self.kubectl.try_wait()?.is_none(), "the watch has ended");
        self.kubectl.start_kill()?;
        let mut text = String::new();
        self.kubectl.stdout.take().context("no output")?.read_to_string(&mut text).await?;
        let expected = json!([{"ip": address}]).to_string();
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for line in text.lines() {
            let (name, status) = line.split_once(' ').with_context(|| format!("{line:?}"))?;
            if status == expected {
                *seen.entry(name).or_default() += 1;
            } else if !status.is_empty() || seen.contains_key(name) {
                bail!("the status of {name} became {status:?}: {text}");
            }
        }
        ensure!(seen.len() == 5, "{seen:?}");
        println!("statuses, with the number of events: {seen:?}");
        Ok(())
    }
}
