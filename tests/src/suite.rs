//! Every case of a driver as a test of its own.
//!
//! The names are `[DRIVER] FEATURE/CASE MODE`, so `cargo test --test cases rewrite/W04` plays one case by all drivers and
//! `'[sockets] rewrite/'` one feature by one. They run side by side on `--test-threads` threads.

use crate::case::{Case, Mode};
use crate::converted;
use crate::drivers::Converted;
use crate::golden;
use crate::run::{Driver, run};
use anyhow::{Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// Runs these: the `main` of a test without a harness.
pub fn play(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
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
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
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
