//! The measurement of a group: each proxy in turn, for some rounds.

use crate::alike;
use crate::ask;
use crate::bed::Bed;
use crate::cores::{Cores, Shares};
use crate::groups::Group;
use crate::outcome::{Outcome, Row, Sample};
use crate::programs::Program;
use crate::syscalls;
use anyhow::Result;
use benches::h2load::Served;
use benches::peers::Peer;
use std::time::{Duration, Instant};

const WARM_UP: Duration = Duration::from_secs(1);
/// For how long requests are enough to count system calls; counted, they take longer.
const COUNTING: Duration = Duration::from_millis(200);

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

/// A proxy that answers as it should.
struct Running<'r> {
    peer: Peer,
    group: &'r Group,
    bed: &'r Bed,
    /// What its requests must have.
    headers: Vec<String>,
    /// Requests per second while it was warmed up.
    rate: f64,
}

impl<'c> Contestant<'c> {
    fn new(group: &'c Group, bed: &'c Bed, shares: &Shares, program: &Program) -> Self {
        let mut row = Row { name: program.kind.name.to_owned(), ..Row::default() };
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

impl<'r> Running<'r> {
    fn start(group: &'r Group, bed: &'r Bed, shares: &Shares, program: &Program) -> Result<Self> {
        let peer = bed.start(program, shares)?;
        ask::wait_until_ready(&peer)?;
        let headers = alike::check(program.kind, &peer, bed, group.setup, group.load)?;
        Ok(Self { peer, group, bed, headers, rate: 0.0 })
    }

    fn load(&self, time: Duration) -> Result<Served> {
        self.group.load.run(&self.peer, self.bed, &self.headers, time, self.rate)
    }

    fn warm_up(&mut self, _row: &mut Row) -> Result<()> {
        // The first time shows how many requests are right for the second.
        for _ in 0..2 {
            self.rate = self.load(WARM_UP)?.rate;
        }
        Ok(())
    }

    fn round(&mut self, row: &mut Row, time: Duration) -> Result<()> {
        let (before, start) = (self.peer.process.cpu_time()?, Instant::now());
        let served = self.load(time)?;
        let (spent, elapsed) = (self.peer.process.cpu_time()? - before, start.elapsed());
        row.samples.push(Sample {
            cost: spent.as_secs_f64() * 1e6 / served.requests as f64,
            rate: served.rate,
            busy: spent.as_secs_f64() / elapsed.as_secs_f64() / self.group.setup.workers as f64,
        });
        Ok(())
    }

    fn look_inside(&mut self, row: &mut Row) -> Result<()> {
        row.memory = self.peer.process.proportional()?;
        let (calls, served) = syscalls::count(&self.peer.process, || self.load(COUNTING))?;
        row.syscalls = calls as f64 / served.requests as f64;
        Ok(())
    }
}
