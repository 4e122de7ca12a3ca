use bytes::Bytes;
use smallvec::SmallVec;

/// Bytes of a request's body that are kept at most, so that they can be sent again.
const LIMIT: usize = 64 << 10;

/// What has been read of a request's body, for another attempt.
#[derive(Debug, Default)]
pub(super) struct Replay {
    pieces: SmallVec<[Bytes; 1]>,
    length: usize,
    is_truncated: bool,
}

impl Replay {
    /// A piece has been read.
    pub(super) fn keep(&mut self, piece: &Bytes) {
        self.length += piece.len();
        if self.length > LIMIT {
            self.is_truncated = true;
            self.pieces = SmallVec::new();
        } else {
            self.pieces.push(piece.clone());
        }
    }

    /// Whether it was too much to be kept.
    pub(super) fn is_truncated(&self) -> bool {
        self.is_truncated
    }

    /// What was kept, if that is all and not nothing.
    pub(super) fn read(&self) -> Option<Bytes> {
        match &*self.pieces {
            [] => None,
            [piece] => Some(piece.clone()),
            pieces => Some(pieces.concat().into()),
        }
    }
}
