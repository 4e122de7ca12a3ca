//! `adit migrate`: what becomes of an ingress-nginx when Adit takes its place.
//!
//! One way: objects and arguments are read ([`source`]), what becomes of each setting is found ([`findings`]), and of each
//! request of a log ([`replay`]), and how two gateways that run answer ([`live`]), made into a [`Report`], and written
//! ([`text`], [`html`], or as JSON).

mod findings;
mod html;
mod live;
mod replay;
mod report;
mod shown;
mod source;
mod text;

use super::arguments::{PATHS, expect_readable, format, paths_of, write_stdout};
use super::{arguments, cluster, log};
use crate::settings::Settings;
use crate::source::directory::STANDARD_INPUT;
use clap::builder::PathBufValueParser;
use clap::{Arg, ArgMatches, Command};
use gateway::table::Route;
use live::{Pair, Sample};
use replay::Entry;
use report::Report;
use source::Source;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) fn command() -> Command {
    Command::new("migrate")
        .about("Report what becomes of each setting of an ingress-nginx: exact, different or refused, and why")
        .arg(arguments::paths().required(false).help(format!(
            "{PATHS}: Ingresses and what they name, and the ConfigMap and the Deployment of ingress-nginx; - is standard \
             input. Without any, a cluster is read, and not changed"
        )))
        .arg(cluster::kubeconfig())
        .args(cluster::args("all, or that of --watch-namespace of ingress-nginx"))
        .arg(
            Arg::new("args")
                .long("args")
                .value_name("ARGUMENTS")
                .allow_hyphen_values(true)
                .help("Arguments of ingress-nginx, separated by blanks, in place of those of its Deployment"),
        )
        .arg(Arg::new("log").long("log").value_name("FILE").value_parser(PathBufValueParser::new()).help(
            "Access log of ingress-nginx, in its default format or in lines of JSON, as text or gzip; - is standard input. The \
             report says what its requests would get from Adit. Nothing is sent without --against",
        ))
        .args(live::args())
        .arg(arguments::output().value_parser(["text", "json", "html"]).help(
            "Format of the output: text for people, json for programs, html for a page that needs no other file",
        ))
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    log::start(&Settings::default())?;
    let args = matches.get_one::<String>("args").map(String::as_str);
    let (paths, log) = (paths_of(matches), matches.get_one::<PathBuf>("log"));
    let is_input = |path: &PathBuf| *path == Path::new(STANDARD_INPUT);
    anyhow::ensure!(
        !(log.is_some_and(is_input) && paths.iter().any(is_input)),
        "--log: {STANDARD_INPUT} (standard input) holds the objects already: expected a file"
    );
    let files: Vec<_> = paths.iter().filter(|path| !is_input(path)).cloned().collect();
    expect_readable(&files)?;
    let source = match paths.is_empty() {
        true => Source::read_cluster(cluster::settings(matches, matches.get_one("kubeconfig").cloned()), args)?,
        false => Source::read(&paths, args),
    };
    let pair = Pair::of(matches)?;
    let table = source.snapshot.publisher.load();
    let mut sample = pair.as_ref().map(|pair| match log {
        Some(_) => Sample::new(pair.requests()),
        None => Sample::of_routes(&table, pair.requests()),
    });
    let mut listener = |entry: &Entry<'_>, host: &str, route: Option<&Route>| {
        sample.iter_mut().for_each(|sample| sample.offer(entry, host, route));
    };
    let replay = log.map(|log| replay::replay(log, &table, &mut listener)).transpose()?;
    let comparison = pair.zip(sample).map(|(pair, sample)| pair.compare(sample)).transpose()?;
    let report = Report::of(&source, replay, comparison);
    match format(matches) {
        "json" => write_stdout(&format!("{}\n", serde_json::to_string_pretty(&report)?))?,
        "html" => write_stdout(&html::page(&report))?,
        _ => write_stdout(&report.to_string())?,
    }
    Ok(ExitCode::SUCCESS)
}
