//! Our Grafana dashboard, `manifests/grafana/adit.json`.

use super::World;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::Path;

/// What there is nothing of in this world: they must be known, and their queries must be right.
const ABSENT: [&str; 5] = [
    "adit_ejected_endpoints",
    "adit_mirror_lost_copies_total",
    "adit_retries_total",
    "adit_tls_handshake_failures_total",
    "adit_trace_spans_dropped_total",
];

#[tokio::test]
async fn every_panel_of_our_dashboard_has_data_and_so_has_what_we_tell_keda_to_ask() -> Result<()> {
    let mut queries = queries(&dashboard()?)?;
    let integrations = read("docs/integrations.md")?;
    let of_keda = integrations.lines().find_map(|line| line.trim().strip_prefix("query: ")).context("KEDA's query")?;
    queries.push(of_keda.to_owned());
    assert!(queries.len() > 30, "{} queries", queries.len());
    let world = World::start().await?;
    for query in &queries {
        if ABSENT.iter().any(|name| query.contains(name)) {
            world.prometheus.query(query).await?;
        } else {
            world.answers(query).await.with_context(|| query.clone())?;
        }
    }
    Ok(())
}

#[test]
fn our_dashboard_asks_for_metrics_that_there_are() -> Result<()> {
    let known = read("docs/metrics.md")?;
    for query in queries(&dashboard()?)? {
        let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let metrics =
            words.filter(|word| ["adit_", "nginx_ingress_", "process_"].iter().any(|own| word.starts_with(own)));
        for metric in metrics {
            let name = metric.strip_suffix("_bucket").unwrap_or(metric);
            ensure!(known.contains(&format!("| `{name}` |")), "{query}: there is no metric {name}");
        }
    }
    Ok(())
}

#[test]
fn panels_of_our_dashboard_do_not_overlap() -> Result<()> {
    let dashboard = dashboard()?;
    let mut taken = std::collections::BTreeSet::new();
    for panel in panels(&dashboard)? {
        let place = |key: &str| panel["gridPos"][key].as_u64().with_context(|| format!("{panel}: no {key}"));
        let (x, y, width, height) = (place("x")?, place("y")?, place("w")?, place("h")?);
        ensure!(x + width <= 24, "{}: too wide", panel["title"]);
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            ensure!(taken.insert(cell), "{}: lies over another one", panel["title"]);
        }
    }
    Ok(())
}

fn read(path: &str) -> Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).with_context(|| path.to_owned())
}

fn dashboard() -> Result<Value> {
    Ok(serde_json::from_str(&read("manifests/grafana/adit.json")?)?)
}

fn panels(dashboard: &Value) -> Result<&Vec<Value>> {
    dashboard["panels"].as_array().context("panels")
}

/// The queries of all panels, with everything chosen.
fn queries(dashboard: &Value) -> Result<Vec<String>> {
    let variables = dashboard["templating"]["list"].as_array().context("variables")?;
    let mut names =
        variables.iter().map(|variable| variable["name"].as_str().context("a name")).collect::<Result<Vec<_>>>()?;
    // The longer before the shorter that they begin with.
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let targets = panels(dashboard)?.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets
        .map(|target| {
            let query = target["expr"].as_str().context("a query")?.replace("$__rate_interval", "2m");
            let query = names.iter().fold(query, |query, name| query.replace(&format!("${name}"), ".*"));
            ensure!(!query.contains('$') || query.contains("${1}"), "{query}: an unknown variable");
            Ok(query)
        })
        .collect()
}
