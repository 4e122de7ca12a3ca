//! Every case of a driver as a test of its own.
//!
//! The names are `FEATURE/CASE MODE`, so `cargo test --test cases_over_sockets rewrite/` plays one feature and
//! `-- rewrite/W04` one case. They run side by side on `--test-threads` threads.

use crate::case::{Case, Mode};
use crate::run::{Driver, run};
use anyhow::{Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::runtime::Builder;

/// Plays all cases that name the driver: the `main` of a test without a harness.
///
/// # Errors
/// If a case cannot be read.
pub fn play<D: Driver>() -> Result<ExitCode> {
    let trials = cases::<D>()?.into_iter().flat_map(|case| trials::<D>(&Arc::new(case))).collect();
    Ok(libtest_mimic::run(&Arguments::from_args(), trials).exit_code())
}

/// Plays these cases one after another, in the first of their modes. `--include-ignored` plays all that name the
/// driver, in all modes.
///
/// # Errors
/// If a case cannot be read, or there is none of such a name.
pub fn play_sample<D: Driver>(sample: &[&str]) -> Result<ExitCode> {
    let cases = cases::<D>()?;
    let unknown: Vec<_> = sample.iter().filter(|name| cases.iter().all(|case| case.name != **name)).collect();
    ensure!(unknown.is_empty(), "there are no such cases: {unknown:?}");
    let mut played = Vec::new();
    for case in cases {
        let chosen = sample.contains(&case.name.as_str());
        let modes = trials::<D>(&Arc::new(case)).into_iter().enumerate();
        played.extend(modes.map(|(number, trial)| trial.with_ignored_flag(!chosen || number > 0)));
    }
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    Ok(libtest_mimic::run(&arguments, played).exit_code())
}

fn cases<D: Driver>() -> Result<Vec<Case>> {
    let mut cases = Case::load_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))?;
    cases.retain(|case| case.spec.drivers.contains(&D::PLAYER));
    Ok(cases)
}

/// A case, mode by mode.
fn trials<D: Driver>(case: &Arc<Case>) -> Vec<Trial> {
    let trial = |mode: &Mode| {
        let (case, mode) = (case.clone(), *mode);
        Trial::test(format!("{} {mode:?}", case.name), move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run::<D>(&case, mode)).map_err(|error| Failed::from(format!("{error:#}")))
        })
    };
    case.spec.modes.iter().map(trial).collect()
}
