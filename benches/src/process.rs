//! Processes under test: their start, their end, and what they cost.

use anyhow::{Context, Result, bail, ensure};
use rustix::param::page_size;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a process may take to listen.
const STARTUP: Duration = Duration::from_secs(20);
/// Lines of its output that an error tells.
const LAST_LINES: usize = 5;
/// USER_HZ, fixed by the kernel's interface.
const TICKS_PER_SECOND: u64 = 100;

/// A command whose process ends with the thread that starts it, even where a signal ends that and nothing is dropped.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM"]).arg(program);
    command
}

/// A process that listens. It ends when this is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a process and waits until it listens on all of these addresses.
    ///
    /// # Errors
    /// The process cannot be started, ends, or does not listen in time.
    pub fn start(command: &mut Command, addresses: &[SocketAddr]) -> Result<Self> {
        Self::spawn(command.stdout(Stdio::null()), addresses)
    }

    /// The same, and what it prints goes to a file, whose end an error tells.
    ///
    /// # Errors
    /// As [`Self::start`], and the file cannot be made.
    pub fn start_with_output(command: &mut Command, addresses: &[SocketAddr], path: &Path) -> Result<Self> {
        let output = File::create(path)?;
        command.stdout(output.try_clone()?).stderr(output);
        Self::spawn(command, addresses).with_context(|| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
        })
    }

    #[expect(clippy::disallowed_methods, reason = "another process gives no sign but that it listens")]
    fn spawn(command: &mut Command, addresses: &[SocketAddr]) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let mut process = Self(child);
        let deadline = Instant::now() + STARTUP;
        for address in addresses {
            while TcpStream::connect(address).is_err() {
                ensure!(Instant::now() < deadline, "{command:?} does not listen on {address}");
                let ended = process.0.try_wait()?;
                ensure!(ended.is_none(), "{command:?} has ended: {}", ended.unwrap_or_default());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(process)
    }

    /// CPU time of the process and its children, as the kernel accounts it.
    ///
    /// # Errors
    /// A process has ended, so that `/proc` cannot be read.
    pub fn cpu_time(&self) -> Result<Duration> {
        let mut ticks = 0;
        for pid in self.family() {
            let stat = Stat::of(pid)?;
            ticks += stat.user_ticks + stat.system_ticks;
        }
        Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
    }

    /// Bytes of memory that the process and its children have.
    ///
    /// # Errors
    /// A process has ended, so that `/proc` cannot be read.
    pub fn resident(&self) -> Result<u64> {
        self.family().into_iter().map(resident).sum()
    }

    /// Bytes of memory that the process and its children have, where what they share counts once.
    ///
    /// # Errors
    /// As [`Self::resident`].
    pub fn proportional(&self) -> Result<u64> {
        self.family().into_iter().map(proportional).sum()
    }

    /// The process and its children: nginx works in children.
    pub fn family(&self) -> Vec<u32> {
        let pid = self.0.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children.split_whitespace().filter_map(|child| child.parse().ok()).chain([pid]).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(Some(_)) = self.0.try_wait() {
            return;
        }
        // nginx's master takes its worker along on SIGTERM only; for the others it is as good as any end.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Bytes of memory that a process has.
///
/// # Errors
/// The process has ended, so that `/proc` cannot be read.
pub fn resident(pid: u32) -> Result<u64> {
    Ok(Stat::of(pid)?.resident_pages * page_size() as u64)
}

/// Bytes of memory that a process has, its share of what it shares with others.
fn proportional(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("a process has a line Pss")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
}

/// An address of this machine that nobody listens on, another one with each call.
///
/// # Errors
/// No port is free.
pub fn free_address() -> Result<SocketAddr> {
    // Nobody may listen yet on what was chosen before, so the kernel can choose it again.
    static CHOSEN: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());
    let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut held = Vec::new();
    loop {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        if chosen.insert(address) {
            return Ok(address);
        }
        held.push(listener);
    }
}

/// Lets this process, and those that it starts, have so many files open.
///
/// # Errors
/// The hard limit is lower, or cannot be set.
pub fn raise_open_files(wanted: u64) -> Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < wanted) {
        if maximum.is_some_and(|maximum| maximum < wanted) {
            bail!("{wanted} open files are needed, and `ulimit -Hn` is {}", maximum.unwrap_or_default());
        }
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })?;
    }
    Ok(())
}

/// What `/proc/PID/stat` says.
struct Stat {
    user_ticks: u64,
    system_ticks: u64,
    resident_pages: u64,
}

impl Stat {
    fn of(pid: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The second field is the name, which may have anything in it. What comes after starts with the third field.
        let (_, fields) = stat.rsplit_once(") ").context("a process's stat has a name")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let field = |number: usize| -> Result<u64> {
            Ok(fields.get(number - 3).with_context(|| format!("a process's stat has a field {number}"))?.parse()?)
        };
        Ok(Self { user_ticks: field(14)?, system_ticks: field(15)?, resident_pages: field(24)? })
    }
}
