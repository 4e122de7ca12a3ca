//! A Gateway, and a route that leads all it gets to one Service.

use super::{CLASS, SERVED, address_of, adit, comes_back, comes_to, has_routes, leads};
use anyhow::{Result, ensure};
use tests::lab::{Echo, Namespace};

#[tokio::test]
async fn a_gateway_leads_every_request_to_one_service() -> Result<()> {
    let _adit = adit().await?;
    let namespace = Namespace::create("guide-simple").await?;
    Echo::new("website").replicas(2).start(&namespace).await?;
    comes_to(&namespace, &format!("gatewayclass {CLASS}"), "", &["Accepted True Accepted"]).await?;

    namespace.apply(include_str!("simple/gateway.yaml")).await?;
    let entry = address_of(&namespace, "front").await?;
    namespace.apply(include_str!("simple/route.yaml")).await?;
    comes_to(&namespace, "httproute website", "/parents/0", &SERVED).await?;
    has_routes(&namespace, "front", 1).await?;
    let address = entry.http.ip().to_string();
    for (host, path) in
        [(address.as_str(), "/"), ("simple.example.com", "/"), ("a.b.simple.example.com", "/any/path?q=1")]
    {
        leads(&entry, (host, path), "website").await?;
    }

    namespace.kubectl("delete httproute website").await?;
    has_routes(&namespace, "front", 0).await?;
    comes_back(&entry, ("simple.example.com", "/"), &[], |answer| {
        ensure!(answer.status == 404, "status {}: {}", answer.status, answer.text());
        Ok(())
    })
    .await
}
