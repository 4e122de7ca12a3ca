//! Ten lines to the first request.

use crate::routes::{leads, route};
use anyhow::{Result, ensure};
use tests::lab::{Echo, Installed, Namespace};

#[tokio::test]
async fn an_ingress_leads_to_its_service() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("smoke").await?;
    Echo::new("hello").replicas(2).start(&namespace).await?;
    namespace.apply(&route(&adit, "hello.example.com", "hello", 80)).await?;
    leads(&adit, "hello.example.com", "hello").await?;
    for entry in &adit.entries {
        let service = entry.get("hello.example.com", "/").await?.service()?;
        ensure!(service == "hello", "answered by {service}");
    }
    Ok(())
}
