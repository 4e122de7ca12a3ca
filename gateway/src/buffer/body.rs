//! A body that is read to its end before anybody gets it.

use super::BufferLimits;
use super::temp_file::{BufferError, TempFile, TempFiles};
use bytes::{Bytes, BytesMut};
use std::io;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

/// Bytes that are written to a file at a time, as far as they have come.
const BATCH: usize = 64 << 10;
/// Bytes of a piece that is read at most.
const PIECE: usize = 64 << 10;

/// A body that is written once, and then read from its start as often as it is sent.
#[derive(Debug)]
pub(crate) struct BufferedBody {
    files: TempFiles,
    limits: BufferLimits,
    file: Option<TempFile>,
    /// Bytes in the file.
    saved: u64,
    /// What is not in the file: all of it, as long as there is none, or else its end.
    memory: Memory,
    /// Bytes of it that have been read.
    position: u64,
    /// The piece that is being read.
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

#[derive(Debug)]
struct Memory {
    bytes: Pieces,
    /// Counts them, as far as there is room.
    room: Option<OwnedSemaphorePermit>,
    all: Arc<Semaphore>,
}

/// One piece is kept as it has come: most bodies come in one.
#[derive(Debug)]
enum Pieces {
    One(Bytes),
    Several(BytesMut),
}

impl BufferedBody {
    /// An empty one. `memory` is the room in memory for all bodies of a worker; where it is used up, they go to files earlier.
    pub(super) fn new(files: &TempFiles, memory: &Arc<Semaphore>, limits: BufferLimits) -> Self {
        let memory = Memory { bytes: Pieces::One(Bytes::new()), room: None, all: Arc::clone(memory) };
        Self { files: files.clone(), limits, file: None, saved: 0, memory, position: 0, reading: None }
    }

    /// Adds a piece to its end, in memory.
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.memory.push(piece);
    }

    /// Whether it has more in memory than may stay there.
    pub(crate) fn is_over(&self) -> bool {
        self.memory.len() > self.limits.memory || !self.memory.is_counted()
    }

    /// Whether it is worth writing what it has in memory, though more may have come.
    pub(crate) fn is_batch(&self) -> bool {
        self.memory.len() >= BATCH
    }

    /// Writes what it has in memory to its file.
    ///
    /// # Errors
    /// There is no room, or the file fails.
    pub(crate) async fn save(&mut self) -> Result<(), BufferError> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.files.create(self.limits.files).await?,
        };
        let file = self.file.insert(file);
        let bytes = self.memory.take();
        let length = bytes.len() as u64;
        file.write(bytes, self.saved).await?;
        self.saved += length;
        Ok(())
    }

    /// Bytes of it.
    pub(crate) fn length(&self) -> u64 {
        self.saved + self.memory.len() as u64
    }

    /// Whether all of it has been read.
    pub(crate) fn is_done(&self) -> bool {
        self.position == self.length()
    }

    /// It is read from its start again. Returns its first piece, if that is in memory.
    pub(crate) fn rewind(&mut self) -> Option<Bytes> {
        (self.position, self.reading) = (0, None);
        if self.file.is_none() { self.in_memory() } else { None }
    }

    /// Reads the next piece. `None` is its end. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// The file fails.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let Some(file) = self.file.as_ref().filter(|_| self.position < self.saved) else {
            return Ok(self.in_memory());
        };
        let length = usize::try_from(self.saved - self.position).unwrap_or(PIECE).min(PIECE);
        if self.reading.is_none()
            && let Some(piece) = file.read_cached(self.position, length)
        {
            self.position += piece.len() as u64;
            return Ok(Some(piece));
        }
        let reading = self.reading.get_or_insert_with(|| file.read(self.position, length));
        let read = reading.await;
        self.reading = None;
        let piece = read.map_err(io::Error::other)??;
        self.position += piece.len() as u64;
        Ok(Some(piece))
    }

    /// The next piece, which is not in the file.
    fn in_memory(&mut self) -> Option<Bytes> {
        let at = usize::try_from(self.position - self.saved).unwrap_or(usize::MAX);
        let piece = self.memory.piece(at).filter(|piece| !piece.is_empty())?;
        self.position += piece.len() as u64;
        Some(piece)
    }
}

impl Memory {
    fn len(&self) -> usize {
        match &self.bytes {
            Pieces::One(bytes) => bytes.len(),
            Pieces::Several(bytes) => bytes.len(),
        }
    }

    fn push(&mut self, piece: Bytes) {
        let room = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        if let Ok(room) = Arc::clone(&self.all).try_acquire_many_owned(room) {
            match &mut self.room {
                Some(held) => held.merge(room),
                held @ None => *held = Some(room),
            }
        }
        match &mut self.bytes {
            Pieces::One(first) if first.is_empty() => *first = piece,
            Pieces::One(first) => {
                let mut bytes = BytesMut::from(&**first);
                bytes.extend_from_slice(&piece);
                self.bytes = Pieces::Several(bytes);
            }
            Pieces::Several(bytes) => bytes.extend_from_slice(&piece),
        }
    }

    /// Whether there was room for all of it.
    fn is_counted(&self) -> bool {
        self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) == self.len()
    }

    fn take(&mut self) -> Bytes {
        self.room = None;
        match std::mem::replace(&mut self.bytes, Pieces::One(Bytes::new())) {
            Pieces::One(bytes) => bytes,
            Pieces::Several(bytes) => bytes.freeze(),
        }
    }

    /// A piece that begins there. `None` if nothing is there.
    fn piece(&mut self, at: usize) -> Option<Bytes> {
        if let Pieces::Several(bytes) = &mut self.bytes {
            self.bytes = Pieces::One(std::mem::take(bytes).freeze());
        }
        let Pieces::One(bytes) = &self.bytes else { return None };
        let rest = bytes.get(at..)?;
        Some(bytes.slice_ref(&rest[..rest.len().min(PIECE)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::TempSpace;
    use std::path::PathBuf;

    const LIMITS: BufferLimits = BufferLimits { memory: 8, files: 1 << 20 };

    fn body(limits: BufferLimits) -> (BufferedBody, Arc<TempSpace>) {
        let space = Arc::new(TempSpace::default());
        let memory = Arc::new(Semaphore::new(1 << 10));
        (BufferedBody::new(&TempFiles::new(space.clone()), &memory, limits), space)
    }

    async fn read(body: &mut BufferedBody) -> Vec<u8> {
        let mut all = body.rewind().unwrap_or_default().to_vec();
        while let Some(piece) = body.next().await.expect("no fault") {
            all.extend_from_slice(&piece);
        }
        assert!(body.is_done());
        all
    }

    #[tokio::test]
    async fn a_small_body_stays_in_memory() {
        let (mut body, space) = body(LIMITS);
        assert_eq!(read(&mut body).await, b"");
        for piece in ["ab", "", "cdefgh"] {
            body.push(piece.into());
            assert!(!body.is_over());
        }
        assert_eq!((read(&mut body).await, read(&mut body).await), (b"abcdefgh".to_vec(), b"abcdefgh".to_vec()));
        assert_eq!((body.length(), space.used()), (8, 0));
    }

    #[tokio::test]
    async fn a_larger_one_goes_to_a_file_and_its_end_stays() {
        let (mut body, space) = body(LIMITS);
        let bytes: Vec<u8> = (0..PIECE + 20).map(|at| at as u8).collect();
        for piece in [&bytes[..9], &bytes[9..PIECE + 15]] {
            body.push(Bytes::copy_from_slice(piece));
            assert!(body.is_over());
            body.save().await.expect("room");
        }
        body.push(Bytes::copy_from_slice(&bytes[PIECE + 15..]));
        assert!(!body.is_over());
        assert!(read(&mut body).await == bytes && read(&mut body).await == bytes);
        assert_eq!((body.length(), space.used()), (bytes.len() as u64, PIECE as u64 + 15));
        drop(body);
        assert_eq!(space.used(), 0);
    }

    #[tokio::test]
    async fn where_memory_is_short_a_body_goes_to_a_file_earlier() {
        let (mut body, _) = body(LIMITS);
        body.memory.all = Arc::new(Semaphore::new(3));
        body.push("abcd".into());
        assert!(body.is_over());
        body.save().await.expect("room");
        body.push("ef".into());
        assert!(!body.is_over());
        assert_eq!(read(&mut body).await, b"abcdef");
    }

    #[tokio::test]
    async fn no_room_and_no_folder_are_told_apart() {
        let (mut without_room, space) = body(BufferLimits { memory: 0, files: 4 });
        without_room.push("abcde".into());
        assert!(matches!(without_room.save().await, Err(BufferError::Full)));
        assert_eq!(space.used(), 0);
        let (mut without_folder, _) = body(LIMITS);
        without_folder.files = TempFiles::new(Arc::new(TempSpace::new(PathBuf::from("/nowhere"))));
        without_folder.push("a".into());
        assert!(matches!(without_folder.save().await, Err(BufferError::Io(_))));
    }
}
