//! What thousands of Ingresses or HTTPRoutes cost: to start with, at rest, and when one changes. A real API server has the objects, and
//! each controller follows it in turn, on a processor of its own.

mod api_server;
mod backends;
mod cluster;
mod controllers;
mod measure;
mod objects;
mod routing;
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
/// Objects that are not changed: the first has the steady load, and the last is waited for.
const UNCHANGED: usize = 2;

/// Compare Adit with Traefik where there are many Ingresses, and see what as many HTTPRoutes cost
#[derive(Parser)]
struct Arguments {
    /// Numbers of Ingresses, ascending
    #[arg(default_values_t = [1_000, 5_000, 10_000])]
    ingresses: Vec<usize>,
    /// HTTPRoutes, which Adit alone follows; 0 for none
    #[arg(long, default_value_t = 10_000)]
    http_routes: usize,
    /// Ingresses that have a certificate
    #[arg(long, default_value_t = 1_000)]
    secrets: usize,
    /// Changes that are made, ten per second; each is of another Ingress
    #[arg(long, default_value_t = 300)]
    changes: usize,
    /// Folder with the CustomResourceDefinitions of Gateway API
    #[arg(long, default_value = "target/tools/gateway-conformance/crds")]
    definitions: PathBuf,
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
    let mut rows = Rows::begin();
    let mut cluster = Cluster::of_ingresses(arguments.secrets).await?;
    for &ingresses in &arguments.ingresses {
        rows.add(arguments, controllers, shares, &mut cluster, ingresses).await?;
    }
    drop(cluster);
    if arguments.http_routes > UNCHANGED {
        let mut cluster = Cluster::of_http_routes(&arguments.definitions).await?;
        rows.add(arguments, controllers, shares, &mut cluster, arguments.http_routes).await?;
    }
    Ok(rows.end())
}

/// The lines of the table, and why some have no figures.
struct Rows {
    lines: Vec<String>,
    reasons: Vec<String>,
}

impl Rows {
    fn begin() -> Self {
        println!("{}", table::head());
        Self { lines: vec![table::head()], reasons: Vec::new() }
    }

    /// Measures each controller that follows what is in the cluster, once that has so many objects.
    async fn add(
        &mut self,
        arguments: &Arguments,
        controllers: &[Controller],
        shares: &Shares,
        cluster: &mut Cluster,
        size: usize,
    ) -> Result<()> {
        cluster.grow(size).await?;
        let changes = arguments.changes.min(size - UNCHANGED);
        let routing = cluster.routing;
        let objects = format!("{size} {}", routing.plural());
        for controller in controllers.iter().filter(|controller| controller.kind.follows(routing)) {
            let name = controller.kind.name();
            let line = match measure::measure(controller, cluster, shares, changes).await {
                Ok(measured) => table::row(&objects, name, &measured),
                Err(error) => {
                    self.reasons.push(format!("\n{name} with {objects} is void: {error:#}"));
                    table::void_row(&objects, name)
                }
            };
            println!("{line}");
            self.lines.push(line);
        }
        Ok(())
    }

    fn end(mut self) -> (Vec<String>, bool) {
        let complete = self.reasons.is_empty();
        self.reasons.iter().for_each(|reason| println!("{reason}"));
        self.lines.append(&mut self.reasons);
        (self.lines, complete)
    }
}

fn write(folder: &Path, controllers: &[Controller], lines: &[String]) -> Result<()> {
    let versions = controllers.iter().map(|controller| (controller.kind.name(), controller.version.as_str()));
    let setting = Setting::current(versions)?.markdown();
    let (method, table) = (include_str!("method.md"), lines.join("\n"));
    let text = format!(
        "# What many Ingresses and HTTPRoutes cost\n\nMade by `make bench-scale`.\n\n{setting}{method}\n{table}\n"
    );
    Ok(fs::write(folder.join("SCALE.md"), text)?)
}
