//! The workflows of GitHub run what `make` runs: a target that is renamed takes its workflow along.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_targets_that_workflows_make_are_there() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let makefile = std::fs::read_to_string(root.join("Makefile"))?;
    let targets: BTreeSet<&str> = makefile.lines().filter_map(|line| line.strip_prefix(".PHONY: ")).collect();
    let mut made = BTreeSet::new();
    for file in std::fs::read_dir(root.join(".github/workflows")).context("the workflows")? {
        let (path, text) = file.and_then(|file| Ok((file.path(), std::fs::read_to_string(file.path())?)))?;
        let steps =
            text.lines().filter_map(|line| line.split_once("make ")).filter(|(before, _)| before.contains("run:"));
        for (_, target) in steps {
            let target = target.split_whitespace().next().unwrap_or_default().to_owned();
            ensure!(targets.contains(&*target), "{}: the Makefile has no target {target:?}", path.display());
            made.insert(target);
        }
    }
    for target in ["lint", "audit", "test-fast", "test-cluster", "fuzz", "release", "release-check", "site"] {
        assert!(made.contains(target), "no workflow makes {target}");
    }
    Ok(())
}
