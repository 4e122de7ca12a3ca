use anyhow::{Context, Result};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a cluster may take for what is waited for. No test depends on its length.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often is looked: far less often than it would disturb two cores.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks until the answer is no error.
///
/// # Errors
/// The last error, where all were errors for a minute and a half.
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
