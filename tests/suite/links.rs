//! Links between the documents lead somewhere: to a file that is there, and to a heading of it.

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

#[test]
fn links_lead_somewhere() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository")?;
    let (mut checked, mut broken) = (0, Vec::new());
    for document in documents(root)? {
        let text = read_to_string(&document)?;
        for link in links(&text) {
            checked += 1;
            if !leads_somewhere(&document, link)? {
                broken.push(format!("{}: {link}", document.strip_prefix(root)?.display()));
            }
        }
    }
    assert!(checked > 100, "only {checked} links were found");
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
    Ok(())
}

/// The site's table of contents is written by hand: a page that is not in it is not on the site.
#[test]
fn every_page_is_on_the_site() -> Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let contents = read_to_string(docs.join("SUMMARY.md"))?;
    let listed: BTreeSet<&str> = links(&contents).collect();
    for page in std::fs::read_dir(&docs)? {
        let name = page?.file_name().into_string().ok().context("the name of a file")?;
        let is_page = name.ends_with(".md") && name != "SUMMARY.md";
        assert!(!is_page || listed.contains(&*name), "docs/SUMMARY.md does not list {name}");
    }
    Ok(())
}

/// The documents of the repository, but for what was built or fetched.
fn documents(root: &Path) -> Result<Vec<PathBuf>> {
    let is_ours = |name: &str| name != "target" && name != ".git";
    let entries = WalkDir::new(root).into_iter().filter_entry(|entry| entry.file_name().to_str().is_some_and(is_ours));
    let paths: Vec<_> = entries.map(|entry| entry.map(walkdir::DirEntry::into_path)).collect::<Result<_, _>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect())
}

/// The lines that are text, and not within a block of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The targets of links to other documents or headings.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = prose(text).flat_map(|line| line.split("](").skip(1));
    targets.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).filter(|target| !target.contains("://"))
}

fn leads_somewhere(document: &Path, link: &str) -> Result<bool> {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => document.to_owned(),
        file => document.with_file_name("").join(file),
    };
    if heading.is_empty() || !target.is_file() {
        return Ok(heading.is_empty() && target.exists());
    }
    Ok(headings(&read_to_string(target)?).contains(heading))
}

/// The headings, as links name them.
fn headings(text: &str) -> BTreeSet<String> {
    let titles = prose(text).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    titles.map(|title| title.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn a_broken_link_is_found() -> Result<()> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    assert_eq!(links("[a](b.md) `x` [c](http://h)\n```\n[d](e)\n```\n[f](#g)").collect::<Vec<_>>(), ["b.md", "#g"]);
    assert!(headings("# A b: `c`\n").contains("a-b-c"));
    for (link, leads) in [("LICENSE", true), ("docs", true), ("none.md", false), ("#none", false), ("#adit", true)] {
        assert_eq!(leads_somewhere(&document, link)?, leads, "{link}");
    }
    Ok(())
}
