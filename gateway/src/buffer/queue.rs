//! A body on its way from a side that is fast to one that may be slow.

#[cfg(test)]
mod tests;

use super::temp_file::{BufferError, TempFile, TempFiles};
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;

/// Bytes that are written to a file at a time, where memory has room for them.
const BATCH: usize = 64 << 10;
/// Bytes of a piece that is taken at most.
const PIECE: usize = 16 << 10;

/// How much of a body waits where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueLimits {
    /// Bytes that stay in memory. It may be more by one piece.
    pub(crate) memory: usize,
    /// Bytes of its file; with 0 it has none.
    pub(crate) file: u64,
    /// Bytes of all files of the process.
    pub(crate) files: u64,
}

/// What has come of a body and has not been taken. One side [pushes](Self::push) pieces, another one [takes](Self::take) them.
#[derive(Debug)]
pub(crate) struct BodyQueue {
    files: TempFiles,
    state: Mutex<State>,
    /// Something has come, or the end.
    come: Notify,
    /// There is room again.
    taken: Notify,
}

/// In the order in which it is taken: the start, in memory; what is in the file; the end, in memory.
#[derive(Debug)]
struct State {
    limits: QueueLimits,
    /// The room in memory of all bodies of a worker.
    memory: Arc<Semaphore>,
    start: Held,
    file: Option<Arc<TempFile>>,
    /// Bytes of the file that have been written, and taken.
    written: u64,
    read: u64,
    end: Held,
    /// What was the end is being written.
    is_saving: bool,
    /// Bytes in all.
    received: u64,
    /// Whether what has come is all of the body, once no more comes.
    ended: Option<bool>,
}

/// Bytes in memory, and the room that they take.
#[derive(Debug, Default)]
struct Held {
    bytes: BytesMut,
    room: Option<OwnedSemaphorePermit>,
}

/// What has become of a piece.
enum Pushed {
    Added,
    /// There is room once the end is saved.
    EndFull,
    /// There is room once something is taken.
    Full,
}

/// What is taken next.
enum Next {
    Piece(Bytes),
    /// So many bytes at this place of the file.
    Saved(Arc<TempFile>, u64, usize),
    /// It has not come.
    Later,
    End,
}

impl BodyQueue {
    pub(super) fn new(files: TempFiles, memory: Arc<Semaphore>, limits: QueueLimits) -> Self {
        let state = State {
            limits,
            memory,
            start: Held::default(),
            file: None,
            written: 0,
            read: 0,
            end: Held::default(),
            is_saving: false,
            received: 0,
            ended: None,
        };
        Self { files, state: Mutex::new(state), come: Notify::new(), taken: Notify::new() }
    }

    /// Adds a piece, once there is room for it.
    pub(crate) async fn push(&self, piece: &[u8]) {
        if !self.state.lock().push_to_start(piece) {
            yield_now().await; // no file is needed for what the other side takes at once
            self.push_anywhere(piece).await;
        }
        self.come.notify_one();
    }

    async fn push_anywhere(&self, piece: &[u8]) {
        loop {
            let pushed = self.state.lock().push(piece);
            match pushed {
                Pushed::Added => return,
                Pushed::EndFull if self.save().await => self.come.notify_one(),
                Pushed::EndFull | Pushed::Full => self.taken.notified().await,
            }
        }
    }

    /// There will be no more. Whether it is whole then.
    pub(crate) fn end(&self, is_whole: bool) {
        self.state.lock().ended = Some(is_whole);
        self.come.notify_one();
    }

    /// Takes the next piece, of so many bytes at most. `None` is the end.
    ///
    /// # Errors
    /// The file fails.
    pub(crate) async fn take(&self, most: usize) -> io::Result<Option<Bytes>> {
        loop {
            let next = self.state.lock().next(most.min(PIECE));
            let piece = match next {
                Next::Piece(piece) => piece,
                Next::Saved(file, at, length) => {
                    let piece = file.piece(at, length).await?;
                    self.state.lock().read += piece.len() as u64;
                    piece
                }
                Next::Later => {
                    self.come.notified().await;
                    continue;
                }
                Next::End => return Ok(None),
            };
            self.taken.notify_one();
            return Ok(Some(piece));
        }
    }

    /// Whether the next piece, or the end, can be taken without a wait.
    pub(crate) fn is_at_hand(&self) -> bool {
        let state = self.state.lock();
        !state.start.bytes.is_empty() || state.is_drained() && (!state.end.bytes.is_empty() || state.ended.is_some())
    }

    /// Bytes of the whole body, once all of it has come.
    pub(crate) fn length(&self) -> Option<u64> {
        let state = self.state.lock();
        state.ended.filter(|is_whole| *is_whole).map(|_| state.received)
    }

    /// Writes the end to the file. If that takes no more, it stays in memory, and what comes behind it waits.
    async fn save(&self) -> bool {
        let (file, end, at) = self.state.lock().start_saving();
        let bytes = end.bytes.freeze();
        let mut kept = file;
        let saved = self.write(&mut kept, bytes.clone(), at).await;
        if let Err(error) = &saved {
            tracing::debug!(%error, "a response is buffered in memory only");
        }
        let end = Held { bytes: BytesMut::from(bytes), room: end.room };
        self.state.lock().has_saved(kept, end, &saved)
    }

    async fn write(&self, file: &mut Option<Arc<TempFile>>, bytes: Bytes, at: u64) -> Result<(), BufferError> {
        let file = match file {
            Some(file) => file,
            None => {
                let files = self.state.lock().limits.files;
                file.insert(Arc::new(self.files.create(files).await?))
            }
        };
        file.write(bytes, at).await
    }
}

impl State {
    /// Adds a piece to the start, if nothing is behind that and there is room.
    fn push_to_start(&mut self, piece: &[u8]) -> bool {
        let is_first = self.is_drained() && self.end.bytes.is_empty();
        let has_room = self.start.bytes.len() < self.limits.memory.max(1);
        let is_added = is_first && has_room && self.start.push(piece, &self.memory);
        self.received += if is_added { piece.len() as u64 } else { 0 };
        is_added
    }

    fn push(&mut self, piece: &[u8]) -> Pushed {
        if self.push_to_start(piece) {
            return Pushed::Added;
        }
        let length = self.written + (self.end.bytes.len() + piece.len()) as u64;
        if length > self.limits.file {
            return Pushed::Full;
        }
        if self.end.bytes.len() >= BATCH || !self.end.push(piece, &self.memory) {
            return Pushed::EndFull;
        }
        self.received += piece.len() as u64;
        Pushed::Added
    }

    /// Whether all of the file has been taken.
    fn is_drained(&self) -> bool {
        self.read == self.written && !self.is_saving
    }

    fn next(&mut self, most: usize) -> Next {
        if self.start.bytes.is_empty() && self.is_drained() {
            self.start = std::mem::take(&mut self.end);
        }
        if !self.start.bytes.is_empty() {
            return Next::Piece(self.start.take(most));
        }
        let saved = usize::try_from(self.written - self.read).unwrap_or(most).min(most);
        match &self.file {
            Some(file) if saved > 0 => Next::Saved(Arc::clone(file), self.read, saved),
            _ if self.ended.is_some() && !self.is_saving => Next::End,
            _ => Next::Later,
        }
    }

    /// Takes out the end, and says where in the file it is to be written. A file that has been taken is written from its
    /// beginning again.
    fn start_saving(&mut self) -> (Option<Arc<TempFile>>, Held, u64) {
        if self.is_drained() {
            (self.read, self.written) = (0, 0);
        }
        self.is_saving = true;
        (self.file.clone(), std::mem::take(&mut self.end), self.written)
    }

    /// The end has been written, or not. Without a file there is room in memory only.
    fn has_saved(&mut self, file: Option<Arc<TempFile>>, end: Held, saved: &Result<(), BufferError>) -> bool {
        self.is_saving = false;
        self.file = file;
        match saved {
            Ok(()) => {
                self.written += end.bytes.len() as u64;
                return true;
            }
            Err(BufferError::Full) => {}
            Err(BufferError::Io(_)) => self.limits.file = 0,
        }
        self.end = end;
        false
    }
}

impl Held {
    /// Adds a piece, if there is room for it or it is the first. A copy: a small piece may hold a large buffer.
    fn push(&mut self, piece: &[u8], memory: &Arc<Semaphore>) -> bool {
        let room = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        match (Arc::clone(memory).try_acquire_many_owned(room), &mut self.room) {
            (Ok(more), Some(room)) => room.merge(more),
            (Ok(more), room @ None) => *room = Some(more),
            (Err(_), _) if self.bytes.is_empty() => {}
            (Err(_), _) => return false,
        }
        self.bytes.extend_from_slice(piece);
        true
    }

    fn take(&mut self, most: usize) -> Bytes {
        if self.bytes.len() <= most {
            return std::mem::take(self).bytes.freeze();
        }
        let piece = self.bytes.split_to(most).freeze();
        if let Some(room) = &mut self.room {
            drop(room.split(piece.len().min(room.num_permits())));
        }
        piece
    }
}
