//! A proxy that runs and answers as it should, and the steps of its measurement.

use crate::bed::Bed;
use crate::groups::Group;
use crate::load::{Closed, Load};
use crate::outcome::{Quantity, Row};
use crate::programs::Program;
use crate::setup::Policy;
use crate::{alike, ask};
use anyhow::{Result, ensure};
use benches::client::closed;
use benches::cores::Shares;
use benches::h2load::Served;
use benches::open_loop;
use benches::peers::Peer;
use benches::syscalls;
use std::time::{Duration, Instant};

const WARM_UP: Duration = Duration::from_millis(500);
/// How long system calls are counted.
const COUNTING: Duration = Duration::from_secs(1);
/// By how much requests take longer meanwhile, about.
const COUNTED: f64 = 5.0;

/// A proxy.
pub(crate) struct Running<'r> {
    peer: Peer,
    group: &'r Group,
    bed: &'r Bed,
    /// What its requests must have.
    headers: Vec<String>,
    /// Requests per second while it was warmed up.
    rate: f64,
}

impl<'r> Running<'r> {
    /// Starts it and checks its answers.
    ///
    /// # Errors
    /// It cannot be started, or answers otherwise than it should.
    pub(crate) fn start(group: &'r Group, bed: &'r Bed, shares: &Shares, program: &Program) -> Result<Self> {
        let peer = bed.start(program, shares)?;
        ask::wait_until_ready(&peer)?;
        let headers = alike::check(program.kind, &peer, bed, group.setup, group.load)?;
        Ok(Self { peer, group, bed, headers, rate: 0.0 })
    }

    /// What happens before the rounds.
    ///
    /// # Errors
    /// A request fails.
    pub(crate) fn warm_up(&mut self, _row: &mut Row) -> Result<()> {
        match self.group.load {
            Load::Closed(load) => {
                // The first time shows how many requests are right for the second.
                for _ in 0..2 {
                    self.rate = self.run(load, WARM_UP)?.rate;
                }
            }
            Load::Open(rate) => drop(open_loop::latencies(self.peer.http, rate, WARM_UP)?),
            Load::Idle { .. } => {}
        }
        Ok(())
    }

    /// One round.
    ///
    /// # Errors
    /// A request fails.
    pub(crate) fn round(&mut self, row: &mut Row, time: Duration) -> Result<()> {
        let (before, start) = (self.peer.process.cpu_time()?, Instant::now());
        let requests = match self.group.load {
            Load::Closed(load) => {
                let served = self.run(load, time)?;
                row.add(Quantity::RequestsPerSecond, served.rate);
                if self.group.setup.policy == Policy::Gzip {
                    row.add(Quantity::BytesPerResponse, served.bytes as f64 / served.requests as f64);
                }
                served.requests
            }
            Load::Open(rate) => {
                let latencies = open_loop::latencies(self.peer.http, rate, time)?;
                for (quantity, quantile) in
                    [(Quantity::Latency50, 0.5), (Quantity::Latency99, 0.99), (Quantity::Latency999, 0.999)]
                {
                    row.add(quantity, latencies.value_at_quantile(quantile) as f64);
                }
                latencies.len()
            }
            Load::Idle { .. } => return Ok(()),
        };
        let spent = (self.peer.process.cpu_time()? - before).as_secs_f64();
        row.add(Quantity::CpuPerRequest, spent * 1e6 / requests as f64);
        row.add(Quantity::Busy, spent * 100.0 / start.elapsed().as_secs_f64() / self.group.setup.workers as f64);
        Ok(())
    }

    /// What is measured once, after the rounds.
    ///
    /// # Errors
    /// The process has ended, a request fails, or strace cannot be attached.
    pub(crate) fn look_inside(&mut self, row: &mut Row) -> Result<()> {
        if let Load::Idle { connections, tls } = self.group.load {
            return self.hold_idle(row, connections, tls);
        }
        row.add(Quantity::Memory, mebibytes(self.peer.process.proportional()?));
        if let Load::Closed(load) = self.group.load {
            self.rate /= COUNTED;
            let (calls, served) = syscalls::count(&self.peer.process.family(), || self.run(load, COUNTING))?;
            row.add(Quantity::SystemCallsPerRequest, calls as f64 / served.requests as f64);
        }
        Ok(())
    }

    fn run(&self, load: Closed, time: Duration) -> Result<Served> {
        load.run(&self.peer, self.bed, &self.headers, time, self.rate)
    }

    /// Measures the memory of connections that wait.
    fn hold_idle(&self, row: &mut Row, connections: usize, tls: bool) -> Result<()> {
        let (client, process) = (&self.bed.client, &self.peer.process);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            // What is made once is there before.
            drop(client.idle(&self.peer, tls, 1).await?);
            let before = process.proportional()?;
            let streams = client.idle(&self.peer, tls, connections).await?;
            let after = process.proportional()?;
            let closed = closed(&streams);
            ensure!(closed == 0, "it has closed {closed} of {connections} idle connections");
            row.add(Quantity::MemoryPerConnection, after.saturating_sub(before) as f64 / 1024.0 / connections as f64);
            row.add(Quantity::Memory, mebibytes(after));
            Ok(())
        })
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
