//! A new version of a Service gets a part of the requests, and in the end all of them.

use super::{ANSWERS, ONE_IN_TEN, ONE_IN_TWO, SERVED, address_of, adit, comes_back, comes_to, is_from};
use anyhow::{Result, ensure};
use std::ops::RangeInclusive;
use tests::lab::{Echo, Entry, Namespace, eventually};

const HOST: &str = "splitting.example.com";

#[tokio::test]
async fn a_new_version_gets_more_and_more_requests() -> Result<()> {
    let _adit = adit().await?;
    let namespace = Namespace::create("guide-splitting").await?;
    Echo::start_all(&["shop-v1", "shop-v2"].map(Echo::new), &namespace).await?;
    namespace.apply(include_str!("splitting/gateway.yaml")).await?;
    let entry = address_of(&namespace, "production").await?;

    roll_out(&namespace, include_str!("splitting/ten-percent.yaml")).await?;
    gets(&entry, ONE_IN_TEN).await?;
    roll_out(&namespace, include_str!("splitting/testers.yaml")).await?;
    gets(&entry, 0..=0).await?;
    comes_back(&entry, (HOST, "/"), &[("traffic", "test")], |answer| is_from(answer, "shop-v2")).await?;
    roll_out(&namespace, include_str!("splitting/half.yaml")).await?;
    gets(&entry, ONE_IN_TWO).await?;
    roll_out(&namespace, include_str!("splitting/all.yaml")).await?;
    gets(&entry, ANSWERS..=ANSWERS).await
}

/// Changes the route.
async fn roll_out(namespace: &Namespace, route: &str) -> Result<()> {
    namespace.apply(route).await?;
    comes_to(namespace, "httproute shop", "/parents/0", &SERVED).await.map(drop)
}

/// Waits until the new version gives so many of the answers, and the old one the rest.
async fn gets(entry: &Entry, share: RangeInclusive<usize>) -> Result<()> {
    eventually(&format!("{share:?} of {ANSWERS} answers from the new version"), async || {
        let mut new = 0;
        for _ in 0..ANSWERS {
            let service = entry.get(HOST, "/").await?.service()?;
            ensure!(["shop-v1", "shop-v2"].contains(&service.as_str()), "answered by {service}");
            new += usize::from(service == "shop-v2");
        }
        ensure!(share.contains(&new), "{new} answers");
        Ok(())
    })
    .await
}
