//! Every case of a driver as a test of its own.
//!
//! The names are `[DRIVER] FEATURE/CASE MODE`, so `cargo test --test cases rewrite/W04` plays one case by all drivers and
//! `'[sockets] rewrite/'` one feature by one. Of several names each is played. They run side by side on `--test-threads` threads.

use crate::case::{Case, Mode};
use crate::converted;
use crate::drivers::Converted;
use crate::golden;
use crate::run::{Driver, run};
use anyhow::{Result, ensure};
use clap::Parser;
use libtest_mimic::{Arguments, Failed, Trial};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// The command line of a test. Unlike that of libtest-mimic it may have several filters, as that of Rust's own tests.
#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    arguments: Arguments,
    /// Filters behind the first
    #[arg(value_name = "FILTER", hide = true)]
    more: Vec<String>,
}

impl CommandLine {
    /// Leaves only the trials that one of the filters chooses.
    fn choose(mut self, trials: &mut Vec<Trial>) -> Arguments {
        let filters = self.arguments.filter.take().into_iter().chain(self.more);
        let filters = filters.map(|filter| Arguments { filter: Some(filter), ..self.arguments.clone() });
        let filters: Vec<_> = filters.collect();
        trials.retain(|trial| filters.is_empty() || filters.iter().any(|filter| !filter.is_filtered_out(trial)));
        self.arguments
    }
}

/// Runs these: the `main` of a test without a harness.
pub fn play(mut trials: Vec<Trial>) -> ExitCode {
    let arguments = CommandLine::parse().choose(&mut trials);
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// All cases that name the driver, which is called so.
///
/// # Errors
/// If a case cannot be read.
pub fn trials<D: Driver>(driver: &str) -> Result<Vec<Trial>> {
    Ok(cases::<D>()?.into_iter().flat_map(|case| modes::<D>(driver, &Arc::new(case))).collect())
}

/// All cases, each compared with its golden file.
pub fn goldens() -> Result<Vec<Trial>> {
    let trial = |case: Case| {
        Trial::test(case.name.clone(), move || {
            let checked = runtime()?.block_on(golden::check(&case, &directory().join(&case.name)));
            checked.map_err(|error| Failed::from(format!("{error:#}")))
        })
        .with_kind("golden")
    };
    Ok(Case::load_all(&directory())?.into_iter().map(trial).collect())
}

/// The cases that `adit convert` can convert, played with the new objects, and the golden file that says which these are.
///
/// # Errors
/// If a case or that file cannot be read.
pub fn converted() -> Result<Vec<Trial>> {
    let names = converted::names(&directory())?;
    let mut cases = cases::<Converted>()?;
    cases.retain(|case| names.contains(&case.name));
    let played = cases.into_iter().flat_map(|case| modes::<Converted>("converted", &Arc::new(case)));
    let check = || -> Result<()> {
        let cases = Case::load_all(&directory())?;
        runtime()?.block_on(converted::check(&cases, &directory()))
    };
    let check = move || check().map_err(|error| Failed::from(format!("{error:#}")));
    Ok(played.chain([Trial::test("converted.txt", check).with_kind("golden")]).collect())
}

/// Plays these cases one after another, in the first of their modes. `--include-ignored` plays all that name the
/// driver, in all modes.
///
/// # Errors
/// If a case cannot be read, or there is none of such a name.
pub fn play_sample<D: Driver>(driver: &str, sample: &[&str]) -> Result<ExitCode> {
    let cases = cases::<D>()?;
    let unknown: Vec<_> = sample.iter().filter(|name| cases.iter().all(|case| case.name != **name)).collect();
    ensure!(unknown.is_empty(), "there are no such cases: {unknown:?}");
    let mut played = Vec::new();
    for case in cases {
        let chosen = sample.contains(&case.name.as_str());
        let modes = modes::<D>(driver, &Arc::new(case)).into_iter().enumerate();
        played.extend(modes.map(|(number, trial)| trial.with_ignored_flag(!chosen || number > 0)));
    }
    let arguments = Arguments { test_threads: Some(1), ..CommandLine::parse().choose(&mut played) };
    Ok(libtest_mimic::run(&arguments, played).exit_code())
}

fn cases<D: Driver>() -> Result<Vec<Case>> {
    let mut cases = Case::load_all(&directory())?;
    cases.retain(|case| case.spec.drivers.contains(&D::PLAYER));
    Ok(cases)
}

/// A case, mode by mode.
fn modes<D: Driver>(driver: &str, case: &Arc<Case>) -> Vec<Trial> {
    let trial = |mode: &Mode| {
        let (case, mode) = (case.clone(), *mode);
        let name = format!("{} {mode:?}", case.name);
        let play =
            move || runtime()?.block_on(run::<D>(&case, mode)).map_err(|error| Failed::from(format!("{error:#}")));
        Trial::test(name, play).with_kind(driver)
    };
    case.spec.modes.iter().map(trial).collect()
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// The directory of all cases.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(arguments: &[&str]) -> Vec<String> {
        let trial = |name: &str| Trial::test(name, || Ok(())).with_kind("memory");
        let mut trials = ["rewrite/W04 Nginx", "rewrite/W05 Nginx", "cors/C01 Nginx"].map(trial).into();
        let command_line = CommandLine::try_parse_from([&["cases"], arguments].concat()).expect("a command line");
        let arguments = command_line.choose(&mut trials);
        assert!(arguments.filter.is_none());
        trials.iter().map(|trial| trial.name().to_owned()).collect()
    }

    #[test]
    fn each_filter_chooses_some() {
        assert_eq!(chosen(&["--nocapture"]).len(), 3);
        assert_eq!(chosen(&["W05", "--include-ignored"]), ["rewrite/W05 Nginx"]);
        assert_eq!(chosen(&["W05", "--nocapture", "[memory] cors", "none"]), ["rewrite/W05 Nginx", "cors/C01 Nginx"]);
        assert_eq!(chosen(&["rewrite", "cors", "--skip", "W04"]), ["rewrite/W05 Nginx", "cors/C01 Nginx"]);
    }
}
