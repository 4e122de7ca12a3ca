//! Ingresses as public Helm charts suggest them (`tests/cases/charts`): what Adit says of them, and what the documentation does.

use anyhow::Result;
use std::path::Path;
use tests::case::Case;
use tests::checked::said_of;

const DOCUMENTED: &str = include_str!("../../docs/differences.md");

fn charts() -> Result<Vec<Case>> {
    let mut cases = Case::load_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))?;
    cases.retain(|case| case.name.starts_with("charts/"));
    Ok(cases)
}

#[tokio::test]
async fn nothing_is_said_of_charts_but_what_their_cases_name() -> Result<()> {
    let mut wrong = Vec::new();
    for case in charts()? {
        let (said, named) = (said_of(&case).await?, &case.spec.diagnostics);
        let unnamed = said.iter().filter(|line| !named.iter().any(|part| line.contains(part)));
        wrong.extend(unnamed.map(|line| format!("{}: says {line}", case.name)));
        let unsaid = named.iter().filter(|part| !said.iter().any(|line| line.contains(*part)));
        wrong.extend(unsaid.map(|part| format!("{}: says nothing of {part}", case.name)));
    }
    assert_eq!(wrong, [""; 0]);
    Ok(())
}

#[test]
fn the_documented_charts_are_those_of_the_cases() -> Result<()> {
    let (_, section) = DOCUMENTED.split_once("## Charts").unwrap_or_default();
    let (_, list) = section.split_once("are served whole:").unwrap_or_default();
    let (list, _) = list.split_once('.').unwrap_or_default();
    let documented: Vec<_> = list.split(',').map(|name| name.trim().trim_matches('`')).collect();
    let cases = charts()?;
    let names: Vec<_> = cases.iter().filter_map(|case| case.name.strip_prefix("charts/")).collect();
    assert_eq!(documented, names);
    Ok(())
}
