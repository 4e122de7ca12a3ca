//! What a request costs Adit, beside what it costs its peers and bare Pingora: in one run, on one machine.
//!
//! A proxy has one processor, and the generator of the load and the backend share another. Proxies take turns, round by
//! round; the median counts, and the spread is shown. Before, each must answer as the others do. Throughput on a shared
//! machine is noise; the CPU time that a proxy's own process spends per request is not.

mod alike;
mod ask;
mod bed;
mod cores;
mod groups;
mod kinds;
mod load;
mod measure;
mod outcome;
mod programs;
mod setup;
mod syscalls;
mod table;

use crate::cores::Cores;
use crate::groups::{GROUPS, Group};
use crate::measure::Rounds;
use anyhow::{Result, bail};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Compare Adit with other proxies
#[derive(Parser)]
struct Arguments {
    /// Groups to measure; without any those that matter most
    groups: Vec<String>,
    /// Measure all groups
    #[arg(long, conflicts_with = "groups")]
    all: bool,
    /// Rounds of each proxy
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each round
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Folder with Envoy, Caddy and Traefik
    #[arg(long, default_value = "target/tools/proxies")]
    tools: PathBuf,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let rounds = Rounds { count: arguments.rounds, time: Duration::from_secs(arguments.seconds) };
    let cores = Cores::available()?;
    let (programs, missing) = programs::find(&arguments.tools)?;
    println!("{} rounds of {} s: median (lowest - highest)\n", rounds.count, arguments.seconds);
    for program in &programs {
        println!("* {}: {}", program.kind.name, program.version);
    }
    let mut void = false;
    for group in selected(&arguments)? {
        let outcome = measure::measure(group, &programs, &cores, rounds)?;
        println!("\n{}", table::markdown(&outcome).trim_end());
        void |= outcome.is_void();
    }
    for name in &missing {
        eprintln!("{name} is missing");
    }
    Ok(if void || !missing.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn selected(Arguments { groups, all, .. }: &Arguments) -> Result<Vec<&'static Group>> {
    if let Some(unknown) = groups.iter().find(|name| GROUPS.iter().all(|group| group.name != **name)) {
        let known: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
        bail!("there is no group {unknown}; there are {}", known.join(", "));
    }
    let named = |group: &Group| groups.iter().any(|name| name == group.name);
    Ok(GROUPS.iter().filter(|group| *all || named(group) || groups.is_empty() && group.main).collect())
}
