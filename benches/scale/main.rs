//! What thousands of Ingresses cost: to start with, at rest, and when one changes. A real API server has the objects, and
//! each controller follows it in turn, on a processor of its own.

mod api_server;
mod backends;
mod cluster;
mod controllers;
mod measure;
mod objects;
mod table;
mod visitor;

use crate::cluster::Cluster;
use crate::controllers::Controller;
use anyhow::{Result, ensure};
use benches::cores::{Cores, Shares};
use benches::machine::Setting;
use benches::process;
use clap::Parser;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Files that a process may have open.
const OPEN_FILES: u64 = 4_000;
/// Ingresses that are not changed: the first has the steady load, and the last is waited for.
const UNCHANGED: usize = 2;

/// Compare Adit with Traefik where there are many Ingresses
#[derive(Parser)]
struct Arguments {
    /// Numbers of Ingresses, ascending
    #[arg(default_values_t = [1_000, 5_000, 10_000])]
    ingresses: Vec<usize>,
    /// Ingresses that have a certificate
    #[arg(long, default_value_t = 1_000)]
    secrets: usize,
    /// Changes that are made, ten per second; each is of another Ingress
    #[arg(long, default_value_t = 300)]
    changes: usize,
    /// Folder with Traefik
    #[arg(long, default_value = "target/tools/proxies")]
    tools: PathBuf,
    /// Write SCALE.md into this folder
    #[arg(long)]
    report: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    ensure!(
        arguments.ingresses.is_sorted() && arguments.ingresses[0] > UNCHANGED,
        "Ingresses: ascending, and not too few"
    );
    process::raise_open_files(OPEN_FILES)?;
    let shares = Cores::available()?.share(1)?;
    shares.take_those_of_the_load()?;
    let (controllers, missing) = controllers::find(&arguments.tools)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (lines, complete) = runtime.block_on(compare(&arguments, &controllers, &shares))?;
    if let Some(folder) = &arguments.report {
        write(folder, &controllers, &lines)?;
    }
    for name in &missing {
        eprintln!("{name} is missing");
    }
    Ok(if complete && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints rows as they are measured. Returns the lines of the table and what is said about it, and whether no row is void.
async fn compare(arguments: &Arguments, controllers: &[Controller], shares: &Shares) -> Result<(Vec<String>, bool)> {
    let mut cluster = Cluster::start(arguments.secrets).await?;
    let (mut lines, mut reasons) = (vec![table::head()], Vec::new());
    println!("{}", lines[0]);
    for &ingresses in &arguments.ingresses {
        cluster.grow(ingresses).await?;
        let changes = arguments.changes.min(ingresses - UNCHANGED);
        for controller in controllers {
            let name = controller.kind.name();
            let line = match measure::measure(controller, &mut cluster, shares, changes).await {
                Ok(measured) => table::row(ingresses, name, &measured),
                Err(error) => {
                    reasons.push(format!("\n{name} with {ingresses} Ingresses is void: {error:#}"));
                    table::void_row(ingresses, name)
                }
            };
            println!("{line}");
            lines.push(line);
        }
    }
    let complete = reasons.is_empty();
    reasons.iter().for_each(|reason| println!("{reason}"));
    lines.append(&mut reasons);
    Ok((lines, complete))
}

fn write(folder: &Path, controllers: &[Controller], lines: &[String]) -> Result<()> {
    let versions = controllers.iter().map(|controller| (controller.kind.name(), controller.version.as_str()));
    let setting = Setting::current(versions)?.markdown();
    let (method, table) = (include_str!("method.md"), lines.join("\n"));
    let text = format!("# What many Ingresses cost\n\nMade by `make bench-scale`.\n\n{setting}{method}\n{table}\n");
    Ok(fs::write(folder.join("SCALE.md"), text)?)
}
