//! `adit convert`: Ingresses as objects of Gateway API.
//!
//! Objects are read from files or from a cluster, [`crate::convert`] makes the new ones of them, which go to standard output as
//! YAML, and what becomes of each setting goes to standard error ([`text`], or as JSON).

mod text;

use super::arguments::{self, PATHS, expect_readable, format, paths_of, write_stdout};
use super::{cluster, flags, log};
use crate::cli::flags::{Flags, Topic};
use crate::convert::{Conversion, GatewayNames, Verdict, convert};
use crate::feed::SourceEvent;
use crate::settings::Settings;
use crate::source::cluster::ClusterReader;
use crate::source::directory::{self, STANDARD_INPUT};
use clap::{Arg, ArgMatches, Command};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit code where something is not converted.
const LEFT: u8 = 1;

pub(super) fn command() -> Command {
    let name =
        |id: &'static str, default: &'static str| Arg::new(id).long(id).value_name("NAME").default_value(default);
    Command::new("convert")
        .about("Convert Ingresses to Gateway API; exit with code 1 if something is not converted, 2 on an error")
        .after_help(
            "The new objects go to standard output, for a file or for kubectl apply -f -. What becomes of each annotation goes to \
             standard error. Nothing in a cluster is changed.",
        )
        .arg(arguments::paths().required(false).help(format!(
            "{PATHS}: Ingresses, and the Services and Secrets that they name; - is standard input. Without any, a cluster is read"
        )))
        .arg(name("gateway", GatewayNames::GATEWAY).help("Name of the Gateway in each namespace that needs one"))
        .arg(name("gateway-class", GatewayNames::CLASS).help("Name of the GatewayClass of the Gateways. It is not written"))
        .arg(arguments::output().help("Format of what goes to standard error: text for people, json for programs"))
        .args(cluster::args("all"))
        .args(flags::args(&[Topic::Objects]).into_iter().map(shown_for_clusters))
}

/// The flag for a kubeconfig stands among those about clusters, which are hidden here.
fn shown_for_clusters(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "kubeconfig" => {
            arg.hide(false).conflicts_with("paths").help("Kubeconfig of the cluster. Default: that of kubectl")
        }
        _ => arg,
    }
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    // What the log says would stand in the report: its notes have the warnings.
    let Flags { settings, warnings } = flags::collect(matches, Settings::default()).map_err(anyhow::Error::msg)?;
    log::start(&settings)?;
    let (events, forbidden) = read(matches, &settings)?;
    let names = GatewayNames {
        gateway: arguments::text(matches, "gateway").to_owned(),
        class: arguments::text(matches, "gateway-class").to_owned(),
    };
    let Conversion { objects, mut report, .. } = convert(events, settings.controller, &names);
    report.notes.extend(forbidden.into_iter().chain(warnings));
    let mut documents = String::new();
    for object in &objects {
        let _ = write!(documents, "---\n{}\n", serde_saphyr::to_string(object)?.trim_end());
    }
    write_stdout(&documents)?;
    match format(matches) {
        "json" => eprintln!("{}", serde_json::to_string_pretty(&report)?),
        _ => eprint!("{report}"),
    }
    let is_whole = report.count(Verdict::NotConverted) == 0;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(LEFT) })
}

/// The objects, and what of a cluster may not be read.
fn read(matches: &ArgMatches, settings: &Settings) -> anyhow::Result<(Vec<SourceEvent>, Vec<String>)> {
    let paths = paths_of(matches);
    if paths.is_empty() {
        let cluster = cluster::settings(matches, settings.cluster.kubeconfig.clone());
        let namespaces = cluster.namespaces.clone();
        let read = ClusterReader::open(cluster)?.objects(&settings.controller, &namespaces)?;
        return Ok((read.content, read.forbidden));
    }
    let files: Vec<PathBuf> = paths.iter().filter(|path| **path != Path::new(STANDARD_INPUT)).cloned().collect();
    expect_readable(&files)?;
    Ok((directory::load(&paths, std::io::stdin()).events, Vec::new()))
}
