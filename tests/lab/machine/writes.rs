//! What Adit writes to a cluster, by the API server's log.

use super::audit::{Audit, Entry};
use crate::replicas::holder;
use crate::routes::{addressed, ingress};
use anyhow::{Result, ensure};
use std::time::Duration;
use tests::lab::{Echo, Installed, Manifest, Namespace, give_address, rolled_out};
use tokio::time::sleep;

#[tokio::test]
async fn only_the_holder_of_the_lease_writes_and_once_each() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create("writes").await?;
    Echo::new("hello").start(&namespace).await?;
    let leader = holder(&adit).await?;
    let mut audit = Audit::of(&adit.name, "adit")?;
    for name in ["writes-1", "writes-2", "writes-3"] {
        namespace.apply(&ingress(&adit.name, name, &format!("{name}.example.com"), "hello", 80).to_string()).await?;
        addressed(&namespace, name).await?;
    }
    let is_status = |entry: &&Entry| entry.resource == "ingresses/status" && entry.namespace == namespace.name();
    let writers: Vec<_> = audit.read()?.iter().filter(is_status).map(|entry| entry.pod.clone()).collect();
    ensure!(writers.len() == 3, "three Ingresses, written {} times: {writers:?}", writers.len());
    ensure!(writers.iter().all(|writer| *writer == leader), "{leader} holds the Lease, and {writers:?} wrote");
    Ok(())
}

/// Of an Adit that has one namespace to itself, with an Ingress to look after, where nobody else does anything: by the
/// API server's clock, since other tests go on meanwhile. It hardly works, so it has no turn, and begins with the first.
#[tokio::test]
async fn five_idle_minutes_show_no_write_but_renewals_of_the_lease() -> Result<()> {
    const SECONDS: i64 = 5 * 60;
    // With a class of its own, or the other Adit would write an address of its own.
    let manifest = Manifest::read("namespaced")?.with("--ingress-class=adit", "--ingress-class=idle")?;
    let namespace = Namespace::create("idle").await?;
    namespace.apply(manifest.documents()).await?;
    rolled_out(namespace.name(), "deployment/adit").await?;
    give_address(&format!("{}/adit", namespace.name()), "203.0.113.11").await?;
    Echo::new("hello").start(&namespace).await?;
    namespace.apply(&ingress("idle", "idle", "idle.example.com", "hello", 80).to_string()).await?;
    addressed(&namespace, "idle").await?;

    let mut audit = Audit::of(namespace.name(), "adit")?;
    audit.skip()?;
    loop {
        let writes: Vec<_> = audit.read()?.iter().filter(|entry| entry.is_write()).collect();
        let other = writes.iter().find(|entry| entry.resource != "leases" || entry.verb != "update");
        ensure!(other.is_none(), "written while nothing happened: {other:?}");
        if let [first, .., last] = writes.as_slice()
            && last.second - first.second >= SECONDS
        {
            println!("{} renewals in {} s, and no other write", writes.len(), last.second - first.second);
            return Ok(());
        }
        sleep(Duration::from_secs(1)).await;
    }
}
