//! Five introductions to Services and Ingress that users learn from. Each of the 22 things that they show has a test
//! named after it: `s1a` is the first of the first.
//!
//! `s2b` in its old form, which an API server refuses, is `tests/cases/legacy`.

mod s1;
mod s2;
mod s3;
mod s4;
mod s5;

use crate::routes::{answers, everywhere, leads, route};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;
use tests::lab::{Entry, Installed, Namespace, eventually, get_path};

/// How many of 60 answers each Pod gives.
async fn shares(entries: &[Entry], host: &str) -> Result<BTreeMap<String, usize>> {
    let mut shares = BTreeMap::new();
    for entry in entries.iter().cycle().take(60) {
        *shares.entry(entry.get(host, "/").await?.pod()?).or_default() += 1;
    }
    Ok(shares)
}

/// Waits until so many Pods answer, each as often as every other: replicas of Adit take turns on their own, so that one
/// Pod may be ahead by one for each of them.
async fn spreads_evenly(
    adit: &Installed,
    entries: &[Entry],
    host: &str,
    pods: usize,
) -> Result<BTreeMap<String, usize>> {
    let replicas = adit.pods().await?.len();
    eventually(&format!("{pods} Pods that answer evenly"), async || {
        let shares = shares(entries, host).await?;
        let (least, most) = (shares.values().min(), shares.values().max());
        let (least, most) = least.zip(most).context("no answer")?;
        ensure!(shares.len() == pods && most - least <= replicas, "{shares:?}");
        Ok(shares)
    })
    .await
}

/// The address of a Deployment's only Pod.
async fn address_of_pod(namespace: &Namespace, deployment: &str) -> Result<IpAddr> {
    let pods = format!("pods --namespace={} --selector=app={deployment}", namespace.name());
    let address = get_path(&pods, ".items[*].status.podIP").await?;
    address.parse().with_context(|| format!("{address:?} is not one Pod's address"))
}

/// Waits until the status of an Ingress has exactly these addresses.
async fn has_addresses(namespace: &Namespace, ingress: &str, addresses: &Value) -> Result<()> {
    let ingress = format!("ingress {ingress} --namespace={}", namespace.name());
    eventually(&format!("{addresses} in the status of an Ingress"), async || {
        let status = get_path(&ingress, ".status.loadBalancer.ingress").await?;
        let status: Value = serde_json::from_str(&status).with_context(|| format!("its status has {status:?}"))?;
        ensure!(status == *addresses, "its status has {status}");
        Ok(())
    })
    .await
}
