//! What clients may ask of several replicas: each counts for itself, or all share.

use crate::routes::{ingress, leads};
use anyhow::{Result, bail, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use tests::connection::Connection;
use tests::lab::{Echo, Entry, Installed, Manifest, Namespace, eventually, rolled_out};
use tokio::time::Instant;

const HOST: &str = "limits.example.com";
/// `limit-rps`.
const RATE: u32 = 1;
/// `limit-burst-multiplier`: with this rate, how many requests may come at once beyond the first.
const BURST: u32 = 10;
/// More than a client may make at once of one replica, so that some are refused.
const REQUESTS: u32 = 15;
const CLIENTS: u8 = 100;

#[tokio::test]
async fn replicas_count_each_for_itself_or_share_limits() -> Result<()> {
    let adit = Installed::own("limits", Manifest::read("loadbalancer")?).await?;
    let namespace = Namespace::create("limits").await?;
    Echo::new("hello").start(&namespace).await?;
    let mut limited = ingress(&adit.name, "hello", HOST, "hello", 80);
    limited["metadata"]["annotations"] = json!({
        "nginx.ingress.kubernetes.io/limit-rps": RATE.to_string(),
        "nginx.ingress.kubernetes.io/limit-burst-multiplier": BURST.to_string(),
    });
    namespace.apply(&limited.to_string()).await?;
    leads(&adit, HOST, "hello").await?;
    let mut clients = Clients::default();

    namespace.apply(&configured(&adit, "each").to_string()).await?;
    clients.are_limited(&adit, 2, 1).await?;
    namespace.apply(&configured(&adit, "share").to_string()).await?;
    for replicas in [2, 3, 1] {
        adit.kubectl(&format!("scale deployment adit --replicas={replicas}")).await?;
        rolled_out(&adit.name, "deployment/adit").await?;
        clients.are_limited(&adit, replicas, replicas).await?;
    }
    Ok(())
}

/// The ConfigMap of an Adit that clients tell their addresses, as a load balancer would.
fn configured(adit: &Installed, limit_replicas: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "adit", "namespace": adit.name},
        "data": {"use-forwarded-headers": "true", "limit-replicas": limit_replicas},
    })
}

/// Clients that were not seen before.
#[derive(Debug, Default)]
struct Clients {
    seen: u32,
}

impl Clients {
    /// Waits until each of so many replicas lets a client have one of so many parts of the limit, and has many clients ask
    /// all replicas at once.
    async fn are_limited(&mut self, adit: &Installed, replicas: u32, parts: u32) -> Result<()> {
        let pods = adit.pods().await?;
        ensure!(pods.len() == replicas as usize, "{} Pods of Adit, not {replicas}", pods.len());
        for pod in &pods {
            eventually(&format!("one of {parts} parts of the limit at each of {replicas} replicas"), async || {
                // Two at once: a replica that does not tell them apart lets one of them have less.
                let [one, other] = [self.next(), self.next()];
                for count in try_join_all([one.ask(pod), other.ask(pod)]).await? {
                    let expected = count.expected(parts);
                    ensure!(expected.start() == expected.end(), "it took so long that it tells nothing: {count:?}");
                    count.is_expected(parts)?;
                }
                Ok(())
            })
            .await?;
        }
        let clients: Vec<Client> = (0..CLIENTS).map(|_| self.next()).collect();
        let counts = try_join_all(clients.iter().map(|client| client.ask_all(&pods))).await?;
        for count in counts.iter().flatten() {
            count.is_expected(parts)?;
        }
        let sums = counts.iter().map(|counts| counts.iter().map(|count| count.let_through).sum::<u32>());
        let (Some(least), Some(most)) = (sums.clone().min(), sums.max()) else { bail!("no clients") };
        println!("replicas: {replicas}, parts: {parts}, requests of a client let through: {least} to {most}");
        Ok(())
    }

    fn next(&mut self) -> Client {
        self.seen += 1;
        Client(Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 0).to_bits() + self.seen))
    }
}

/// A client with this address.
#[derive(Clone, Copy, Debug)]
struct Client(Ipv4Addr);

impl Client {
    async fn ask_all(self, pods: &[Entry]) -> Result<Vec<Count>> {
        try_join_all(pods.iter().map(|pod| self.ask(pod))).await
    }

    /// Makes its requests of one replica.
    async fn ask(self, pod: &Entry) -> Result<Count> {
        let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-For: {}\r\n\r\n", self.0);
        let mut connection = Connection::open(pod.http).await?;
        let began = Instant::now();
        let mut let_through = 0;
        for _ in 0..REQUESTS {
            connection.send(&request).await?;
            match connection.response("GET").await?.status {
                200 => let_through += 1,
                503 => {}
                status => bail!("status {status}"),
            }
        }
        // Adit's clock may have counted one more than ours, which has one more begun.
        let milliseconds = u32::try_from(began.elapsed().as_millis())?.saturating_add(2);
        Ok(Count { let_through, milliseconds })
    }
}

/// How many of a client's requests a replica has let through.
#[derive(Clone, Copy, Debug)]
struct Count {
    let_through: u32,
    /// What they took at most.
    milliseconds: u32,
}

impl Count {
    /// How many may be let through with one of so many parts of the limit: the first, the burst, and what is forgiven
    /// meanwhile.
    fn expected(self, parts: u32) -> RangeInclusive<u32> {
        let thousandths = 1000 * BURST + RATE * self.milliseconds;
        1 + BURST / parts..=1 + thousandths / (1000 * parts)
    }

    fn is_expected(self, parts: u32) -> Result<()> {
        let expected = self.expected(parts);
        ensure!(expected.contains(&self.let_through), "{self:?} with one of {parts} parts: expected {expected:?}");
        Ok(())
    }
}
