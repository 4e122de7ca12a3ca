//! How many copies of requests a worker makes at once for mirrors, and how much of their bodies it holds.

use crate::upstream::Upstream;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Copies on their way at a time, of a worker.
const COPIES: usize = 512;
/// Those of them for one mirror, so that a slow one leaves room for others.
const COPIES_OF_MIRROR: usize = 128;
/// Bytes of bodies that wait to be sent, of a worker: 32 MiB.
const HELD: usize = 32 << 20;
/// Those of them for one mirror: 8 MiB.
const HELD_OF_MIRROR: usize = 8 << 20;
/// Those of one copy: 1 MiB, as much as a body has at most by default.
const HELD_OF_COPY: usize = 1 << 20;
/// A piece counts as at least so many bytes, for what it takes beside them.
const LEAST: usize = 256;

/// The copies of a worker. Behind a lock that no other thread takes: what a task holds has to be `Sync`.
#[derive(Debug, Default)]
pub(super) struct Copies(Mutex<Ledger>);

#[derive(Debug, Default)]
struct Ledger {
    all: Share,
    /// By where their upstream is in memory. There is an entry for as long as it has copies.
    mirrors: HashMap<usize, Share>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    copies: usize,
    held: usize,
}

/// The place of one copy, for as long as this lives, with what is held of its body.
#[derive(Debug)]
pub(super) struct Place {
    copies: Arc<Copies>,
    upstream: Arc<Upstream>,
    held: AtomicUsize,
}

impl Copies {
    /// A place for another copy; `None` if there are too many.
    pub(super) fn place(self: &Arc<Self>, upstream: &Arc<Upstream>) -> Option<Arc<Place>> {
        let Ledger { all, mirrors } = &mut *self.0.lock();
        let mirror = mirrors.get(&key(upstream)).copied().unwrap_or_default();
        if all.copies >= COPIES || mirror.copies >= COPIES_OF_MIRROR {
            return None;
        }
        all.copies += 1;
        mirrors.insert(key(upstream), Share { copies: mirror.copies + 1, ..mirror });
        Some(Arc::new(Place { copies: Arc::clone(self), upstream: Arc::clone(upstream), held: AtomicUsize::new(0) }))
    }
}

impl Place {
    /// Takes room for a piece of the body. Whether there is any.
    pub(super) fn hold(&self, piece: usize) -> bool {
        let room = piece.max(LEAST);
        let Ledger { all, mirrors } = &mut *self.copies.0.lock();
        let Some(mirror) = mirrors.get_mut(&key(&self.upstream)) else { return false };
        let own = self.held.load(Ordering::Relaxed);
        if own + room > HELD_OF_COPY || mirror.held + room > HELD_OF_MIRROR || all.held + room > HELD {
            return false;
        }
        self.held.store(own + room, Ordering::Relaxed);
        mirror.held += room;
        all.held += room;
        true
    }

    /// Gives the room of a piece back.
    pub(super) fn release(&self, piece: usize) {
        let mut ledger = self.copies.0.lock();
        let own = self.held.load(Ordering::Relaxed);
        let room = piece.max(LEAST).min(own);
        self.held.store(own - room, Ordering::Relaxed);
        ledger.release(key(&self.upstream), room);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut ledger = self.copies.0.lock();
        ledger.release(key(&self.upstream), self.held.load(Ordering::Relaxed));
        ledger.leave(key(&self.upstream));
    }
}

impl Ledger {
    fn release(&mut self, mirror: usize, room: usize) {
        self.all.held -= room;
        if let Some(mirror) = self.mirrors.get_mut(&mirror) {
            mirror.held -= room;
        }
    }

    fn leave(&mut self, mirror: usize) {
        self.all.copies -= 1;
        if let Some(share) = self.mirrors.get_mut(&mirror) {
            share.copies -= 1;
            if share.copies == 0 {
                self.mirrors.remove(&mirror);
            }
        }
    }
}

fn key(upstream: &Arc<Upstream>) -> usize {
    Arc::as_ptr(upstream).addr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BackendId;
    use crate::upstream::Registry;

    fn upstream(name: &str) -> Arc<Upstream> {
        Registry::new().upstream(&BackendId::Url { host: name.into(), port: 80 })
    }

    #[test]
    fn a_mirror_leaves_places_to_others() {
        let (copies, one) = (Arc::new(Copies::default()), upstream("one"));
        let mut places: Vec<_> = (0..COPIES_OF_MIRROR).filter_map(|_| copies.place(&one)).collect();
        assert_eq!(places.len(), COPIES_OF_MIRROR);
        assert!(copies.place(&one).is_none());
        places.pop();
        assert!(copies.place(&one).is_some());
        let others: Vec<_> = (0..COPIES).map(|number| upstream(&number.to_string())).collect();
        let others: Vec<_> = others.iter().filter_map(|other| copies.place(other)).collect();
        assert_eq!(places.len() + others.len(), COPIES, "of all mirrors together");
        drop((places, others));
        let ledger = copies.0.lock();
        assert!(ledger.mirrors.is_empty() && ledger.all.copies == 0, "{ledger:?}");
    }

    #[test]
    fn bodies_have_bounds_for_a_copy_a_mirror_and_a_worker() {
        const PIECE: usize = 64 << 10;
        let copies = Arc::new(Copies::default());
        let one = upstream("one");
        let fill = |place: &Place| (0..).take_while(|_| place.hold(PIECE)).count() * PIECE;
        let places: Vec<_> = (0..16).filter_map(|_| copies.place(&one)).collect();
        let held: Vec<_> = places.iter().map(|place| fill(place)).collect();
        assert_eq!((held[0], held.iter().sum::<usize>()), (HELD_OF_COPY, HELD_OF_MIRROR));
        places[0].release(PIECE);
        assert!(places[15].hold(PIECE) && !places[0].hold(PIECE), "one has what the other gave");
        let others: Vec<_> = (0..8).map(|number| upstream(&number.to_string())).collect();
        let others: Vec<_> = others.iter().flat_map(|other| (0..8).filter_map(|_| copies.place(other))).collect();
        assert_eq!(others.iter().map(|place| fill(place)).sum::<usize>(), HELD - HELD_OF_MIRROR);
        drop((places, others));
        assert_eq!(copies.0.lock().all.held, 0);
    }

    #[test]
    fn small_pieces_count_for_more_than_their_bytes() {
        let copies = Arc::new(Copies::default());
        let place = copies.place(&upstream("one")).expect("a place");
        assert_eq!((0..).take_while(|_| place.hold(1)).count(), HELD_OF_COPY / LEAST);
        place.release(1);
        assert!(place.hold(1) && !place.hold(1));
    }
}
