//! Bodies that are held back: in memory as far as that may go, beyond it in temporary files.
//!
//! A file has no name, so that nothing is left of it however the process ends. All workers share one bound on the bytes in
//! files. Files are written and read on threads that may block.

mod body;
mod queue;
mod room;
mod space;
mod temp_file;

pub(crate) use body::BufferedBody;
pub(crate) use queue::{BodyQueue, QueueLimits};
pub(crate) use room::BufferRoom;
pub use space::TempSpace;
pub(crate) use temp_file::BufferError;

/// How much of a body is held back where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferLimits {
    /// Bytes that stay in memory. A body with more goes to a file.
    pub memory: usize,
    /// Bytes of all files of the process.
    pub files: u64,
}
