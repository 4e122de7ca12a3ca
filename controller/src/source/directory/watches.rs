//! Reports when something changes in the directories that matter.

use crate::diagnostic::Diagnostic;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use gateway::config::Subject;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// The watched directories.
///
/// Each directory has a watch of its own, by its real path and inode, instead of one recursive watch per root: so a
/// directory that is replaced, or reached through a link, is followed like any other.
pub(super) struct Watches {
    /// `None` where the system gives none.
    watcher: Option<RecommendedWatcher>,
    /// Why not, or why some directory has no watch.
    failures: BTreeMap<PathBuf, String>,
    watched: BTreeMap<PathBuf, (u64, u64)>,
    changes: Receiver<()>,
}

impl Watches {
    /// No watch yet.
    pub(super) fn new() -> Self {
        // One waiting message is enough: it means "look again".
        let (changed, changes) = bounded(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.as_ref().is_ok_and(|event| is_only_reading(event.kind)) {
                return;
            }
            // Full: a look is due anyway. Disconnected: nobody looks any more.
            let _ = changed.try_send(());
        });
        let failed = watcher.as_ref().err().map(|error| (PathBuf::new(), error.to_string()));
        Self { watcher: watcher.ok(), failures: failed.into_iter().collect(), watched: BTreeMap::new(), changes }
    }

    /// Watches these directories and no others. Whether there is a new watch; what changed before it is not reported.
    ///
    /// A directory that cannot be watched is named in `problems`.
    pub(super) fn follow(
        &mut self,
        directories: &BTreeMap<PathBuf, (u64, u64)>,
        problems: &mut BTreeMap<Arc<str>, Vec<Diagnostic>>,
    ) -> bool {
        let Some(watcher) = &mut self.watcher else {
            report(problems, directories.keys(), self.failures.values().next());
            return false;
        };
        self.watched.retain(|path, inode| {
            let stays = directories.get(path) == Some(inode);
            if !stays {
                // The directory may be gone, and its watch with it.
                let _ = watcher.unwatch(path);
            }
            stays
        });
        self.failures.clear();
        let mut has_new = false;
        for (path, inode) in directories {
            if self.watched.contains_key(path) {
                continue;
            }
            match watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(path.clone(), *inode);
                    has_new = true;
                }
                Err(error) => {
                    report(problems, [path], Some(&error.to_string()));
                    self.failures.insert(path.clone(), error.to_string());
                }
            }
        }
        has_new
    }

    /// Whether every directory is watched.
    pub(super) fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }

    /// Waits for a change until `deadline`; whether there was one.
    pub(super) fn changed_before(&self, deadline: Instant) -> bool {
        match self.changes.recv_deadline(deadline) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            // Without a watcher, nobody sends.
            Err(RecvTimeoutError::Disconnected) => {
                #[expect(clippy::disallowed_methods, reason = "there is nothing to wait for but time")]
                std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
                false
            }
        }
    }
}

/// Our own reading is no change.
fn is_only_reading(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

fn report<'a>(
    problems: &mut BTreeMap<Arc<str>, Vec<Diagnostic>>,
    directories: impl IntoIterator<Item = &'a PathBuf>,
    reason: Option<&String>,
) {
    for path in directories.into_iter().map(PathBuf::as_path).map(Path::to_string_lossy) {
        let reason = reason.map_or("the system gives no watches", String::as_str);
        let message = format!("cannot be watched: {reason}; it is checked for changes every two seconds instead");
        problems.entry(path.as_ref().into()).or_default().push(Diagnostic::warning(
            Subject::other(format!("File {path}")),
            "",
            message,
        ));
    }
}
