use super::kubectl::kubectl;
use anyhow::{Context, Result};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a cluster may take for what is waited for, however slow and busy its machine. No test depends on its length.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// How often is looked: far less often than it would disturb two cores.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// Asks until the answer is no error.
///
/// # Errors
/// The last error, where all were errors for ten minutes.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) if Instant::now() >= deadline => return Err(error).with_context(|| format!("never: {what}")),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Waits until all Pods of a workload, such as `deployment/adit`, are of the newest kind, and ready.
///
/// # Errors
/// They are not in ten minutes.
pub async fn rolled_out(namespace: &str, workload: &str) -> Result<()> {
    kubectl(&format!("--namespace={namespace} rollout status {workload} --timeout={}s", PATIENCE.as_secs()))
        .await
        .map(drop)
}
