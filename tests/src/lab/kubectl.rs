//! The cluster as its users handle it: by kubectl, whose kubeconfig is in `KUBECONFIG`.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Runs kubectl and returns what it prints. Words are separated by blanks, so none may contain one.
///
/// # Errors
/// It cannot be run, or fails: the error has its command line and what it says.
pub async fn kubectl(command_line: &str) -> Result<String> {
    run(&command_line.split_whitespace().collect::<Vec<_>>(), None).await
}

/// As [`kubectl`], with arguments that may contain blanks.
///
/// # Errors
/// As [`kubectl`].
pub async fn kubectl_with(arguments: &[&str]) -> Result<String> {
    run(arguments, None).await
}

/// Creates or changes the objects of these YAML documents.
///
/// # Errors
/// The API server refuses one of them.
pub async fn apply(documents: &str) -> Result<()> {
    run(&["apply", "--filename=-"], Some(documents)).await.map(drop)
}

/// What `kubectl get` says, as JSON: an object, or a `List`.
///
/// # Errors
/// There is no such object.
pub async fn get(what: &str) -> Result<Value> {
    let printed = kubectl(&format!("get {what} --output=json")).await?;
    serde_json::from_str(&printed).with_context(|| format!("kubectl get {what}: not JSON"))
}

/// The text at a JSON path of an object, such as `get_path("node node1", ".status.nodeInfo.kubeletVersion")`; empty where
/// there is nothing.
///
/// # Errors
/// There is no such object.
pub async fn get_path(what: &str, path: &str) -> Result<String> {
    let output = format!("--output=jsonpath={{{path}}}");
    let arguments: Vec<&str> = ["get"].into_iter().chain(what.split_whitespace()).chain([output.as_str()]).collect();
    run(&arguments, None).await
}

async fn run(arguments: &[&str], input: Option<&str>) -> Result<String> {
    let mut child = Command::new("kubectl")
        .args(arguments)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot run kubectl")?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        // Where kubectl ends without reading on, what it says counts.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = child.wait_with_output().await?;
    let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let given = input.map(|input| format!(" <<EOF\n{input}EOF\n")).unwrap_or_default();
    ensure!(output.status.success(), "kubectl {}{given}: {}", arguments.join(" "), error.trim());
    Ok(said.into_owned())
}
