//! A response that the web application firewall has not seen yet.

use super::Inspections;
use crate::connection::BodyFraming;
use crate::exchange::ResponseInspection;
use crate::lane::head::ResponseHead;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

/// What has come of it.
#[derive(Debug)]
pub(super) struct InspectedResponse {
    pub(super) inspections: Inspections,
    pub(super) inspection: ResponseInspection,
    /// Its head, where it is held back, so that the client has got nothing of it.
    pub(super) head: Option<(ResponseHead, BodyFraming)>,
    /// The start of its body.
    pub(super) pieces: Vec<Bytes>,
    length: usize,
    /// The memory that this takes.
    room: Vec<OwnedSemaphorePermit>,
}

impl InspectedResponse {
    pub(super) fn new(inspections: Inspections, inspection: ResponseInspection) -> Self {
        Self { inspections, inspection, head: None, pieces: Vec::new(), length: 0, room: Vec::new() }
    }

    /// Takes the next piece of the body. `false`: there is no room for it.
    pub(super) fn take(&mut self, piece: &Bytes) -> bool {
        let Some(room) = self.inspections.hold(piece.len()) else { return false };
        self.room.push(room);
        self.length += piece.len();
        self.pieces.push(piece.clone());
        true
    }

    /// Whether the rules look at no more of the body than has come.
    pub(super) fn is_full(&self) -> bool {
        self.length >= self.inspection.limit
    }

    /// Whether more of the body has come than the rules look at.
    pub(super) fn is_too_large(&self) -> bool {
        self.length > self.inspection.limit
    }
}
