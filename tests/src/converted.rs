//! Which cases `adit convert` can convert, and why it cannot the others: `cases/converted.txt`, a golden file.
//!
//! A case that it can convert is played by the driver [`crate::drivers::Converted`], and has to be answered alike.

use crate::case::{Case, Player, Request, Step};
use crate::cluster::{Cluster, Network};
use crate::drivers::{conversion, settings};
use crate::golden::WRITE;
use anyhow::{Context, Result, ensure};
use controller::convert::{Conversion, Verdict};
use serde_json::Value;
use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const FILE: &str = "converted.txt";

/// Cases about what docs/convert.md says to be different.
const DIFFERENT: &[(&str, &str)] = &[
    ("canary/upstream-name", "logs do not name the main backend of a canary"),
    ("redirect/D02-app-root", "the redirect of app-root does not keep the port"),
    ("redirect/attack-31-hosts-and-ports", "redirects do not keep the port"),
    ("upstreams/L20-external-name-comes-and-goes", "without the Service the answer is 500"),
];

/// What stands behind the name of a case that is converted.
const CONVERTED: &str = "converted";

/// The names of the cases that are converted, as the golden file has them.
///
/// # Errors
/// If it cannot be read.
pub fn names(directory: &Path) -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(directory.join(FILE)).with_context(|| FILE)?;
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    Ok(lines.filter(|(_, state)| *state == CONVERTED).map(|(name, _)| name.to_owned()).collect())
}

/// Compares what becomes of all cases with Ingresses with the golden file.
///
/// # Errors
/// If it differs, or a case cannot be converted or left.
pub async fn check(cases: &[Case], directory: &Path) -> Result<()> {
    let mut actual = String::new();
    for case in cases.iter().filter(|case| case.spec.drivers.contains(&Player::Sockets)) {
        if let Some(state) = state(case).await.with_context(|| case.name.clone())? {
            let _ = writeln!(actual, "{}: {state}", case.name);
        }
    }
    let path = directory.join(FILE);
    if env::var_os(WRITE).is_some() {
        return Ok(fs::write(path, actual)?);
    }
    let expected = fs::read_to_string(path)?;
    let changed: Vec<_> = actual.lines().filter(|line| !expected.lines().any(|known| known == *line)).collect();
    ensure!(expected == actual, "{FILE} differs; if that is right, `make goldens` writes it: {changed:#?}");
    Ok(())
}

/// What becomes of a case; `None` if it has no Ingress.
async fn state(case: &Case) -> Result<Option<String>> {
    let known = DIFFERENT.iter().filter(|(name, _)| *name == case.name).map(|(_, why)| format!("differs: {why}"));
    let mut reasons: BTreeSet<String> = known.collect();
    if case.objects.iter().any(is_of_gateway_api) {
        reasons.insert("has objects of Gateway API already".to_owned());
    }
    let mut has_ingresses = false;
    for &mode in &case.spec.modes {
        let settings = settings(case, mode)?.controller;
        let mut cluster = Cluster::new(Network::imaginary(), &case.spec.dns).await?;
        for object in &case.objects {
            cluster.apply(object.clone())?;
        }
        let first = Step { apply: Vec::new(), delete: Vec::new(), requests: Vec::new() };
        for (number, step) in std::iter::once(&first).chain(&case.spec.then).enumerate() {
            for object in &step.apply {
                cluster.apply(object.clone())?;
            }
            for key in &step.delete {
                cluster.delete(key)?;
            }
            let conversion = conversion(&cluster.documents().await?, &settings)?;
            has_ingresses |= !conversion.report.ingresses.is_empty();
            let requests = if number == 0 { &case.spec.requests } else { &step.requests };
            reasons.extend(left(&conversion));
            reasons.extend(requests.iter().filter_map(|request| beyond(request, &conversion)));
        }
    }
    let state = || match reasons.is_empty() {
        true => CONVERTED.to_owned(),
        false => reasons.into_iter().collect::<Vec<_>>().join("; "),
    };
    Ok(has_ingresses.then(state))
}

/// What is not converted, or with a difference.
fn left(conversion: &Conversion) -> impl Iterator<Item = String> {
    let findings = conversion.report.ingresses.iter().flat_map(|ingress| &ingress.findings);
    let left = findings.filter(|finding| finding.verdict < Verdict::Kept);
    left.map(|finding| format!("{} {}: {}", finding.verdict.name(), without_numbers(&finding.setting), finding.detail))
}

/// Why a request is about something that objects of Gateway API do not have.
fn beyond(request: &Request, conversion: &Conversion) -> Option<String> {
    let host = request.authority().rsplit_once(':').map_or(request.authority(), |(host, _)| host).to_ascii_lowercase();
    let is_of_other_name = request.sni.as_ref().is_some_and(|name| *name != host);
    let plain = [host, "*".to_owned()];
    let is_plain = plain.iter().any(|name| conversion.without_tls.contains(name));
    let is_beyond = [
        (request.is_https() && is_plain, "asks for HTTPS on a host without a certificate"),
        (is_of_other_name, "asks for a host by the server name of another one"),
    ];
    is_beyond.into_iter().find(|(is_beyond, _)| *is_beyond).map(|(_, why)| why.to_owned())
}

fn is_of_gateway_api(object: &Value) -> bool {
    object["apiVersion"].as_str().is_some_and(|version| version.starts_with("gateway.networking.k8s.io/"))
}

/// A field without its places in lists.
fn without_numbers(field: &str) -> String {
    field.chars().filter(|c| !c.is_ascii_digit()).collect()
}
