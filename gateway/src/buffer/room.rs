//! What a worker has for bodies that are held back.

use super::temp_file::TempFiles;
use super::{BodyQueue, BufferLimits, BufferedBody, QueueLimits, TempSpace};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Bytes of bodies that a worker holds in memory at most, 64 MiB. Beyond it they go to files at once.
const HELD: usize = 64 << 20;

/// Room in memory and in temporary files.
#[derive(Clone, Debug)]
pub(crate) struct BufferRoom {
    files: TempFiles,
    memory: Arc<Semaphore>,
}

impl BufferRoom {
    /// With files in this space.
    pub(crate) fn new(space: Arc<TempSpace>) -> Self {
        Self { files: TempFiles::new(space), memory: Arc::new(Semaphore::new(HELD)) }
    }

    /// An empty body.
    pub(crate) fn body(&self, limits: BufferLimits) -> BufferedBody {
        BufferedBody::new(&self.files, &self.memory, limits)
    }

    /// An empty queue.
    pub(crate) fn queue(&self, limits: QueueLimits) -> BodyQueue {
        BodyQueue::new(self.files.clone(), Arc::clone(&self.memory), limits)
    }
}

impl Default for BufferRoom {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}
