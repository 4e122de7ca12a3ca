//! Limits on clients that one request alone cannot show: requests in progress, all workers, the speed of responses.

mod in_progress;
mod response_rate;

use anyhow::{Context, Result};
use controller::settings::ServeSettings;
use serde_json::json;
use std::num::NonZero;
use tests::adit::{Adit, annotated, on_loopback};
use tests::backend::answering;
use tests::connection::PATIENCE;
use tokio::time::timeout;

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The status of a request on a connection of its own.
async fn get(adit: &Adit) -> Result<u16> {
    let mut connection = adit.connect().await?;
    connection.send(GET).await?;
    Ok(connection.response("GET").await?.status)
}

#[tokio::test]
async fn all_workers_count_together() -> Result<()> {
    let limits = [("limit-rpm", "1"), ("limit-burst-multiplier", "9")];
    let manifests = annotated(&limits, &[answering(OK).await?], &json!({}));
    let serve = ServeSettings { workers: NonZero::new(4), ..on_loopback(ServeSettings::default()) };
    let adit = Adit::start_on(serve, &manifests).await?;
    let mut served = 0;
    for _ in 0..60 {
        served += usize::from(get(&adit).await? == 200);
    }
    assert_eq!(served, 10);
    Ok(())
}

#[tokio::test]
async fn what_is_refused_is_counted_by_its_reason() -> Result<()> {
    let limits = [("limit-rpm", "1"), ("limit-burst-multiplier", "1")];
    let adit = Adit::start(&annotated(&limits, &[answering(OK).await?], &json!({}))).await?;
    for expected in [200, 200, 503, 503] {
        assert_eq!(get(&adit).await?, expected);
    }
    // A reply is counted once it has gone out.
    let both_are_counted = async {
        let is_counted = |line: &str| line.contains("request-limit") && line.ends_with(" 2");
        while !adit.metrics().await?.lines().any(|line| line.starts_with("adit_replies_total{") && is_counted(line)) {}
        Ok(())
    };
    timeout(PATIENCE, both_are_counted).await.context("two replies of that reason")?
}
