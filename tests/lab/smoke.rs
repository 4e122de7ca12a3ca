//! Ten lines to the first request.

use anyhow::{Result, ensure};
use tests::lab::{Echo, Installed, Namespace, eventually};

#[tokio::test]
async fn an_ingress_leads_to_its_service() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("smoke").await?;
    Echo::new("hello").replicas(2).start(&namespace).await?;
    namespace
        .apply(
            "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: hello}, spec: {ingressClassName: adit,
              rules: [{host: hello.example.com, http: {paths: [{path: /, pathType: Prefix,
                backend: {service: {name: hello, port: {name: http}}}}]}}]}}",
        )
        .await?;
    for entry in &adit.entries {
        eventually("an answer of the Service", async || {
            let service = entry.get("hello.example.com", "/").await?.service()?;
            ensure!(service == "hello", "{service}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}
