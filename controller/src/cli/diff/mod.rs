//! `adit diff`: what a change of manifests does to what is served.
//!
//! Both versions are translated and compiled ([`versions`]). What differs between them by host is found ([`changes`]), and
//! what sample requests would get ([`requests`]), made into a [`Report`], and written ([`text`], [`github`], or as JSON).

mod changes;
mod fields;
mod github;
mod report;
mod requests;
mod text;
mod versions;

use super::arguments::{self, PATHS, format, settings_of, write_stdout};
use super::flags::{self, Topic};
use crate::settings::Settings;
use anyhow::Context as _;
use clap::builder::PathBufValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use report::Report;
use std::path::PathBuf;
use std::process::ExitCode;
use versions::Versions;

/// The exit code where there is one, as of diff(1).
const DIFFERENCES: u8 = 1;

pub(super) fn command() -> Command {
    let path = |name: &'static str| Arg::new(name).value_parser(PathBufValueParser::new());
    Command::new("diff")
        .about("Print what a change of manifests does to what is served; exit with code 1 if it does anything, 2 on an error")
        .arg(path("old").value_name("OLD").required(true).help(format!("{PATHS}, as they are")))
        .arg(path("new").value_name("NEW").required_unless_present("file").help("The same as they are to be"))
        .arg(
            path("file")
                .short('f')
                .long("file")
                .value_name("FILE")
                .action(ArgAction::Append)
                .conflicts_with("new")
                .help("Objects that are added to OLD, or replace those of the same name there, in place of NEW; may be repeated"),
        )
        .arg(path("requests").long("requests").value_name("FILE").help(
            "Requests to compare, one a line: a URL, or a method and a URL. Default: one for each route, as far as its path \
             says one",
        ))
        .arg(arguments::output().value_parser(["text", "json", "github"]).help(
            "Format of the output: text for people, json for programs, github for annotations in GitHub Actions",
        ))
        .args(flags::args(&[Topic::Objects]))
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let settings = settings_of(matches, Settings::default())?;
    let all = |name: &str| matches.get_many::<PathBuf>(name).unwrap_or_default().cloned().collect::<Vec<_>>();
    let versions = Versions::read(&all("old"), &all("new"), &all("file"), &settings.controller)?;
    let samples = match matches.get_one::<PathBuf>("requests") {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let text = text.with_context(|| format!("--requests: cannot read {}", path.display()))?;
            requests::parse(&text).map_err(|error| anyhow::anyhow!("--requests: {}: {error}", path.display()))?
        }
        None => requests::samples(&versions),
    };
    let report = Report::of(&versions, &samples);
    match format(matches) {
        "json" => write_stdout(&format!("{}\n", serde_json::to_string_pretty(&report)?))?,
        "github" => write_stdout(&github::annotations(&report))?,
        _ => write_stdout(&report.to_string())?,
    }
    Ok(if report.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENCES) })
}
