//! A Gateway that the teams of several namespaces share: by label, and Services by ReferenceGrant.

use super::{SERVED, address_of, adit, comes_back, comes_to, has_routes, leads};
use anyhow::{Result, ensure};
use tests::lab::{Echo, Namespace, apply};

const HOST: &str = "cross-namespace.example.com";

#[tokio::test]
async fn teams_share_a_gateway_that_lets_them() -> Result<()> {
    let _adit = adit().await?;
    let infra = Namespace::create("guide-infra").await?;
    let site = Namespace::create("guide-site").await?;
    let store = Namespace::create("guide-store").await?;
    let outside = Namespace::create("guide-outside").await?;
    Echo::start_all(&[Echo::new("home"), Echo::new("login")], &site).await?;
    Echo::new("store").start(&store).await?;
    Echo::new("intruder").start(&outside).await?;

    apply(include_str!("cross_namespace/gateway.yaml")).await?;
    let entry = address_of(&infra, "shared").await?;
    apply(include_str!("cross_namespace/routes.yaml")).await?;
    for (namespace, route) in [(&site, "home"), (&site, "login"), (&store, "store")] {
        comes_to(namespace, &format!("httproute {route}"), "/parents/0", &SERVED).await?;
    }
    let refused = ["Accepted False NotAllowedByListeners"];
    comes_to(&outside, "httproute intruder", "/parents/0", &refused).await?;
    has_routes(&infra, "shared", 3).await?;
    for (path, service) in [("/", "home"), ("/login", "login"), ("/store/books", "store"), ("/login/admin", "login")] {
        leads(&entry, (HOST, path), service).await?;
    }

    apply(include_str!("cross_namespace/sale.yaml")).await?;
    let not_permitted = ["Accepted True Accepted", "ResolvedRefs False RefNotPermitted"];
    comes_to(&site, "httproute sale", "/parents/0", &not_permitted).await?;
    comes_back(&entry, (HOST, "/sale"), &[], |answer| {
        ensure!(answer.status == 500, "status {}: {}", answer.status, answer.text());
        Ok(())
    })
    .await?;
    apply(include_str!("cross_namespace/grant.yaml")).await?;
    comes_to(&site, "httproute sale", "/parents/0", &SERVED).await?;
    leads(&entry, (HOST, "/sale"), "store").await
}
