//! The tests of the binary that calls, as its own harness lists them.

use anyhow::{Result, ensure};
use std::env;
use std::process::Command;

/// The names of the tests that this binary runs: those that are not ignored.
///
/// # Errors
/// If the binary does not list them.
pub fn active() -> Result<Vec<String>> {
    let (all, ignored) = (list(&["--list"])?, list(&["--list", "--ignored"])?);
    let active = not_ignored(&all, &ignored);
    ensure!(!active.is_empty(), "no test is listed: {all:?}");
    Ok(active.into_iter().map(str::to_owned).collect())
}

/// Returns the prefixes, such as `module::case_`, for which this binary runs no test: no name begins so, or the test is
/// ignored.
///
/// # Errors
/// As [`active`].
pub fn missing<'a>(prefixes: &[&'a str]) -> Result<Vec<&'a str>> {
    let active = active()?;
    let is_missing = |prefix: &&&str| !active.iter().any(|name| name.starts_with(**prefix));
    Ok(prefixes.iter().filter(is_missing).copied().collect())
}

fn list(arguments: &[&str]) -> Result<String> {
    let output = Command::new(env::current_exe()?).args(arguments).args(["--format", "terse"]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The names in the first list that are not in the second.
fn not_ignored<'a>(all: &'a str, ignored: &str) -> Vec<&'a str> {
    let ignored: Vec<_> = names(ignored).collect();
    names(all).filter(|name| !ignored.contains(name)).collect()
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter_map(|line| line.strip_suffix(": test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_test_is_not_active() {
        assert_eq!(not_ignored("a::b: test\na::c: test\nd: test\ne: benchmark\n", "a::c: test\n"), ["a::b", "d"]);
    }

    #[test]
    fn a_prefix_without_a_test_is_missing() -> Result<()> {
        let prefixes = ["listed::tests::a_prefix_", "listed::tests::no_such_"];
        assert_eq!(missing(&prefixes)?, ["listed::tests::no_such_"]);
        Ok(())
    }
}
