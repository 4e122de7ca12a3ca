//! The command line.

mod adit_policy;
mod arguments;
pub mod check;
mod cluster;
mod convert;
mod counted;
mod diff;
pub mod docs;
pub mod flags;
mod kubectl;
mod log;
mod markdown;
mod migrate;
mod sample_host;
mod serve;
mod shell;
mod snapshot;
mod snippets;

use crate::explain::{self, AdminUrl};
use crate::server::version;
use crate::settings::{LogFormat, Settings};
use crate::source::directory::STANDARD_INPUT;
use arguments::{PATHS, output, paths, paths_of, print, settings_of, write_stdout};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use flags::Topic;
use snapshot::Snapshot;
use std::ffi::OsString;
use std::process::ExitCode;
use std::str::FromStr as _;

/// Runs the command that the arguments name, the first of which is the program's own name. Errors go to standard error
/// as one line.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    let is_plugin = kubectl::is_plugin(&args);
    let parsed = if is_plugin {
        kubectl::plugin().try_get_matches_from(args)
    } else {
        command().try_get_matches_from(flags::spelled_out(without_program_of_nginx(args)))
    };
    let matches = match parsed {
        Ok(matches) => matches,
        Err(error) => {
            // Help and versions are "errors" with code 0. Nothing is left to do if even printing fails.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(TROUBLE));
        }
    };
    let outcome = if is_plugin { kubectl::run(&matches) } else { dispatch(&matches) };
    outcome.unwrap_or_else(|error| failed(&error, ExitCode::FAILURE))
}

/// Exit code for a command line that cannot be understood, and for an error of a command that says by 1 what it has found, as
/// diff(1) does.
const TROUBLE: u8 = 2;

fn or_trouble(outcome: anyhow::Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| failed(&error, TROUBLE.into()))
}

fn failed(error: &anyhow::Error, code: ExitCode) -> ExitCode {
    eprintln!("adit: {error:#}");
    code
}

/// The program in the image of ingress-nginx, with which the arguments in its Deployment begin.
const PROGRAM_OF_NGINX: &str = "/nginx-ingress-controller";

/// The arguments of ingress-nginx's container mean `serve`, also where they are copied whole behind a command. Taken for a
/// path, the program would make a gateway serve files and not its cluster.
fn without_program_of_nginx(mut args: Vec<OsString>) -> Vec<OsString> {
    match args.iter().position(|arg| arg == PROGRAM_OF_NGINX) {
        Some(1) => args[1] = "serve".into(),
        Some(2) if args[1] == "serve" || args[1] == "check" => drop(args.remove(2)),
        _ => {}
    }
    args
}

fn command() -> Command {
    let pages = docs::PAGES.iter().map(|page| page.name);
    Command::new("adit")
        .version(version())
        .about("A gateway that serves Kubernetes Ingresses as ingress-nginx does")
        .after_help("The other flags of ingress-nginx are accepted and ignored, with a warning: see docs/flags.md.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("serve")
                .about("Serve the Ingresses of a cluster, or of files and directories, and apply every change")
                .arg(paths().required(false).help(PATHS))
                .args(flags::args(&[Topic::Objects, Topic::Cluster, Topic::Serving, Topic::Observing])),
        )
        .subcommand(
            Command::new("check")
                .about("Print every error and warning about manifests; exit with code 1 if there is an error")
                .arg(paths())
                .arg(arguments::fail_on())
                .arg(Arg::new("fix").long("fix").action(ArgAction::SetTrue).conflicts_with("output").help(
                    "Print each Ingress of a removed version (v1beta1) as networking.k8s.io/v1 to standard output, \
                         for a file or for kubectl apply -f -, and errors and warnings to standard error. No file is \
                         changed; comments are not kept",
                ))
                .arg(output())
                .args(flags::args(&[Topic::Objects])),
        )
        .subcommand(
            Command::new("explain")
                .about("Print where a request would go, and why: host, route, settings and endpoints")
                .args(arguments::request())
                .arg(paths().required(false).required_unless_present("admin"))
                .arg(
                    Arg::new("admin")
                        .long("admin")
                        .value_name("URL")
                        .value_parser(AdminUrl::from_str)
                        .conflicts_with("paths")
                        .help(
                            "Admin port of a running Adit, which explains the request in place of manifests: \
                             http://HOST:PORT, such as http://127.0.0.1:10254",
                        ),
                )
                .arg(output())
                .args(flags::args(&[Topic::Objects])),
        )
        .subcommand(migrate::command())
        .subcommand(diff::command())
        .subcommand(convert::command())
        .subcommand(kubectl::command())
        .subcommand(shell::completion_command())
        .subcommand(shell::man_command())
        .subcommand(
            Command::new("docs")
                .about("Print a page of the documentation that is generated from the code")
                .hide(true)
                .arg(Arg::new("page").required(true).value_parser(PossibleValuesParser::new(pages))),
        )
}

fn dispatch(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    match matches.subcommand() {
        Some(("serve", matches)) => serve(matches),
        Some(("check", matches)) => check(matches),
        Some(("explain", matches)) => explain(matches),
        Some(("migrate", matches)) => migrate::run(matches),
        Some(("diff", matches)) => Ok(or_trouble(diff::run(matches))),
        Some(("convert", matches)) => Ok(or_trouble(convert::run(matches))),
        Some(("kubectl", matches)) => kubectl::run(matches),
        Some(("completion", matches)) => shell::complete(matches, command()),
        Some(("man", matches)) => shell::write_manual(matches, command()),
        Some(("docs", matches)) => print_page(matches),
        _ => unreachable!("clap requires one of the commands above"),
    }
}

fn serve(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let paths = paths_of(matches);
    anyhow::ensure!(
        !paths.contains(&STANDARD_INPUT.into()),
        "{STANDARD_INPUT} (standard input) cannot be watched for changes: expected files or directories"
    );
    let defaults = if paths.is_empty() { Settings::in_cluster() } else { Settings::default() };
    let settings = settings_of(matches, defaults)?;
    let format = settings.log_format;
    match serve::serve(paths, settings) {
        Err(error) if format == LogFormat::Json => {
            tracing::error!("{error:#}");
            Ok(ExitCode::FAILURE)
        }
        outcome => outcome,
    }
}

fn check(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let settings = settings_of(matches, Settings::default())?;
    let report = check::check(&paths_of(matches), settings.controller);
    if matches.get_flag("fix") {
        // What is wrong goes where it is in nobody's way, so that `kubectl apply -f -` can read the rest.
        eprint!("{report}");
        write_stdout(&report.fixed()?)?;
    } else {
        print(matches, &report)?;
    }
    Ok(arguments::exit_code(matches, report.errors, report.warnings))
}

fn explain(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let settings = settings_of(matches, Settings::default())?;
    let headers = arguments::headers_of(matches)?;
    let (method, url) = (arguments::text(matches, "method"), arguments::text(matches, "url"));
    let request = explain::Request::new(method, url, headers.iter().copied()).map_err(anyhow::Error::msg)?;
    if let Some(admin) = matches.get_one::<AdminUrl>("admin") {
        if settings.controller != Settings::default().controller {
            tracing::warn!("flags about objects are ignored: the Adit at {admin} uses its own flags");
        }
        print(matches, &admin.explain(method, url, &headers)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let snapshot = Snapshot::of(&paths_of(matches), settings.controller);
    if !snapshot.diagnostics.is_empty() {
        tracing::warn!("these manifests have errors or warnings: `adit check` prints them");
    }
    print(matches, &explain::explain(&snapshot.publisher.load(), &snapshot.translator, &request))?;
    Ok(ExitCode::SUCCESS)
}

fn print_page(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let name = matches.get_one::<String>("page").map(String::as_str).unwrap_or_default();
    for page in docs::PAGES.iter().filter(|page| page.name == name) {
        write_stdout(&(page.render)())?;
    }
    Ok(ExitCode::SUCCESS)
}
