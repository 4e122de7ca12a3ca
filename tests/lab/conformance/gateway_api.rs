//! The conformance suite of Gateway API itself, built from the Go module of `tests/tools/gateway-conformance`. It chooses
//! its tests by the features that our GatewayClass claims.
//!
//! It takes minutes, so that only `make conformance` runs it. Its report is the file [`REPORT`], in the form in which
//! projects hand theirs in.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Stdio;
use tests::lab::{Installed, Manifest, apply, install_gateway_api};
use tokio::process::Command;

/// What is played.
const PROFILES: [&str; 5] = ["GATEWAY-HTTP", "GATEWAY-GRPC", "GATEWAY-TCP", "GATEWAY-TLS", "GATEWAY-UDP"];
/// What is known to fail.
const FAILING: [&str; 0] = [];

/// Cluster IPs of the lab, far behind those that are given to Services that ask for none, and one that is none.
const USABLE: &str = "10.96.200.200";
const UNUSABLE: &str = "203.0.113.99";

const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/gateway-conformance");
/// Where the report is written, from the repository's root.
const REPORT: &str = "target/gateway-api-conformance.yaml";
/// What the suite says meanwhile.
const LOG: &str = "target/gateway-api-conformance.log";

#[tokio::test]
#[ignore = "`make conformance` runs it"]
async fn gateway_api() -> Result<()> {
    let adit = with_services("gateway-conformance").await?;
    adit.assign(json!([{"ip": "203.0.113.20"}])).await?;

    run_suite(&adit).await?;
    let report = report()?;
    println!("{}", summary(&report)?);
    let failed = failed(&report);
    ensure!(failed == BTreeSet::from(FAILING), "{failed:?} failed, expected {FAILING:?}: see {LOG}");
    Ok(())
}

/// An Adit whose Gateways have a Service each, with a cluster IP: the suite expects an address for each of them.
pub(super) async fn with_services(name: &str) -> Result<Installed> {
    install_gateway_api().await?;
    let mine = format!("adit-{name}");
    let controller = "controllerName: adit.dev/gateway-controller";
    let reference = json!({"group": "", "kind": "ConfigMap", "namespace": mine, "name": "gateways"});
    let manifest = Manifest::read("loadbalancer")?.and("gateway-api")?.and("gateway-services")?;
    let manifest = manifest.with(controller, &format!("{controller}\n  parametersRef: {reference}"))?;
    let argument = format!("--gateway-controller={mine}.dev/gateway-controller");
    let adit = Installed::own(name, manifest.arguments(&[&argument])?).await?;
    let metadata = json!({"name": "gateways", "namespace": mine});
    let parameters =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"service-type": "ClusterIP"}});
    apply(&parameters.to_string()).await?;
    Ok(adit)
}

/// Runs it to its end, whatever fails.
async fn run_suite(adit: &Installed) -> Result<()> {
    let log = std::fs::File::create(at_root(LOG))?;
    // One of an earlier run would be taken for this one's.
    let _ = std::fs::remove_file(at_root(REPORT));
    let mut suite = Command::new(format!("{SUITE}/suite"));
    suite
        .arg("-test.v")
        .arg("-test.timeout=60m")
        .arg(format!("--gateway-class={}", adit.name))
        .arg(format!("--conformance-profiles={}", PROFILES.join(",")))
        .arg(format!("--usable-address={USABLE}"))
        .arg(format!("--unusable-address={UNUSABLE}"))
        .arg(format!("--report-output={}", at_root(REPORT)))
        .args(["--organization=adit", "--project=adit", "--url=https://adit.dev", "--contact=https://adit.dev"])
        .arg(format!("--version={}", env!("CARGO_PKG_VERSION")));
    let run = suite.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true).status();
    run.await.context("cannot run the suite").map(drop)
}

fn report() -> Result<Value> {
    let text = std::fs::read_to_string(at_root(REPORT)).context("the suite has written no report")?;
    Ok(serde_saphyr::from_str(&text)?)
}

/// The tests that failed, or that were skipped although we claim their features.
fn failed(report: &Value) -> BTreeSet<&str> {
    let profiles = report["profiles"].as_array().into_iter().flatten();
    let parts = profiles.flat_map(|profile| [&profile["core"], &profile["extended"]]);
    let lists = parts.flat_map(|part| [&part["failedTests"], &part["skippedTests"]]);
    lists.filter_map(Value::as_array).flatten().filter_map(Value::as_str).collect()
}

/// For each profile, how many tests of its core and of the features beyond it passed, failed and were skipped, and which.
fn summary(report: &Value) -> Result<String> {
    let mut lines = vec![format!("Gateway API {}:", report["gatewayAPIVersion"].as_str().unwrap_or_default())];
    for profile in report["profiles"].as_array().context("a report without profiles")? {
        let name = profile["name"].as_str().unwrap_or_default();
        for part in ["core", "extended"] {
            let found = &profile[part];
            let count = |what: &str| found["statistics"][what].as_u64().unwrap_or_default();
            let (passed, failed, skipped) = (count("Passed"), count("Failed"), count("Skipped"));
            lines.push(format!("  {name} {part}: {passed} passed, {failed} failed, {skipped} skipped"));
            for what in ["failedTests", "skippedTests", "supportedFeatures", "unsupportedFeatures"] {
                let names: Vec<_> = found[what].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                if !names.is_empty() {
                    lines.push(format!("    {what}: {}", names.join(" ")));
                }
            }
        }
    }
    Ok(lines.join("\n"))
}

fn at_root(path: &str) -> String {
    format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))
}
