//! Two replicas: one writes, and when it is gone the other does.

use crate::routes::{addressed, ingress};
use anyhow::{Context as _, Result, bail, ensure};
use std::process::Stdio;
use tests::lab::{Echo, Installed, Load, Manifest, Namespace, eventually, rolled_out};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The Pod that writes is killed without a word: the other one takes over when the Lease has run out.
#[tokio::test]
async fn the_other_replica_takes_over_and_status_is_never_empty() -> Result<()> {
    // The nodes that run a replica are its addresses, and are asked for at an interval.
    let interval = "- --election-id=adit-leader\n        - --status-update-interval=5";
    let manifest = Manifest::read("nodeport")?.with("- --election-id=adit-leader", interval)?;
    let adit = Installed::own("replicas", manifest).await?;
    let namespace = Namespace::create("replicas").await?;
    Echo::new("hello").start(&namespace).await?;
    namespace.apply(&ingress(&adit.name, "before", "before.example.com", "hello", 80).to_string()).await?;
    let address = addressed(&namespace, "before").await?;
    let mut statuses = Statuses::follow(&namespace, "before")?;

    let leader = holder(&adit).await?;
    let load = Load::start(&adit.entries, "before.example.com", "/", "hello");
    load.answers(200).await?;
    adit.kubectl(&format!("delete pod {leader} --force --grace-period=0")).await?;
    let successor = eventually("another holder of the Lease", async || {
        let holder = holder(&adit).await?;
        ensure!(!holder.is_empty() && holder != leader, "{holder} still holds it");
        Ok(holder)
    })
    .await?;
    rolled_out(&adit.name, "deployment/adit").await?;
    namespace.apply(&ingress(&adit.name, "after", "after.example.com", "hello", 80).to_string()).await?;
    eventually("both nodes in the status again", async || {
        for name in ["before", "after"] {
            let status = addressed(&namespace, name).await?;
            ensure!(status == address, "{successor} writes {status}, and {leader} wrote {address}");
        }
        Ok(())
    })
    .await?;
    load.answers(200).await?;
    // A Pod that is killed takes its connections along, so nothing is asked of those requests.
    println!("the writer killed, {successor} took over from {leader}: {}", load.stop().await?);

    namespace.kubectl("annotate ingress before seen=all").await?;
    for status in statuses.until("all").await? {
        ensure!(!status.is_empty(), "the status was empty, and {address} before");
    }
    Ok(())
}

/// The Pod that holds the Lease.
pub(crate) async fn holder(adit: &Installed) -> Result<String> {
    adit.kubectl("get lease adit-leader --output=jsonpath={.spec.holderIdentity}").await
}

/// Every status that an Ingress has had since.
struct Statuses {
    lines: Lines<BufReader<ChildStdout>>,
    /// Ends with this.
    _watch: Child,
}

impl Statuses {
    fn follow(namespace: &Namespace, ingress: &str) -> Result<Self> {
        let path = r#"jsonpath={.metadata.annotations.seen}|{.status.loadBalancer.ingress}{"\n"}"#;
        let mut watch = Command::new("kubectl")
            .args(["get", "ingress", ingress, "--namespace", namespace.name(), "--watch", "--output", path])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let lines = BufReader::new(watch.stdout.take().context("kubectl without output")?).lines();
        Ok(Self { lines, _watch: watch })
    }

    /// Those until its annotation `seen` has this value.
    async fn until(&mut self, seen: &str) -> Result<Vec<String>> {
        let mut statuses = Vec::new();
        while let Some(line) = self.lines.next_line().await? {
            let (mark, status) = line.split_once('|').with_context(|| format!("{line:?}"))?;
            statuses.push(status.to_owned());
            if mark == seen {
                return Ok(statuses);
            }
        }
        bail!("kubectl get --watch ended")
    }
}
