//! How much of a response is read of its endpoint at a time, so that little is held for a client that is slow.

use std::cell::Cell;

/// Bytes that are read at a time at most.
const MOST: usize = 64 << 10;
/// The same at first; twice as much whenever a read of as many was passed on.
const FIRST: usize = super::READ;
/// Bytes that all requests of a worker hold at most. Each reads no more at a time than a share of what is left of it, so that
/// the more requests wait for their clients, the less each of them holds.
const BUDGET: usize = 1 << 20;
const SHARE: usize = 16;
/// Bytes that a request may always read, or it would never end.
const LEAST: usize = 1 << 10;

thread_local! {
    /// Bytes that the requests of this worker have read and not passed on.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// What one request reads ahead of its client.
#[derive(Debug)]
pub(in crate::lane) struct ReadAhead {
    held: usize,
    reach: usize,
    /// The most that may be read at a time, if that is less than for others.
    largest_piece: usize,
}

impl ReadAhead {
    pub(in crate::lane) fn new(largest_piece: usize) -> Self {
        Self { held: 0, reach: FIRST, largest_piece }
    }

    /// How many bytes may be read now.
    pub(in crate::lane) fn room(&self) -> usize {
        let share = BUDGET.saturating_sub(HELD.get()) / SHARE;
        share.min(self.reach).max(LEAST).min(self.largest_piece)
    }

    /// So many bytes have been read.
    pub(in crate::lane) fn read(&mut self, bytes: usize) {
        self.held += bytes;
        HELD.set(HELD.get() + bytes);
    }

    /// All that was read has been passed on to the client.
    pub(in crate::lane) fn passed_on(&mut self) {
        if self.held >= self.reach {
            self.reach = MOST.min(2 * self.reach);
        }
        HELD.set(HELD.get() - self.held);
        self.held = 0;
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        HELD.set(HELD.get() - self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_read_as_the_client_takes_it() {
        let mut ahead = ReadAhead::new(usize::MAX);
        for reach in [FIRST, 2 * FIRST, MOST, MOST] {
            assert_eq!(ahead.room(), reach);
            ahead.read(reach);
            ahead.passed_on();
        }
        ahead.read(1);
        ahead.passed_on();
        assert_eq!(ahead.room(), MOST);
        assert_eq!(ReadAhead::new(1000).room(), 1000, "a piece may be smaller");
    }

    #[test]
    fn the_more_a_worker_holds_the_less_is_read() {
        for (held, most) in
            [(0, FIRST), (BUDGET - SHARE * FIRST, FIRST), (BUDGET - SHARE * 2000, 2000), (BUDGET, LEAST)]
        {
            let mut other = ReadAhead::new(usize::MAX);
            other.read(held);
            assert_eq!(ReadAhead::new(usize::MAX).room(), most);
        }
        assert_eq!(HELD.get(), 0);
    }
}
