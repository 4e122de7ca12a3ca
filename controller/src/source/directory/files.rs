//! What the files hold, and which events lead from one look at them to the next. Pure.

use crate::diagnostic::Diagnostic;
use crate::feed::SourceEvent;
use crate::object::{ObjectKey, Observed};
use crate::source::manifest::{self, Manifest, Upgraded, Workload, same_object};
use gateway::config::Subject;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What shows that a file may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    /// In seconds and nanoseconds, as the next.
    pub(super) modified: (i64, i64),
    pub(super) changed: (i64, i64),
}

/// What one look at a file gave.
#[derive(Debug)]
pub(super) enum Seen {
    /// It has the fingerprint that it had.
    Unchanged,
    /// It changed, too short a time ago to be read.
    Settling,
    /// It was read. Without a fingerprint, it is read again at the next look.
    Read { fingerprint: Option<Fingerprint>, bytes: Vec<u8> },
    /// It exists and cannot be read, because of this.
    Unreadable(String),
}

/// One look at all files.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Every manifest, by its path.
    pub(super) files: BTreeMap<Arc<str>, Seen>,
    /// What is wrong beside the manifests, by path.
    pub(super) problems: BTreeMap<Arc<str>, Vec<Diagnostic>>,
    /// What could not be looked into: files below are as they were.
    pub(super) unreadable: Vec<PathBuf>,
    /// The directories in which a change matters, with device and inode.
    pub(super) directories: BTreeMap<PathBuf, (u64, u64)>,
    /// Whether a file is [`Seen::Settling`].
    pub(super) is_settling: bool,
}

/// All files as they were read last.
#[derive(Debug, Default)]
pub(super) struct Files {
    files: BTreeMap<Arc<str>, File>,
    /// The files that define each object; the first one's is served.
    owners: HashMap<ObjectKey, BTreeSet<Arc<str>>>,
    /// The objects that exist, as the last event about each reported them.
    reported_objects: HashMap<ObjectKey, Observed>,
    /// The problems that exist, as the last event about each part reported them.
    reported_problems: BTreeMap<Arc<str>, Vec<Diagnostic>>,
}

#[derive(Debug, Default)]
struct File {
    fingerprint: Option<Fingerprint>,
    objects: BTreeMap<ObjectKey, Observed>,
    diagnostics: Vec<Diagnostic>,
    /// Whether `objects` are all that a whole and valid version had.
    is_good: bool,
    foreign: BTreeMap<String, usize>,
    upgraded: Vec<Upgraded>,
    workloads: Vec<Workload>,
}

impl Files {
    /// The fingerprint with which a file was read.
    pub(super) fn fingerprint(&self, path: &str) -> Option<Fingerprint> {
        self.files.get(path)?.fingerprint
    }

    fn has_objects(&self, path: &str) -> bool {
        self.files.get(path).is_some_and(|file| !file.objects.is_empty())
    }

    /// Keeps what a file had, and says why.
    fn keep(&mut self, path: Arc<str>, why: String, touched: &mut Touched) {
        let file = self.files.entry(path.clone()).or_default();
        file.fingerprint = None;
        file.diagnostics = vec![Diagnostic::error(Subject::other(format!("File {path}")), "", why)];
        file.report_kept_objects(&path);
        touched.parts.insert(path);
    }

    /// Takes a look at all files in: the events say what is different now.
    pub(super) fn take(&mut self, scan: Scan) -> Vec<SourceEvent> {
        let Scan { files: seen, problems, unreadable, .. } = scan;
        let mut touched = Touched::default();
        self.forget_missing(&seen, &unreadable, &mut touched);
        for (path, seen) in seen {
            match seen {
                Seen::Unchanged | Seen::Settling => {}
                // As it is for a moment while it is rewritten in place. Objects go when their file does.
                Seen::Read { bytes, .. } if bytes.is_empty() && self.has_objects(&path) => {
                    self.keep(path, "is empty".to_owned(), &mut touched);
                }
                Seen::Read { fingerprint, bytes } => {
                    let manifest = manifest::parse(&path, &bytes);
                    self.replace(path, fingerprint, manifest, &mut touched);
                }
                Seen::Unreadable(reason) => self.keep(path, format!("cannot be read: {reason}"), &mut touched),
            }
        }
        let mut events = self.object_events(&touched.keys);
        touched.parts.extend(self.reported_problems.keys().chain(problems.keys()).cloned());
        events.extend(touched.parts.into_iter().filter_map(|part| self.problem_event(part, &problems)));
        events
    }

    /// How many objects there are of each kind that Adit does not read.
    pub(super) fn foreign(&self) -> BTreeMap<String, usize> {
        let mut sums = BTreeMap::new();
        for (kind, count) in self.files.values().flat_map(|file| &file.foreign) {
            *sums.entry(kind.clone()).or_default() += count;
        }
        sums
    }

    /// The Ingresses of versions before v1, by file.
    pub(super) fn upgraded(&self) -> impl Iterator<Item = &Upgraded> {
        self.files.values().flat_map(|file| &file.upgraded)
    }

    /// What runs ingress-nginx, by file.
    pub(super) fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.files.values().flat_map(|file| &file.workloads)
    }

    fn forget_missing(&mut self, seen: &BTreeMap<Arc<str>, Seen>, unreadable: &[PathBuf], touched: &mut Touched) {
        let is_hidden = |path: &str| unreadable.iter().any(|directory| Path::new(path).starts_with(directory));
        let missing = self.files.keys().filter(|path| !seen.contains_key(*path) && !is_hidden(path));
        for path in missing.cloned().collect::<Vec<_>>() {
            self.replace_objects(&path, BTreeMap::new(), touched);
            self.files.remove(&path);
        }
    }

    fn replace(&mut self, path: Arc<str>, fingerprint: Option<Fingerprint>, manifest: Manifest, touched: &mut Touched) {
        let keeps_objects = manifest.is_broken && self.files.get(&path).is_some_and(|file| file.is_good);
        if !keeps_objects {
            let objects = manifest.objects.into_iter().map(|observed| (observed.key.clone(), observed)).collect();
            self.replace_objects(&path, objects, touched);
        }
        let file = self.files.entry(path.clone()).or_default();
        file.fingerprint = fingerprint;
        file.diagnostics = manifest.diagnostics;
        file.foreign = manifest.foreign;
        file.upgraded = manifest.upgraded;
        file.workloads = manifest.workloads;
        file.is_good = keeps_objects || !manifest.is_broken;
        if keeps_objects {
            file.report_kept_objects(&path);
        }
        touched.parts.insert(path);
    }

    fn replace_objects(&mut self, path: &Arc<str>, objects: BTreeMap<ObjectKey, Observed>, touched: &mut Touched) {
        let file = self.files.entry(path.clone()).or_default();
        let before = std::mem::replace(&mut file.objects, objects);
        for key in before.keys().filter(|key| !file.objects.contains_key(*key)) {
            if let Some(owners) = self.owners.get_mut(key) {
                owners.remove(path);
                touched.parts.extend(owners.iter().cloned());
            }
        }
        for key in file.objects.keys() {
            let owners = self.owners.entry(key.clone()).or_default();
            owners.insert(path.clone());
            // The others' complaints about a second definition name a place in this file.
            touched.parts.extend(owners.iter().cloned());
        }
        touched.keys.extend(before.into_keys().chain(file.objects.keys().cloned()));
    }

    /// The object that is served for a key: that of the first file by path.
    fn winner(&self, key: &ObjectKey) -> Option<(&Arc<str>, &Observed)> {
        let path = self.owners.get(key)?.first()?;
        Some((path, self.files.get(path)?.objects.get(key)?))
    }

    fn object_events(&mut self, keys: &BTreeSet<ObjectKey>) -> Vec<SourceEvent> {
        let mut events = Vec::new();
        for key in keys {
            match self.winner(key).map(|(_, observed)| observed.clone()) {
                Some(observed) if self.reported_objects.get(key) == Some(&observed) => {}
                Some(observed) => {
                    self.reported_objects.insert(key.clone(), observed.clone());
                    events.push(SourceEvent::Apply(observed));
                }
                None => {
                    self.owners.remove(key);
                    if self.reported_objects.remove(key).is_some() {
                        events.push(SourceEvent::Delete(key.clone()));
                    }
                }
            }
        }
        events
    }

    fn problem_event(&mut self, part: Arc<str>, problems: &BTreeMap<Arc<str>, Vec<Diagnostic>>) -> Option<SourceEvent> {
        let mut diagnostics = problems.get(&part).cloned().unwrap_or_default();
        if let Some(file) = self.files.get(&part) {
            diagnostics.extend(file.diagnostics.iter().cloned());
            diagnostics.extend(self.second_definitions(&part, file));
        }
        let before = if diagnostics.is_empty() {
            self.reported_problems.remove(&part)
        } else {
            self.reported_problems.insert(part.clone(), diagnostics.clone())
        };
        (before.unwrap_or_default() != diagnostics).then_some(SourceEvent::Problems { part, diagnostics })
    }

    /// Complaints about the objects of a file that a file before it defines already.
    fn second_definitions(&self, path: &Arc<str>, file: &File) -> impl Iterator<Item = Diagnostic> {
        file.objects.iter().filter_map(move |(key, observed)| {
            let (winner, first) = self.winner(key)?;
            let place = first.age.place.as_ref().filter(|_| winner != path)?;
            Some(Diagnostic::error(key, "", same_object(place)).at(observed.age.place.clone()))
        })
    }
}

impl File {
    fn report_kept_objects(&mut self, path: &str) {
        if !self.objects.is_empty() {
            let message = "keeps the objects of its last good version until this is corrected";
            self.diagnostics.push(Diagnostic::warning(Subject::other(format!("File {path}")), "", message));
        }
    }
}

/// What a look at the files may have changed.
#[derive(Default)]
struct Touched {
    keys: BTreeSet<ObjectKey>,
    parts: BTreeSet<Arc<str>>,
}

#[cfg(test)]
mod tests;
