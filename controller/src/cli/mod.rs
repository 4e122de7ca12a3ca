//! The command line.

pub mod docs;
pub mod flags;

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command};
use flags::Flags;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Runs the command that the arguments name, the first of which is the program's own name. Errors go to standard error
/// as one line.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match command().try_get_matches_from(flags::with_two_dashes(args)) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and versions are "errors" with code 0. Nothing is left to do if even printing fails.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    dispatch(&matches).unwrap_or_else(|error| {
        eprintln!("adit: {error:#}");
        ExitCode::FAILURE
    })
}

/// Exit code for a command line that cannot be understood.
const USAGE: u8 = 2;

fn command() -> Command {
    Command::new("adit")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A gateway that serves Kubernetes Ingresses as ingress-nginx does")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("docs").about("Print a page of the documentation that is made from the code").hide(true).arg(
                Arg::new("page")
                    .required(true)
                    .value_parser(PossibleValuesParser::new(docs::PAGES.iter().map(|p| p.name))),
            ),
        )
}

fn dispatch(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    match matches.subcommand() {
        Some(("docs", matches)) => print_page(matches),
        _ => unreachable!("clap requires one of the commands above"),
    }
}

fn print_page(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let name = matches.get_one::<String>("page").map(String::as_str).unwrap_or_default();
    for page in docs::PAGES.iter().filter(|page| page.name == name) {
        std::io::stdout().write_all((page.render)().as_bytes()).context("cannot write to standard output")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The flags of a command, with the log set up as they say.
fn flags_of(matches: &ArgMatches) -> anyhow::Result<Flags> {
    let flags = flags::collect(matches).map_err(anyhow::Error::msg)?;
    log_to_stderr(flags.settings.log_level.as_deref())?;
    for warning in &flags.warnings {
        tracing::warn!("{warning}");
    }
    Ok(flags)
}

/// Logs to standard error at `--log-level`, else as the environment says, else at `info`.
fn log_to_stderr(level: Option<&str>) -> anyhow::Result<()> {
    // Pingora reports every client that goes away; what matters of that is in the access log and the metrics.
    const QUIET: &str = "pingora_core=warn,pingora_proxy=warn";
    let environment = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|level| !level.is_empty());
    let level = level.map(str::to_owned).or(environment).unwrap_or_else(|| "info".into());
    let filter = EnvFilter::try_new(format!("{QUIET},{level}")).with_context(|| {
        format!("--log-level: {level:?} is not a log level: expected error, warn, info, debug or trace")
    })?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    Ok(())
}
