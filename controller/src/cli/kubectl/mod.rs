//! `kubectl adit`: asks an Adit in a cluster, which it finds with the user's kubeconfig.
//!
//! A Pod of Adit is found ([`pod`]), its admin port asked through the API server ([`tunnel`]), and what it says written
//! ([`lists`], [`columns`]). kubectl runs a program called `kubectl-adit` for it; `adit kubectl` is the same.

mod columns;
mod diagnostics;
mod lists;
mod pod;
mod tunnel;

use super::arguments::{self, text, write_bytes};
use crate::explain::{AdminPort, Explanation};
use crate::server::version;
use anyhow::Context as _;
use clap::builder::PathBufValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use futures_util::io::AsyncBufReadExt as _;
use kube::api::LogParams;
use pod::{Cluster, OpenCluster, SELECTOR};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The name of the program for which kubectl takes it for its plugin.
const PROGRAM: &str = "kubectl-adit";

/// Whether kubectl has started this.
pub(super) fn is_plugin(args: &[OsString]) -> bool {
    args.first().and_then(|program| Path::new(program).file_stem()).is_some_and(|name| name == PROGRAM)
}

/// The command line where kubectl has started this.
pub(super) fn plugin() -> Command {
    command().name(PROGRAM).bin_name("kubectl adit").version(version())
}

pub(super) fn command() -> Command {
    let list = |name: &'static str, about: &'static str, what: &'static str| {
        let contains = Arg::new("text").value_name("TEXT").help(format!("Only those with this text in {what}"));
        Command::new(name).about(about).arg(contains).arg(arguments::output())
    };
    Command::new("kubectl")
        .about("Ask an Adit in a cluster; a program of the name kubectl-adit does so as `kubectl adit`")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(of_cluster().map(|arg| arg.global(true).help_heading("Cluster")))
        .subcommand(
            Command::new("explain")
                .about("Print where a request goes, and why: host, route, settings and endpoints")
                .args(arguments::request())
                .arg(
                    Arg::new("file")
                        .short('f')
                        .long("file")
                        .value_name("FILE")
                        .value_parser(PathBufValueParser::new())
                        .help("Explain what would happen with these objects added, or in place of those of their names. Nothing in the cluster changes"),
                )
                .arg(arguments::output()),
        )
        .subcommand(list("routes", "List hosts and their routes, in the order they match", "the name of the host"))
        .subcommand(list("backends", "List backends with their endpoints of now", "the name"))
        .subcommand(list("certs", "List certificates, those that end first before the others", "the Secret, a name or a host"))
        .subcommand(
            Command::new("lint")
                .about("Print every error and warning about the objects in the cluster; exit with code 1 if there is an error")
                .arg(arguments::fail_on())
                .arg(arguments::output()),
        )
        .subcommand(logs())
}

/// Which Pod is asked.
fn of_cluster() -> [Arg; 5] {
    let option = |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    [
        option("kubeconfig", "FILE")
            .value_parser(PathBufValueParser::new())
            .help("Kubeconfig to use. Default: as kubectl has it, $KUBECONFIG or ~/.kube/config"),
        option("context", "NAME").help("Context of the kubeconfig. Default: the current one"),
        option("namespace", "NAME")
            .short('n')
            .help("Namespace of Adit's Pods. Default: that of the context, then adit, then all"),
        option("selector", "LABELS").short('l').default_value(SELECTOR).help("Labels of Adit's Pods"),
        option("pod", "NAME").help("Name of the Pod to ask. Default: one that is ready"),
    ]
}

fn logs() -> Command {
    let switch = |name: &'static str, short| Arg::new(name).long(name).short(short).action(ArgAction::SetTrue);
    Command::new("logs")
        .about("Print the log of a Pod: requests, and what Adit has to say")
        .arg(switch("follow", 'f').help("Go on with what is logged from now on"))
        .arg(switch("previous", 'p').help("The log of the container that ran before, if it was started anew"))
        .arg(
            Arg::new("tail")
                .long("tail")
                .value_name("LINES")
                .value_parser(value_parser!(i64).range(0..))
                .help("Only the last lines. Default: all"),
        )
}

/// Runs what was asked for.
pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    // The client of the API server needs one; the first who asks for it decides.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match matches.subcommand() {
            Some(("explain", matches)) => explain(matches).await,
            Some(("routes", matches)) => show(matches, "/debug/table", lists::Routes::found_by).await,
            Some(("backends", matches)) => show(matches, "/debug/backends", lists::Backends::found_by).await,
            Some(("certs", matches)) => show(matches, "/debug/certificates", lists::Certificates::found_by).await,
            Some(("lint", matches)) => lint(matches).await,
            Some(("logs", matches)) => print_log(matches).await,
            _ => unreachable!("clap requires one of the commands above"),
        }
    })
}

/// The cluster that the arguments name.
async fn cluster(matches: &ArgMatches) -> anyhow::Result<OpenCluster> {
    let given = |name: &str| matches.get_one::<String>(name).cloned();
    Cluster {
        kubeconfig: matches.get_one::<PathBuf>("kubeconfig").cloned(),
        context: given("context"),
        namespace: given("namespace"),
        selector: given("selector").unwrap_or_default(),
        pod: given("pod"),
    }
    .open()
    .await
}

/// Asks the admin port of a Pod that is ready.
async fn ask<T: DeserializeOwned>(matches: &ArgMatches, target: &str, sent: Option<Vec<u8>>) -> anyhow::Result<T> {
    let found = cluster(matches).await?.ready_pod().await?;
    tunnel::ask(&found, target, sent).await
}

async fn explain(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let headers = arguments::headers_of(matches)?;
    let target = AdminPort::explanation_of(text(matches, "method"), text(matches, "url"), &headers);
    let file = matches.get_one::<PathBuf>("file");
    let read = |file: &PathBuf| fs::read(file).with_context(|| format!("--file: cannot read {}", file.display()));
    let explanation: Explanation = ask(matches, &target, file.map(read).transpose()?).await?;
    arguments::print(matches, &explanation)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what of a list is found by a text.
async fn show<T: DeserializeOwned, S: Serialize + Display>(
    matches: &ArgMatches,
    target: &str,
    found_by: impl FnOnce(T, &str) -> S,
) -> anyhow::Result<ExitCode> {
    let list = ask(matches, target, None).await?;
    arguments::print(matches, &found_by(list, &text(matches, "text").to_lowercase()))?;
    Ok(ExitCode::SUCCESS)
}

async fn lint(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let report = diagnostics::Report::of(ask(matches, "/debug/diagnostics", None).await?);
    arguments::print(matches, &report)?;
    Ok(arguments::exit_code(matches, report.errors, report.warnings))
}

async fn print_log(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let found = cluster(matches).await?.any_pod().await?;
    let parameters = LogParams {
        container: found.container.clone(),
        follow: matches.get_flag("follow"),
        previous: matches.get_flag("previous"),
        tail_lines: matches.get_one::<i64>("tail").copied(),
        ..LogParams::default()
    };
    let mut log = found.log(&parameters).await?;
    loop {
        let part = log.fill_buf().await.with_context(|| format!("the log of {found} breaks off"))?;
        if part.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        let length = part.len();
        write_bytes(part)?;
        log.consume_unpin(length);
    }
}
