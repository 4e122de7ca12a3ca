//! Temporary files, and the threads that write and read them.

use super::space::{Reserved, TempSpace};
use bytes::Bytes;
use rustix::io::{ReadWriteFlags, preadv2};
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, spawn_blocking};

/// Operations on files at a time, of a worker. Each keeps a thread busy; others wait.
const OPERATIONS: usize = 16;

/// What a worker needs to make temporary files.
#[derive(Clone, Debug)]
pub(crate) struct TempFiles {
    space: Arc<TempSpace>,
    turns: Arc<Semaphore>,
}

/// A file that is gone with this. One side writes it, another one may read what has been written.
#[derive(Debug)]
pub(super) struct TempFile {
    file: Arc<File>,
    turns: Arc<Semaphore>,
    reserved: Reserved,
    /// Bytes that all files of the process may have.
    bound: u64,
}

/// Why more of a body cannot be held back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BufferError {
    /// There is no room for more, or no more disk.
    #[error("the room for temporary files is used up")]
    Full,
    /// A file cannot be made, written or read.
    #[error("a temporary file fails: {0}")]
    Io(io::Error),
}

impl From<io::Error> for BufferError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error),
        }
    }
}

impl TempFiles {
    pub(crate) fn new(space: Arc<TempSpace>) -> Self {
        Self { space, turns: Arc::new(Semaphore::new(OPERATIONS)) }
    }

    /// An empty file. All files of the process have `bound` bytes at most.
    pub(super) async fn create(&self, bound: u64) -> Result<TempFile, BufferError> {
        let space = Arc::clone(&self.space);
        let file = run(&self.turns, move || tempfile::tempfile_in(space.folder())).await?;
        let (turns, reserved) = (Arc::clone(&self.turns), self.space.reserve());
        Ok(TempFile { file: Arc::new(file), turns, reserved, bound })
    }
}

impl TempFile {
    /// Writes these bytes there.
    pub(super) async fn write(&self, bytes: Bytes, at: u64) -> Result<(), BufferError> {
        if !self.reserved.cover(at + bytes.len() as u64, self.bound) {
            return Err(BufferError::Full);
        }
        let file = Arc::clone(&self.file);
        Ok(run(&self.turns, move || file.write_all_at(&bytes, at)).await?)
    }

    /// Reads up to so many bytes, which have been written.
    pub(super) async fn piece(&self, at: u64, length: usize) -> io::Result<Bytes> {
        match self.read_cached(at, length) {
            Some(piece) => Ok(piece),
            None => self.read(at, length).await.map_err(io::Error::other)?,
        }
    }

    /// The same at once, if the system still has them in memory: a thread would only cost then. `None` if it would have to
    /// wait for the disk, or does not say.
    pub(super) fn read_cached(&self, at: u64, length: usize) -> Option<Bytes> {
        let mut bytes = vec![0; length];
        let read = preadv2(&*self.file, &mut [IoSliceMut::new(&mut bytes)], at, ReadWriteFlags::NOWAIT).ok()?;
        bytes.truncate(read);
        (read > 0).then(|| bytes.into())
    }

    /// The same on a thread that waits for the disk.
    pub(super) fn read(&self, at: u64, length: usize) -> JoinHandle<io::Result<Bytes>> {
        let (file, turns) = (Arc::clone(&self.file), Arc::clone(&self.turns));
        tokio::spawn(async move {
            let read = move || {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, at)?;
                Ok(Bytes::from(bytes))
            };
            run(&turns, read).await
        })
    }
}

impl Drop for TempFile {
    /// The last one that closes a large file waits until its blocks are free.
    fn drop(&mut self) {
        let file = Arc::clone(&self.file);
        if tokio::runtime::Handle::try_current().is_ok() {
            spawn_blocking(move || drop(file));
        }
    }
}

async fn run<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    operation: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let turn = Arc::clone(turns).acquire_owned().await.map_err(io::Error::other)?;
    let done = spawn_blocking(move || {
        let _turn = turn;
        operation()
    });
    done.await.map_err(io::Error::other)?
}
