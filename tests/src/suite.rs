//! Every case of a driver as a test of its own.
//!
//! The names are `FEATURE/CASE MODE`, so `cargo test --test cases_over_sockets rewrite/` plays one feature and
//! `-- rewrite/W04` one case. They run side by side on `--test-threads` threads.

use crate::case::Case;
use crate::run::{Driver, run};
use anyhow::Result;
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
    let mut trials = Vec::new();
    for case in Case::load_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))? {
        if !case.spec.drivers.contains(&D::PLAYER) {
            continue;
        }
        let case = Arc::new(case);
        for mode in case.spec.modes.clone() {
            let name = format!("{} {mode:?}", case.name);
            let case = case.clone();
            trials.push(Trial::test(name, move || {
                let runtime = Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(run::<D>(&case, mode)).map_err(|error| Failed::from(format!("{error:#}")))
            }));
        }
    }
    Ok(libtest_mimic::run(&Arguments::from_args(), trials).exit_code())
}
