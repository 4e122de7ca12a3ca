//! The room for temporary files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where temporary files are made, and how many bytes they have. One for all workers.
#[derive(Debug)]
pub struct TempSpace {
    folder: PathBuf,
    used: AtomicU64,
}

/// Bytes of the space that a file takes, for as long as this lives.
#[derive(Debug)]
pub(super) struct Reserved {
    space: Arc<TempSpace>,
    bytes: AtomicU64,
}

impl TempSpace {
    /// Files are made in this folder.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, used: AtomicU64::new(0) }
    }

    /// Bytes of all files that are there now.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Makes a file, to see whether that is possible.
    ///
    /// # Errors
    /// There is no such folder, or none may be made in it.
    pub fn check(&self) -> io::Result<()> {
        tempfile::tempfile_in(&self.folder).map(drop)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes room for a file that is still empty.
    pub(super) fn reserve(self: &Arc<Self>) -> Reserved {
        Reserved { space: Arc::clone(self), bytes: AtomicU64::new(0) }
    }
}

impl Reserved {
    /// Takes room for a file of so many bytes, unless all files would have more than `bound` bytes then. Whether there was
    /// room. For one writer at a time.
    pub(super) fn cover(&self, bytes: u64, bound: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes.load(Ordering::Relaxed));
        let grown = |used: u64| used.checked_add(more).filter(|used| more == 0 || *used <= bound);
        let is_within = self.space.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok();
        if is_within {
            self.bytes.fetch_add(more, Ordering::Relaxed);
        }
        is_within
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.space.used.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

impl Default for TempSpace {
    /// In the system's folder for temporary files.
    fn default() -> Self {
        Self::new(std::env::temp_dir())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_share_one_bound() {
        let space = Arc::new(TempSpace::default());
        let (one, other) = (space.reserve(), space.reserve());
        assert!(one.cover(6, 10) && other.cover(4, 10));
        assert!(!one.cover(7, 10) && one.cover(7, 11), "the bound may have changed");
        assert!(one.cover(7, 0), "it has that much already");
        assert_eq!(space.used(), 11);
        drop(one);
        assert!(other.cover(10, 10));
        drop(other);
        assert_eq!(space.used(), 0);
    }
}
