//! What several commands take, and how they print.

use super::flags::{self, Flags};
use super::log;
use crate::settings::Settings;
use crate::source::directory::STANDARD_INPUT;
use anyhow::Context as _;
use clap::builder::PathBufValueParser;
use clap::{Arg, ArgAction, ArgMatches};
use serde::Serialize;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

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

/// A request to explain.
pub(super) fn request() -> [Arg; 3] {
    [
        Arg::new("method").value_name("METHOD").required(true).help("Method of the request, such as GET"),
        Arg::new("url")
            .value_name("URL")
            .required(true)
            .help("URL of the request, such as http://shop.example.com/cart?id=1"),
        Arg::new("header")
            .long("header")
            .short('H')
            .value_name("NAME:VALUE")
            .action(ArgAction::Append)
            .help("Header of the request; may be repeated. Host replaces the host of the URL"),
    ]
}

/// Its headers, by name and value.
///
/// # Errors
/// One has no colon.
pub(super) fn headers_of(matches: &ArgMatches) -> anyhow::Result<Vec<(&str, &str)>> {
    matches.get_many::<String>("header").unwrap_or_default().map(|header| name_and_value(header)).collect()
}

fn name_and_value(header: &str) -> anyhow::Result<(&str, &str)> {
    let (name, value) = header
        .split_once(':')
        .with_context(|| format!("--header: {header:?} is not a header: expected the form NAME:VALUE"))?;
    Ok((name.trim(), value.trim()))
}

pub(super) fn fail_on() -> Arg {
    Arg::new("fail-on")
        .long("fail-on")
        .value_name("SEVERITY")
        .value_parser(["error", "warning"])
        .default_value("error")
        .help("What makes the exit code 1: an error, or already a warning, such as a setting without effect")
}

/// The exit code for as many errors and warnings, as `--fail-on` has it.
pub(super) fn exit_code(matches: &ArgMatches, errors: usize, warnings: usize) -> ExitCode {
    let fails_on_warnings = matches.get_one::<String>("fail-on").is_some_and(|severity| severity == "warning");
    let fails = errors > 0 || (fails_on_warnings && warnings > 0);
    if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The text of an argument; empty without it.
pub(super) fn text<'m>(matches: &'m ArgMatches, name: &str) -> &'m str {
    matches.get_one::<String>(name).map(String::as_str).unwrap_or_default()
}

pub(super) fn paths_of(matches: &ArgMatches) -> Vec<PathBuf> {
    matches.get_many::<PathBuf>("paths").unwrap_or_default().cloned().collect()
}

/// What the flags set, on top of these. The log is started as they say, and has what a person should know of them.
///
/// # Errors
/// Names the flag, its value and what was expected.
pub(super) fn settings_of(matches: &ArgMatches, defaults: Settings) -> anyhow::Result<Settings> {
    let Flags { settings, warnings } = flags::collect(matches, defaults).map_err(anyhow::Error::msg)?;
    log::start(&settings)?;
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    Ok(settings)
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
    write_bytes(text.as_bytes())
}

/// The same with what need not be text.
pub(super) fn write_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    std::io::stdout().write_all(bytes).context("cannot write to standard output")
}
