//! The measurement of a group: each proxy in turn, for some rounds.

use crate::bed::Bed;
use crate::groups::Group;
use crate::outcome::{Outcome, Row};
use crate::programs::Program;
use crate::running::Running;
use anyhow::Result;
use benches::cores::{Cores, Shares};
use std::time::Duration;

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds {
    pub(crate) count: usize,
    pub(crate) time: Duration,
}

/// Measures all proxies.
///
/// # Errors
/// The backend cannot be started. What is wrong with a proxy is in its row.
pub(crate) fn measure(group: &Group, programs: &[Program], cores: &Cores, rounds: Rounds) -> Result<Outcome> {
    let shares = cores.share(group.setup.workers)?;
    shares.take_those_of_the_load()?;
    let bed = Bed::new(group.setup)?;
    let able = programs.iter().filter(|program| program.kind.cannot(group.name).is_none());
    let mut contestants: Vec<_> = able.map(|program| Contestant::new(group, &bed, &shares, program)).collect();
    contestants.iter_mut().for_each(|contestant| contestant.step(Running::warm_up));
    for _ in 0..rounds.count {
        for contestant in &mut contestants {
            contestant.step(|running, row| running.round(row, rounds.time));
        }
    }
    contestants.iter_mut().for_each(|contestant| contestant.step(Running::look_inside));
    let reasons = programs.iter().map(|program| (program.kind.name, program.kind.cannot(group.name)));
    let absent = reasons.filter_map(|(name, reason)| Some((name.to_owned(), reason?.to_owned())));
    let rows = contestants.into_iter().map(|contestant| contestant.row);
    Ok(Outcome { title: group.title.to_owned(), rows: rows.collect(), absent: absent.collect() })
}

/// A proxy and what is known of it.
struct Contestant<'c> {
    row: Row,
    /// It, unless the row is void.
    running: Option<Running<'c>>,
}

impl<'c> Contestant<'c> {
    fn new(group: &'c Group, bed: &'c Bed, shares: &Shares, program: &Program) -> Self {
        let mut row = Row::new(program.kind.name);
        let running = Running::start(group, bed, shares, program);
        let running = running.map_err(|error| row.void = Some(format!("{error:#}"))).ok();
        Self { row, running }
    }

    /// The next step of its measurement, unless one before has failed.
    fn step(&mut self, step: impl FnOnce(&mut Running<'c>, &mut Row) -> Result<()>) {
        let Some(running) = &mut self.running else { return };
        if let Err(error) = step(running, &mut self.row) {
            self.row.void = Some(format!("{error:#}"));
            self.running = None;
        }
    }
}
