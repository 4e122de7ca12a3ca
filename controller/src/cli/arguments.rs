//! What several commands take, and how they print.

use crate::source::directory::STANDARD_INPUT;
use anyhow::Context as _;
use clap::builder::PathBufValueParser;
use clap::{Arg, ArgMatches};
use serde::Serialize;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

pub(super) const PATHS: &str = "Files, or directories of files, with Kubernetes objects as YAML or JSON";

pub(super) fn paths() -> Arg {
    Arg::new("paths")
        .value_name("PATH")
        .required(true)
        .num_args(1..)
        .value_parser(PathBufValueParser::new())
        .help(format!("{PATHS}; {STANDARD_INPUT} is standard input"))
}

pub(super) fn output() -> Arg {
    Arg::new("output")
        .long("output")
        .short('o')
        .value_name("FORMAT")
        .value_parser(["text", "json"])
        .default_value("text")
        .help("Format of the output: text for people, json for programs")
}

pub(super) fn paths_of(matches: &ArgMatches) -> Vec<PathBuf> {
    matches.get_many::<PathBuf>("paths").unwrap_or_default().cloned().collect()
}

/// Makes sure that all of these files and directories can be read.
///
/// # Errors
/// Names the first that cannot.
pub(super) fn expect_readable(paths: &[PathBuf]) -> anyhow::Result<()> {
    paths.iter().try_for_each(|path| {
        let readable = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => path.read_dir().map(drop),
            Ok(metadata) if metadata.is_file() => File::open(path).map(drop),
            other => other.map(drop),
        };
        readable.with_context(|| format!("cannot read {}: expected a file or directory with manifests", path.display()))
    })
}

/// The format that `--output` asks for.
pub(super) fn format(matches: &ArgMatches) -> &str {
    matches.get_one::<String>("output").map_or("text", String::as_str)
}

/// Prints an answer in the form that `--output` asks for.
pub(super) fn print(matches: &ArgMatches, answer: &(impl Display + Serialize)) -> anyhow::Result<()> {
    match format(matches) {
        "json" => write_stdout(&format!("{}\n", serde_json::to_string_pretty(answer)?)),
        _ => write_stdout(&answer.to_string()),
    }
}

pub(super) fn write_stdout(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}
