//! The report of all groups, in files. What is measured already for the same report is not measured again.

use crate::groups::{GROUPS, Group};
use crate::measure::Rounds;
use crate::outcome::Outcome;
use crate::programs::Program;
use crate::{plot, table};
use anyhow::{Context, Result};
use benches::machine::Setting;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Where groups are until all are measured.
const PROGRESS: &str = "target/load";

/// What a report is of. Groups of other runs are not put beside it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    #[serde(flatten)]
    setting: Setting,
    rounds: usize,
    /// Of each round.
    seconds: u64,
}

/// A group's file.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    run: Run,
    outcome: Outcome,
}

impl Run {
    /// This one.
    ///
    /// # Errors
    /// The system does not say what it is.
    pub(crate) fn current(programs: &[Program], rounds: Rounds) -> Result<Self> {
        let versions = programs.iter().map(|program| (program.kind.name, program.version.as_str()));
        Ok(Self { setting: Setting::current(versions)?, rounds: rounds.count, seconds: rounds.time.as_secs() })
    }

    /// What is known of a group from this run.
    pub(crate) fn recall(&self, group: &Group) -> Option<Outcome> {
        let text = fs::read(progress(group)).ok()?;
        let measured: Measured = serde_json::from_slice(&text).ok()?;
        (measured.run == *self).then_some(measured.outcome)
    }

    /// Keeps what was measured of a group.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn keep(self, group: &Group, outcome: Outcome) -> Result<Self> {
        fs::create_dir_all(PROGRESS)?;
        let measured = Measured { run: self, outcome };
        fs::write(progress(group), serde_json::to_string_pretty(&measured)? + "\n")?;
        Ok(measured.run)
    }

    /// Writes `REPORT.md`, and in the folder `report` a file of JSON and a plot for each group.
    ///
    /// # Errors
    /// A group is not measured, or a file cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let plots = folder.join("report");
        let _ = fs::remove_dir_all(&plots);
        fs::create_dir_all(&plots)?;
        let mut text = self.head();
        for group in &GROUPS {
            let outcome = self.recall(group).with_context(|| format!("{} is not measured", group.name))?;
            let name = group.name;
            fs::copy(progress(group), plots.join(format!("{name}.json")))?;
            fs::write(plots.join(format!("{name}.svg")), plot::svg(&outcome)?)?;
            let _ = write!(text, "\n{}\n![{}](report/{name}.svg)\n", table::markdown(&outcome), outcome.title);
        }
        Ok(fs::write(folder.join("REPORT.md"), text)?)
    }

    /// Forgets what is known: the next run measures all again.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub(crate) fn forget(self) -> Result<()> {
        Ok(fs::remove_dir_all(PROGRESS)?)
    }

    fn head(&self) -> String {
        let Self { setting, rounds, seconds } = self;
        let text = format!(
            "# What requests cost\n\nMade by `make bench-full`: {rounds} rounds of {seconds} s of each proxy, in turn. \
             Values are medians, with the lowest and the\nhighest round.\n\n{}",
            setting.markdown()
        );
        text + include_str!("method.md")
    }
}

fn progress(group: &Group) -> PathBuf {
    Path::new(PROGRESS).join(group.name).with_extension("json")
}
