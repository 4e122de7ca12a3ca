//! One look at the disk: which manifests exist, and the content of those that changed.

use super::files::{Files, Fingerprint, Scan, Seen};
use crate::diagnostic::Diagnostic;
use gateway::config::Subject;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use walkdir::{DirEntry, WalkDir};

/// How long a directory must be quiet before it is read, and how old a file's last write must be.
pub(super) const QUIET: Duration = Duration::from_millis(50);

/// The largest file that is read, in bytes.
pub(super) const MAX_SIZE: u64 = 256 << 20;

/// Whether to read files that may still be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Read them: there is nothing else to serve.
    AtOnce,
    /// Leave them until they have been left alone for [`QUIET`].
    Settled,
}

/// Looks at every manifest in `roots`, and reads those that differ from what `files` knows.
pub(super) fn scan(roots: &[PathBuf], files: &Files, pace: Pace) -> Scan {
    let mut scan = Scan::default();
    for root in roots {
        let mut is_empty = true;
        if let Some(parent) = root.canonicalize().ok().as_deref().and_then(Path::parent) {
            add_directory(&mut scan, parent);
        }
        // Where a root is a link, or does not exist, the directory that would have it reports the change.
        add_directory(&mut scan, root.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")));
        let entries = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
        for entry in entries.filter_entry(|entry| entry.depth() == 0 || !is_ignored(entry)) {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => add_directory(&mut scan, entry.path()),
                Ok(entry) if entry.depth() == 0 || is_manifest(entry.path()) => {
                    is_empty = false;
                    add_file(&mut scan, &entry, files, pace);
                }
                Ok(_) => {}
                Err(error) => {
                    is_empty = false;
                    add_walk_error(&mut scan, root, &error);
                }
            }
        }
        if is_empty {
            let message = "has no manifest: expected files whose names end in .yaml, .yml or .json";
            add_problem(&mut scan, root, |object| Diagnostic::warning(object, "", message));
        }
    }
    scan
}

/// Names that editors, backups and mounted volumes leave behind.
fn is_ignored(entry: &DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with(['.', '#'])
}

/// By its ending; `shop.yaml~`, `shop.yaml.swp` and `shop.yaml.tmp` have another.
fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}

fn add_directory(scan: &mut Scan, path: &Path) {
    if let Ok(path) = path.canonicalize()
        && let Ok(metadata) = fs::metadata(&path)
    {
        scan.directories.insert(path, (metadata.dev(), metadata.ino()));
    }
}

fn add_walk_error(scan: &mut Scan, root: &Path, error: &walkdir::Error) {
    let path = error.path().unwrap_or(root);
    let is_gone = error.io_error().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    if is_gone && path != root && !is_manifest(path) {
        return;
    }
    let reason = match error.io_error() {
        Some(error) => error.to_string(),
        None => "a symbolic link leads back to a directory above it".to_owned(),
    };
    add_problem(scan, path, |object| Diagnostic::error(object, "", format!("cannot be read: {reason}")));
    // What is gone is gone; what only cannot be looked at now is not.
    if error.io_error().is_some() && !is_gone {
        scan.unreadable.push(path.to_owned());
    }
}

fn add_problem(scan: &mut Scan, path: &Path, diagnostic: impl FnOnce(Subject) -> Diagnostic) {
    let part: Arc<str> = path.to_string_lossy().into();
    let diagnostic = diagnostic(Subject::other(format!("File {part}")));
    scan.problems.entry(part).or_default().push(diagnostic);
}

fn add_file(scan: &mut Scan, entry: &DirEntry, files: &Files, pace: Pace) {
    let Some(path) = entry.path().to_str() else {
        let message = "is not read: its name is not UTF-8";
        return add_problem(scan, entry.path(), |object| Diagnostic::error(object, "", message));
    };
    if entry.path_is_symlink()
        && let Some(target) = entry.path().canonicalize().ok().as_deref().and_then(Path::parent)
    {
        add_directory(scan, target);
    }
    let path: Arc<str> = path.into();
    let seen = match fs::metadata(entry.path()) {
        Ok(metadata) => look(entry.path(), &metadata, files.fingerprint(&path), pace),
        Err(error) => Seen::Unreadable(error.to_string()),
    };
    scan.is_settling |= matches!(seen, Seen::Settling);
    scan.files.insert(path, seen);
}

fn look(path: &Path, metadata: &Metadata, known: Option<Fingerprint>, pace: Pace) -> Seen {
    let fingerprint = fingerprint(metadata);
    if known == Some(fingerprint) {
        return Seen::Unchanged;
    }
    if !metadata.is_file() {
        return Seen::Unreadable("it is not a regular file".to_owned());
    }
    if metadata.len() > MAX_SIZE {
        return Seen::Unreadable(format!("it has {} bytes: expected at most {MAX_SIZE}", metadata.len()));
    }
    let is_fresh = metadata.modified().is_ok_and(|modified| age(modified) < QUIET);
    if is_fresh && pace == Pace::Settled {
        return Seen::Settling;
    }
    match read(path) {
        // Whoever writes in place truncates first: what was read may be the beginning of the new version.
        Ok((_, after)) if after != fingerprint && pace == Pace::Settled => Seen::Settling,
        // Another write may still fall into the same tick of the file system's clock.
        Ok((bytes, after)) => {
            Seen::Read { fingerprint: (!is_fresh && after == fingerprint).then_some(fingerprint), bytes }
        }
        Err(error) => Seen::Unreadable(error.to_string()),
    }
}

/// What is in a file, and its fingerprint after it was read.
fn read(path: &Path) -> std::io::Result<(Vec<u8>, Fingerprint)> {
    let mut bytes = Vec::new();
    let mut file = File::open(path)?.take(MAX_SIZE);
    file.read_to_end(&mut bytes)?;
    Ok((bytes, fingerprint(&file.into_inner().metadata()?)))
}

/// How long ago; a time to come, as another machine's clock may give, is long ago.
fn age(time: SystemTime) -> Duration {
    SystemTime::now().duration_since(time).unwrap_or(Duration::MAX)
}

fn fingerprint(metadata: &Metadata) -> Fingerprint {
    Fingerprint {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets the content of a file, as if it had been left alone since `modified`.
    fn write(path: &Path, content: &str, modified: SystemTime) -> Metadata {
        fs::write(path, content).expect("files can be written");
        File::open(path).and_then(|file| file.set_modified(modified)).expect("times can be set");
        fs::metadata(path).expect("the file is there")
    }

    #[test]
    fn a_file_that_changes_between_look_and_read_is_not_taken_for_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.yaml");
        let looked = write(&path, "aa", SystemTime::UNIX_EPOCH);
        let now = write(&path, "bb", SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        assert!(matches!(look(&path, &looked, None, Pace::Settled), Seen::Settling));
        assert!(
            matches!(look(&path, &now, None, Pace::Settled), Seen::Read { fingerprint: Some(_), bytes } if bytes == b"bb")
        );
    }
}
