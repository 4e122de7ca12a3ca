//! What a request costs Adit, beside what it costs its peers and bare Pingora: in one run, on one machine.
//!
//! A proxy has one processor, and the generator of the load and the backend share another. Proxies take turns, round by
//! round; the median counts, and the spread is shown. Before, each must answer as the others do. Throughput on a shared
//! machine is noise; the CPU time that a proxy's own process spends per request is not.

mod alike;
mod ask;
mod bed;
mod groups;
mod kinds;
mod load;
mod measure;
mod outcome;
mod plot;
mod programs;
mod report;
mod running;
mod setup;
mod table;

use crate::groups::{GROUPS, Group};
use crate::kinds::KINDS;
use crate::measure::Rounds;
use crate::programs::Program;
use crate::report::Run;
use anyhow::{Result, bail};
use benches::cores::Cores;
use benches::process;
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Files that a process may have open: idle connections, and what else.
const OPEN_FILES: u64 = 11_000;

/// Compare Adit with other proxies
#[derive(Parser)]
struct Arguments {
    /// Groups to measure; without any those that matter most
    groups: Vec<String>,
    /// Rounds of each proxy
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each round
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Proxies to measure, as they are called in the tables; without any all
    #[arg(long = "proxy", value_name = "NAME")]
    proxies: Vec<String>,
    /// Program of Adit, instead of the one beside this program
    #[arg(long)]
    adit: Option<PathBuf>,
    /// Folder with Envoy, Caddy and Traefik
    #[arg(long, default_value = "target/tools/proxies")]
    tools: PathBuf,
    /// Measure all groups and write REPORT.md into this folder; goes on with what was interrupted
    #[arg(long, conflicts_with = "groups")]
    report: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let rounds = Rounds { count: arguments.rounds, time: Duration::from_secs(arguments.seconds) };
    let cores = Cores::available()?;
    process::raise_open_files(OPEN_FILES)?;
    let kinds = selected(&arguments.proxies, &KINDS, |kind| kind.name)?;
    let (programs, missing) = programs::find(&kinds, arguments.adit.as_deref(), &arguments.tools)?;
    let complete = match &arguments.report {
        Some(folder) => report(folder, &programs, &cores, rounds)?,
        None => print(&groups(&arguments.groups)?, &programs, &cores, rounds)?,
    };
    for name in &missing {
        eprintln!("{name} is missing");
    }
    Ok(if complete && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints groups as they are measured. Returns whether no row is void.
fn print(groups: &[&Group], programs: &[Program], cores: &Cores, rounds: Rounds) -> Result<bool> {
    println!("{} rounds of {} s: median (lowest - highest)\n", rounds.count, rounds.time.as_secs());
    for program in programs.iter().filter(|program| !program.version.is_empty()) {
        println!("* {}: {}", program.kind.name, program.version);
    }
    let mut complete = true;
    for group in groups {
        let outcome = measure::measure(group, programs, cores, rounds)?;
        println!("\n{}", table::markdown(&outcome).trim_end());
        complete &= !outcome.is_void();
    }
    Ok(complete)
}

/// Writes the report. Returns whether no row is void: if one is, its group is measured again in the next run, and only that.
fn report(folder: &Path, programs: &[Program], cores: &Cores, rounds: Rounds) -> Result<bool> {
    let mut run = Run::current(programs, rounds)?;
    let mut complete = true;
    for group in &GROUPS {
        if run.recall(group).is_some_and(|outcome| !outcome.is_void()) {
            println!("{} is measured already", group.name);
            continue;
        }
        let outcome = measure::measure(group, programs, cores, rounds)?;
        println!("\n{}", table::markdown(&outcome).trim_end());
        complete &= !outcome.is_void();
        run = run.keep(group, outcome)?;
    }
    run.write(folder)?;
    if complete {
        run.forget()?;
    }
    Ok(complete)
}

/// The groups of these names; without names those that matter most.
fn groups(names: &[String]) -> Result<Vec<&'static Group>> {
    let mut groups = selected(names, &GROUPS, |group| group.name)?;
    groups.retain(|group| !names.is_empty() || group.main);
    Ok(groups)
}

/// Those of these names; without names all.
fn selected<T>(names: &[String], all: &'static [T], name: fn(&T) -> &'static str) -> Result<Vec<&'static T>> {
    if let Some(unknown) = names.iter().find(|wanted| all.iter().all(|one| name(one) != **wanted)) {
        let known: Vec<&str> = all.iter().map(name).collect();
        bail!("there is no {unknown}; there are {}", known.join(", "));
    }
    Ok(all.iter().filter(|one| names.is_empty() || names.iter().any(|wanted| name(one) == *wanted)).collect())
}
