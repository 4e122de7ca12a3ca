//! Which processors the proxies get, and which the load.

use crate::process;
use anyhow::{Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::process::Command;

/// The processors that this process may use, before it takes fewer.
#[derive(Clone, Debug)]
pub struct Cores(Vec<usize>);

/// How they are shared out.
#[derive(Debug)]
pub struct Shares {
    /// The first ones, one for each worker of a proxy.
    proxy: Vec<usize>,
    /// Those of the generator and the backend: all others, or all if there are no others.
    load: Vec<usize>,
}

impl Cores {
    /// Those that this process may use.
    ///
    /// # Errors
    /// The system does not say, or there is only one: proxy and load would take turns on it.
    pub fn available() -> Result<Self> {
        let set = sched_getaffinity(None)?;
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect();
        ensure!(cores.len() > 1, "two processors are needed, one for the proxy and one for the load");
        Ok(Self(cores))
    }

    /// Shares them out for a proxy with so many workers.
    ///
    /// # Errors
    /// There are fewer processors than workers.
    pub fn share(&self, workers: usize) -> Result<Shares> {
        ensure!(workers <= self.0.len(), "{workers} workers need as many processors");
        let (proxy, others) = self.0.split_at(workers);
        let load = if others.is_empty() { proxy } else { others };
        Ok(Shares { proxy: proxy.to_vec(), load: load.to_vec() })
    }
}

impl Shares {
    /// A command that runs a program on the processors of proxies.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let list: Vec<String> = self.proxy.iter().map(ToString::to_string).collect();
        let mut command = process::command("taskset");
        command.arg("-c").arg(list.join(",")).arg(program);
        command
    }

    /// Has this thread, and what it starts from now on, run on the processors of the load.
    ///
    /// # Errors
    /// The system does not let it.
    pub fn take_those_of_the_load(&self) -> Result<()> {
        let mut set = CpuSet::new();
        for &core in &self.load {
            set.set(core);
        }
        Ok(sched_setaffinity(None, &set)?)
    }
}
