//! How many instructions the parts of a request and of a change take. Unlike times, these do not depend on how busy the
//! machine is.
//!
//! Each part is done once in a process of its own under valgrind, some times and three times as often: the difference is
//! without what it takes to start.

mod counted;
mod parts;
mod request;
mod table;

use crate::counted::Counted;
use crate::parts::{PARTS, Part};
use crate::table::Counts;
use anyhow::{Context, Result, ensure};
use benches::machine::Setting;
use benches::programs::Folders;
use clap::Parser;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The committed table.
const FILE: &str = "MICRO.md";

/// Count the instructions of the parts of a request, and compare them with benches/MICRO.md
#[derive(Parser)]
struct Arguments {
    /// Write MICRO.md into this folder, in place of comparing
    #[arg(long)]
    report: Option<PathBuf>,
    /// Do one part and nothing else: its number, and how often
    #[arg(long, hide = true, num_args = 2)]
    part: Vec<u64>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let [part, times] = arguments.part[..] {
        return perform(usize::try_from(part)?, times);
    }
    counted::is_there()?;
    let counts = count()?;
    match &arguments.report {
        Some(folder) => write(folder, &counts),
        None => compare(&counts),
    }
}

fn perform(part: usize, times: u64) -> Result<()> {
    let mut work = (PARTS.get(part).context("there is no such part")?.prepare)()?;
    (0..times).for_each(|_| work());
    Ok(())
}

fn count() -> Result<Counts> {
    let own = env::current_exe()?;
    let mut counts = Counts::new();
    for (number, Part { name, times, .. }) in PARTS.iter().enumerate() {
        eprintln!("{name} ...");
        let count = |times: u64| -> Result<u64> {
            let mut counted = Counted::new(&own)?;
            let status = counted.command.args(["--part", &number.to_string(), &times.to_string()]).status()?;
            ensure!(status.success(), "{name}: {status}");
            counted.instructions()
        };
        counts.push((*name, each(count, *times)?));
    }
    eprintln!("{} ...", request::NAME);
    let adit = Folders::new(Path::new(""))?.find("adit").context("adit is missing: cargo build --release first")?;
    counts.push((request::NAME, each(|times| request::instructions(&adit, times), request::TIMES)?));
    Ok(counts)
}

/// The instructions of one time, from those of some times and of three times as many.
fn each(count: impl Fn(u64) -> Result<u64>, times: u64) -> Result<u64> {
    let [less, more] = [count(times)?, count(3 * times)?];
    ensure!(more > less, "{more} instructions for three times as much as {less}");
    Ok((more - less) / (2 * times))
}

fn write(folder: &Path, counts: &Counts) -> Result<()> {
    let (setting, table) = (Setting::current([])?.markdown(), table::markdown(counts));
    let text = format!("{}{setting}\n{table}", include_str!("method.md"));
    Ok(fs::write(folder.join(FILE), text)?)
}

fn compare(counts: &Counts) -> Result<()> {
    let committed = Path::new("benches").join(FILE);
    let text = fs::read_to_string(&committed).with_context(|| committed.display().to_string())?;
    let (table, moved) = table::compare(counts, &table::read(&text));
    println!("{table}\n{moved} of {} have moved by more than {} %", counts.len(), table::TOLERANCE);
    Ok(())
}
