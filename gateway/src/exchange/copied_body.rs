//! The body of a copy: its pieces as they pass on their way to the request's backend.

use super::context::Context;
use super::copies::Place;
use crate::telemetry::Event;
use bytes::Bytes;
use smallvec::SmallVec;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Pieces that are taken at once to be sent.
const BATCH: usize = 64;

/// Why a copy does not get to its mirror, or not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// There are too many copies on their way.
    CopiesLimit,
    /// Too much of its body waits for the mirror.
    BodyLimit,
    /// The request's body has not been passed on to its end.
    CutOff,
    /// It has come back, and would be copied again.
    Loop,
    /// The mirror has no endpoint.
    NoEndpoint,
    /// No connection to an endpoint.
    Connect,
    /// The mirror took too long.
    Timeout,
    /// The mirror broke off, or violates HTTP.
    Broken,
}

impl Loss {
    fn label(self) -> &'static str {
        match self {
            Self::CopiesLimit => "copies-limit",
            Self::BodyLimit => "body-limit",
            Self::CutOff => "cut-off",
            Self::Loop => "loop",
            Self::NoEndpoint => "no-endpoint",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
        }
    }

    pub(super) fn count(self, context: &Context) {
        context.telemetry().event(Event::LostCopy, self.label());
    }
}

/// A piece, and whether it is the last.
#[derive(Debug)]
pub(crate) struct CopiedPiece {
    pub(crate) bytes: Bytes,
    pub(crate) is_last: bool,
}

/// The end that the request passes pieces to.
#[derive(Debug)]
pub(super) struct Tee {
    context: Arc<Context>,
    pieces: mpsc::UnboundedSender<CopiedPiece>,
    place: Arc<Place>,
    /// Bytes that have been passed on. A retry sends the body again from its first byte; the copy gets it once.
    passed: u64,
    /// What to count when this is dropped, as long as the body is not whole.
    loss: Option<Loss>,
}

/// The end that the copy is sent from. It holds back no more than there is room for: what is over costs the copy, not the
/// request.
#[derive(Debug)]
pub(crate) struct CopiedBody {
    pieces: mpsc::UnboundedReceiver<CopiedPiece>,
    place: Arc<Place>,
    /// The sizes of the pieces that were taken last.
    taken: Vec<usize>,
    has_begun: bool,
    is_cut_off: bool,
}

/// Both ends of a body that is still to come.
pub(super) fn copied_body(context: &Arc<Context>, place: &Arc<Place>) -> (Tee, CopiedBody) {
    // Its bound is the room of the place.
    let (sender, pieces) = mpsc::unbounded_channel();
    let context = Arc::clone(context);
    let tee = Tee { context, pieces: sender, place: place.clone(), passed: 0, loss: Some(Loss::CutOff) };
    let place = place.clone();
    (tee, CopiedBody { pieces, place, taken: Vec::new(), has_begun: false, is_cut_off: false })
}

impl Tee {
    /// Passes on what is new of a piece that begins behind so many bytes of the body. Whether more is wanted.
    pub(super) fn pass(&mut self, position: u64, piece: &[u8], is_last: bool) -> bool {
        let known = usize::try_from(self.passed.saturating_sub(position)).unwrap_or(usize::MAX);
        let new = &piece[known.min(piece.len())..];
        if new.is_empty() && !is_last {
            return true;
        }
        if !self.place.hold(new.len()) {
            self.loss = Some(Loss::BodyLimit);
            return false;
        }
        self.passed += new.len() as u64;
        // A copy, so that no more memory is held than is counted.
        let passed = self.pieces.send(CopiedPiece { bytes: Bytes::copy_from_slice(new), is_last });
        if passed.is_err() || is_last {
            self.loss = None; // what the mirror has missed is counted where that was seen
            return false;
        }
        true
    }
}

/// Those of one request, for each of its mirrors.
#[derive(Debug)]
pub(super) struct Tees(SmallVec<[Tee; 1]>);

impl Tees {
    /// `None` if there are none.
    pub(super) fn of(tees: impl Iterator<Item = Tee>) -> Option<Box<Self>> {
        let tees = SmallVec::from_iter(tees);
        (!tees.is_empty()).then(|| Box::new(Self(tees)))
    }

    /// [Passes](Tee::pass) a piece on to all of them. Whether any wants more.
    pub(super) fn pass(&mut self, position: u64, piece: &[u8], is_last: bool) -> bool {
        self.0.retain(|tee| tee.pass(position, piece, is_last));
        !self.0.is_empty()
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        if let Some(loss) = self.loss {
            loss.count(&self.context);
        }
    }
}

impl CopiedBody {
    /// The next pieces, once those before have been sent. `None` if there will be no more, though none was the last. Nothing
    /// is lost if the future is dropped.
    pub(crate) async fn next(&mut self) -> Option<Vec<CopiedPiece>> {
        self.taken.drain(..).for_each(|size| self.place.release(size));
        let mut pieces = Vec::new();
        if self.pieces.recv_many(&mut pieces, BATCH).await == 0 {
            self.is_cut_off = true;
            return None;
        }
        self.has_begun = true;
        self.taken.extend(pieces.iter().map(|piece| piece.bytes.len()));
        Some(pieces)
    }

    /// Whether a piece has been taken, so that the copy cannot be sent anew.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether the request has given it up.
    pub(super) fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }
}
