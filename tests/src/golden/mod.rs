//! Golden files: `config.snap` beside a case is the [`Update`] that each of its steps is translated into.
//!
//! They are committed, so that a change of translation shows in review. `make goldens` writes them. Fields with their
//! default are not in them (see [`Tree::without`]), so a new field changes only the files of cases that set it. A
//! certificate is named by its Secret, since the tests issue a new one in each run.

mod tree;

use crate::case::{Case, Mode};
use crate::cluster::{Cluster, Network};
use crate::drivers::{Objects, settings};
use anyhow::{Context, Result, bail};
use controller::store::Store;
use controller::translate::Translator;
use gateway::config::{
    Backend, BackendPolicies, GatewaySettings, HostPolicies, PathMatching, RoutePolicies, ServiceBackend, Update,
};
use std::path::Path;
use std::{env, fs};
use tree::Tree;

/// The name of a golden file.
const FILE: &str = "config.snap";

/// The environment variable with which the files are written instead of compared.
pub(crate) const WRITE: &str = "ADIT_TEST_WRITE_GOLDENS";

/// Translates a case and compares the result with the golden file in this directory.
pub async fn check(case: &Case, directory: &Path) -> Result<()> {
    let (path, actual) = (directory.join(FILE), translate(case).await?);
    if env::var_os(WRITE).is_some() {
        return Ok(fs::write(path, actual)?);
    }
    let expected = fs::read_to_string(path);
    compare(&expected.with_context(|| format!("{FILE} cannot be read; `make goldens` writes it"))?, &actual)
}

/// Fails with the first line that differs.
fn compare(expected: &str, actual: &str) -> Result<()> {
    if expected == actual {
        return Ok(());
    }
    let (expected, actual): (Vec<_>, Vec<_>) = (expected.lines().collect(), actual.lines().collect());
    let first = expected.iter().zip(&actual).take_while(|(expected, actual)| expected == actual).count();
    let line = |lines: &[&str]| lines.get(first).map_or("(the end)", |line| line).to_owned();
    bail!(
        "the translation differs from line {} of {FILE}\nexpected: {}\nactual:   {}\n\
        if the change is right, `make goldens` writes the files",
        first + 1,
        line(&expected),
        line(&actual)
    )
}

/// What a case is translated into. Modes with the same result share a section.
async fn translate(case: &Case) -> Result<String> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for &mode in &case.spec.modes {
        let updates = updates(case, mode).await.with_context(|| format!("{mode:?}"))?;
        match sections.iter_mut().find(|(_, other)| *other == updates) {
            Some((modes, _)) => *modes += &format!(", {mode:?}"),
            None => sections.push((format!("{mode:?}"), updates)),
        }
    }
    Ok(sections.iter().map(|(modes, updates)| format!("# {modes}\n{updates}")).collect())
}

/// The update of each step.
async fn updates(case: &Case, mode: Mode) -> Result<String> {
    let settings = settings(case, mode)?.controller;
    let defaults = defaults(settings.path_matching)?;
    let (mut objects, mut store, mut translator) = (Objects::default(), Store::new(), Translator::new(settings));
    let mut cluster = Cluster::new(Network::imaginary(), &case.spec.dns).await?;
    for object in &case.objects {
        cluster.apply(object.clone())?;
    }
    let mut steps = case.spec.then.iter();
    let mut text = String::new();
    loop {
        let events = objects.events(&cluster.documents().await?)?;
        let changes: Vec<_> = events.into_iter().flat_map(|event| store.apply(event)).collect();
        text += &show(&translator.translate(&store, &changes), &defaults)?;
        let Some(step) = steps.next() else { return Ok(text) };
        for object in &step.apply {
            cluster.apply(object.clone())?;
        }
        for key in &step.delete {
            cluster.delete(key)?;
        }
    }
}

fn show(update: &Update, defaults: &[Tree]) -> Result<String> {
    let mut tree = Tree::of(update)?.without(defaults);
    // Their order has no meaning.
    tree.sort("hosts");
    tree.sort("entry_hosts");
    tree.sort("backends");
    Ok(format!("{tree}\n"))
}

/// The settings of an empty ConfigMap and of an Ingress without annotations, a backend without endpoints, and the
/// protocol of Services.
fn defaults(path_matching: PathMatching) -> Result<Vec<Tree>> {
    Ok(vec![
        Tree::of(&GatewaySettings { path_matching, ..GatewaySettings::default() })?,
        Tree::of(&HostPolicies::default())?,
        Tree::of(&RoutePolicies::default())?,
        Tree::of(&BackendPolicies::default())?,
        Tree::of(&Backend::at([]))?,
        Tree::of(&ServiceBackend::tcp("", "", ""))?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_reported() {
        assert!(compare("a\nb\n", "a\nb\n").is_ok());
        let report = |expected, actual| compare(expected, actual).expect_err("a difference").to_string();
        assert!(report("a\nb\n", "a\nc\nd\n").contains("line 2 of config.snap\nexpected: b\nactual:   c\n"));
        assert!(report("a\nb\n", "a\n").contains("line 2 of config.snap\nexpected: b\nactual:   (the end)\n"));
    }
}
