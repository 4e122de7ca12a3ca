//! Bodies whose length is not known before they end, for endpoints that have to be told it first: they are held back, as nginx
//! does with its request buffering.

use super::Interrupted;
use crate::connection::BodyFraming;
use crate::exchange::Failure;
use crate::lane::client::ClientRequest;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Bytes of a body that was held back which are sent at a time.
const PIECE: usize = 32 << 10;
/// Bytes of such bodies that a worker holds back at most, 64 MiB. Requests beyond it get 503.
const HELD: usize = 64 << 20;

/// The room for the bodies that a worker holds back, for all its lanes.
#[derive(Clone, Debug)]
pub(in crate::lane) struct Uploads {
    room: Arc<Semaphore>,
}

/// A body that has been held back, and the room that it takes.
#[derive(Debug)]
pub(in crate::lane) struct Upload {
    /// What has not been passed on of it.
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl Uploads {
    pub(in crate::lane) fn new() -> Self {
        Self { room: Arc::new(Semaphore::new(HELD)) }
    }

    /// Reads the body, if it has no length. `None` if it has one, or there is none.
    pub(in crate::lane) async fn hold(&self, request: &mut ClientRequest) -> Result<Option<Box<Upload>>, Interrupted> {
        if matches!(request.body_framing(), BodyFraming::None | BodyFraming::Length(_)) {
            return Ok(None);
        }
        let read_before = request.read_before().unwrap_or_default();
        let mut room = self.room_for(&read_before, request)?;
        let mut bytes = BytesMut::from(&*read_before);
        let patience = request.exchange.settings().client.body_timeout;
        while !request.session.is_body_done() {
            let read = timeout(patience, request.session.read_body()).await.map_err(|_| Failure::ClientTimeout)?;
            let Some(piece) = read? else { break };
            room.merge(self.room_for(&piece, request)?);
            bytes.extend_from_slice(&piece);
            if request.exchange.hold_upload(bytes.len()).is_break() {
                return Err(Interrupted::Settled);
            }
        }
        Ok(Some(Box::new(Upload { bytes: bytes.freeze(), _room: room })))
    }

    fn room_for(&self, piece: &[u8], request: &mut ClientRequest) -> Result<OwnedSemaphorePermit, Interrupted> {
        let size = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        Arc::clone(&self.room).try_acquire_many_owned(size).map_err(|_| {
            request.exchange.refuse_upload();
            Interrupted::Settled
        })
    }
}

impl Upload {
    /// Bytes that have not been passed on.
    pub(in crate::lane) fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The next piece to be passed on, and whether it is the last.
    pub(in crate::lane) fn next_piece(&mut self) -> (Bytes, bool) {
        let piece = self.bytes.split_to(PIECE.min(self.bytes.len()));
        (piece, self.bytes.is_empty())
    }
}
