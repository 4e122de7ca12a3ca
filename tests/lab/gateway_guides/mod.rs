//! Five of the guides by which users learn Gateway API, each taken to its end: a simple Gateway, routes of several namespaces,
//! traffic splitting, TLS, and gRPC.
//!
//! Adit is installed with `loadbalancer.yaml` and `gateway-api.yaml`, by default as a user would, and for all guides together: so
//! each has hosts of its own, but for the first, which has those that are left. The objects are files, applied with kubectl. What
//! a user is told is in their statuses, and requests go to the address that stands there.

mod cross_namespace;
mod grpc;
mod simple;
mod splitting;
mod tls;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use tests::lab::{Answer, Entry, Installed, Manifest, Namespace, eventually, get, give_address, install_gateway_api};

/// The class that the files name, and the namespace that its Adit is in.
const CLASS: &str = "adit-gateway-guides";
/// What a provider of load balancers gives its Service.
const ADDRESS: &str = "203.0.113.40";
/// Answers in a row by which everybody is known to give them: by chance one of two replicas of Adit gives all of them once in
/// 2^9 times.
const IN_A_ROW: usize = 10;
/// Answers by which shares are judged, and those of them that one in ten is, and one in two: each 4 standard deviations around it at
/// least. Neither is taken for the other.
const ANSWERS: usize = 200;
const ONE_IN_TEN: RangeInclusive<usize> = 3..=50;
const ONE_IN_TWO: RangeInclusive<usize> = 70..=130;
/// A route that is served as it asks.
const SERVED: [&str; 2] = ["Accepted True Accepted", "ResolvedRefs True ResolvedRefs"];

/// The Adit of all guides, once it has an address.
async fn adit() -> Result<Installed> {
    install_gateway_api().await?;
    let controller = format!("--gateway-controller={CLASS}.dev/gateway-controller");
    let manifest = Manifest::read("loadbalancer")?.and("gateway-api")?.arguments(&[&controller])?;
    let adit = Installed::shared_as("gateway-guides", manifest).await?;
    give_address(&format!("{}/adit", adit.name), ADDRESS).await?;
    Ok(adit)
}

/// Where the clients of a Gateway find it, by its status, once it is served.
async fn address_of(namespace: &Namespace, gateway: &str) -> Result<Entry> {
    let served = ["Accepted True Accepted", "Programmed True Programmed"];
    let status = comes_to(namespace, &format!("gateway {gateway}"), "", &served).await?;
    ensure!(status["addresses"] == json!([{"type": "IPAddress", "value": ADDRESS}]), "{}", status["addresses"]);
    Ok(Entry::standard_ports(ADDRESS.parse()?))
}

/// Waits until the status of an object, such as `httproute shop`, has these conditions, each as `TYPE STATUS REASON`, for the
/// object as it is now. `at` is the part that has them, as a JSON pointer. Returns that part.
async fn comes_to(namespace: &Namespace, object: &str, at: &str, conditions: &[&str]) -> Result<Value> {
    status_of(namespace, object, at, |part, generation| {
        let told = part["conditions"].as_array().into_iter().flatten();
        let told = told.filter(|condition| condition["observedGeneration"] == *generation);
        let told: BTreeSet<_> = told.map(in_words).collect();
        let missing: Vec<_> = conditions.iter().filter(|condition| !told.contains(**condition)).collect();
        ensure!(missing.is_empty(), "it has no {missing:?}: {part}");
        Ok(())
    })
    .await
}

/// Waits until the one listener of a Gateway has so many routes.
async fn has_routes(namespace: &Namespace, gateway: &str, routes: usize) -> Result<()> {
    status_of(namespace, &format!("gateway {gateway}"), "/listeners/0", |listener, _| {
        ensure!(listener["attachedRoutes"] == routes, "it has not {routes} routes: {listener}");
        Ok(())
    })
    .await
    .map(drop)
}

/// Waits until a part of an object's status is as it should be for this generation of the object.
async fn status_of(
    namespace: &Namespace,
    object: &str,
    at: &str,
    judge: impl Fn(&Value, &Value) -> Result<()>,
) -> Result<Value> {
    eventually(&format!("the status of {object}"), async || {
        let object = get(&format!("{object} --namespace={}", namespace.name())).await?;
        let part = object["status"].pointer(at).with_context(|| format!("{} has no {at}", object["status"]))?;
        judge(part, &object["metadata"]["generation"])?;
        Ok(part.clone())
    })
    .await
}

fn in_words(condition: &Value) -> String {
    ["type", "status", "reason"].map(|field| condition[field].as_str().unwrap_or_default()).join(" ")
}

/// Waits until a request is answered as it should be, by every replica of Adit.
async fn comes_back(
    entry: &Entry,
    (host, path): (&str, &str),
    headers: &[(&str, &str)],
    judge: impl Fn(&Answer) -> Result<()>,
) -> Result<()> {
    eventually(&format!("the answer to http://{host}{path} {headers:?}"), async || {
        for _ in 0..IN_A_ROW {
            judge(&entry.request("GET", host, path, headers).await?)?;
        }
        Ok(())
    })
    .await
}

/// Waits until it is answered by this Service.
async fn leads(entry: &Entry, (host, path): (&str, &str), service: &str) -> Result<()> {
    comes_back(entry, (host, path), &[], |answer| is_from(answer, service)).await
}

fn is_from(answer: &Answer, service: &str) -> Result<()> {
    let from = answer.service()?;
    ensure!(from == service, "answered by {from}, not by {service}");
    Ok(())
}
