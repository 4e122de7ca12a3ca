//! `adit migrate`, from the manifests and the log of an ingress-nginx to the report.

mod cluster;
mod live;
mod replay;
mod report;

use super::ADIT;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// An ingress-nginx with arguments and a ConfigMap, and Ingresses of every fate.
const CONTROLLER: &str = include_str!("controller.yaml");
const INGRESSES: &str = include_str!("ingresses.yaml");

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).expect("a file");
    }
    directory
}

fn usual() -> TempDir {
    directory(&[("controller.yaml", CONTROLLER), ("ingresses.yaml", INGRESSES)])
}

fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>, input: &[u8]) -> Output {
    let mut command = Command::new(ADIT);
    command.arg("migrate").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("adit runs");
    let mut stdin = process.stdin.take().expect("its input");
    let input = input.to_vec();
    // A process that does not read to the end is no fault of the writer.
    let writer = std::thread::spawn(move || stdin.write_all(&input).is_ok());
    let output = process.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends");
    output
}

fn text(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let output = run(arguments, b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The report as JSON, of a directory and further arguments.
fn report(directory: &TempDir, arguments: &[&str]) -> Value {
    let paths = [directory.path().to_str().expect("a path"), "--output=json"];
    serde_json::from_str(&text(paths.iter().chain(arguments))).expect("JSON")
}

/// The elements of an array that have these texts.
fn select<'v>(array: &'v Value, texts: &[(&str, &str)]) -> Vec<&'v Value> {
    let elements = array.as_array().expect("an array");
    elements.iter().filter(|element| texts.iter().all(|(key, text)| element[*key] == *text)).collect()
}

/// The one element that has these texts.
fn one<'v>(array: &'v Value, texts: &[(&str, &str)]) -> &'v Value {
    let found = select(array, texts);
    assert_eq!(found.len(), 1, "{texts:?} in {array:#}");
    found[0]
}
