//! Objects from files: manifests in directories, followed as they change.
//!
//! [`scan`] looks at the disk, [`files`] is the pure part that turns what was seen into events, [`watches`] says when to look
//! again, and this module runs them in a loop.

mod files;
mod input;
mod scan;
mod watches;

use crate::debounce::Debounce;
use crate::feed::SourceEvent;
use crate::source::manifest::{Upgraded, Workload};
use files::Files;
use scan::{Pace, QUIET, scan};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use watches::Watches;

/// How long a change waits at most in a directory that is never quiet.
const CEILING: Duration = Duration::from_millis(500);

/// How often to look without a report of a change: network file systems give none.
const PERIOD: Duration = Duration::from_secs(30);

/// The same where something cannot be watched.
const UNWATCHED_PERIOD: Duration = Duration::from_secs(2);

/// The path that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// What one look at files and directories gives.
#[derive(Debug)]
pub struct Loaded {
    /// Each object, what is wrong, and [`SourceEvent::Synced`].
    pub events: Vec<SourceEvent>,
    /// How many objects there are of each kind that Adit does not read.
    pub foreign: BTreeMap<String, usize>,
    /// The Ingresses of versions before v1, as v1.
    pub upgraded: Vec<Upgraded>,
    /// What runs ingress-nginx.
    pub workloads: Vec<Workload>,
}

/// Reads every manifest in files and directories once. Where a path is [`STANDARD_INPUT`], one more manifest is read from
/// `input`, to its end.
pub fn load(paths: &[PathBuf], input: impl Read) -> Loaded {
    let mut files = Files::default();
    let (inputs, paths): (Vec<_>, Vec<_>) = paths.iter().cloned().partition(|path| path == Path::new(STANDARD_INPUT));
    let mut scan = scan(&paths, &files, Pace::AtOnce);
    if !inputs.is_empty() {
        scan.files.insert(input::NAME.into(), input::read(input));
    }
    let mut events = files.take(scan);
    events.push(SourceEvent::Synced);
    Loaded {
        events,
        foreign: files.foreign(),
        upgraded: files.upgraded().cloned().collect(),
        workloads: files.workloads().cloned().collect(),
    }
}

/// Files and directories that are followed as they change.
///
/// In a directory, and those below it, these are read: files whose names end in `.yaml`, `.yml` or `.json` and begin with
/// neither `.` nor `#`. A file that is named itself may have any name. Symbolic links are followed.
///
/// A file that is written while it is read, or that is broken, keeps the objects of its last good version. Where two files
/// define the same object, the first by path wins.
#[derive(Debug)]
pub struct DirectorySource {
    paths: Vec<PathBuf>,
}

impl DirectorySource {
    /// A source of these files and directories. They need not exist yet.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths }
    }

    /// Sends what the files hold, then [`SourceEvent::Synced`], then what changes, from a thread that ends some time after
    /// the receiver is gone.
    ///
    /// # Errors
    /// The thread cannot be created.
    pub fn spawn(self, events: mpsc::Sender<SourceEvent>) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("directory".to_owned()).spawn(move || self.run(&events))
    }

    fn run(&self, events: &mpsc::Sender<SourceEvent>) {
        let mut files = Files::default();
        let mut watches = Watches::new();
        let mut pace = Pace::AtOnce;
        while !events.is_closed() {
            let mut scan = scan(&self.paths, &files, pace);
            let must_wait = scan.is_settling;
            let has_new_watches = watches.follow(&scan.directories, &mut scan.problems);
            let synced = matches!(pace, Pace::AtOnce).then_some(SourceEvent::Synced);
            for event in files.take(scan).into_iter().chain(synced) {
                if events.blocking_send(event).is_err() {
                    return;
                }
            }
            pace = Pace::Settled;
            // What changed between the look at a directory and its watch, nobody reports.
            if !has_new_watches {
                let period = if watches.is_complete() { PERIOD } else { UNWATCHED_PERIOD };
                await_quiet(&watches, if must_wait { QUIET } else { period });
            }
        }
    }
}

/// Waits for a change and then for the end of the changes; at most `period` for the first.
fn await_quiet(watches: &Watches, period: Duration) {
    if !watches.changed_before(Instant::now() + period) {
        return;
    }
    let mut debounce = Debounce::new(QUIET, CEILING);
    debounce.open();
    debounce.record(Instant::now());
    while let Some(due) = debounce.due() {
        if watches.changed_before(due) {
            debounce.record(Instant::now());
        }
        debounce.release(Instant::now());
    }
}

#[cfg(test)]
mod tests;
