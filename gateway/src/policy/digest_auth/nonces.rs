//! The nonces that clients have used, and how often.

use std::collections::HashMap;

/// How long a nonce may be used, in seconds.
pub(super) const LIFETIME: u64 = 300;
/// Nonces in use that are remembered at most.
const REMEMBERED: usize = 4096;
/// Counts of a nonce that may come out of order.
const WINDOW: u32 = u64::BITS;

/// The nonces that somebody has used rightly.
#[derive(Debug, Default)]
pub(super) struct UsedNonces {
    windows: HashMap<Nonce, CountWindow>,
    /// Nonces of this second and before are stale.
    stale: Option<u64>,
}

/// What a nonce says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Nonce {
    /// The second since the start in which it was issued.
    pub(super) second: u64,
    pub(super) number: u64,
}

/// The counts that were used of a nonce: the highest, and which of those before it.
#[derive(Clone, Copy, Debug)]
struct CountWindow {
    highest: u32,
    /// Bit n is the count n below the highest.
    used: u64,
}

impl UsedNonces {
    /// Whether a nonce may still be used, with a count that was not. Then it is remembered.
    pub(super) fn is_new(&mut self, nonce: Nonce, count: u32, now: u64) -> bool {
        let is_stale = |nonce: &Nonce, stale: Option<u64>| {
            now.saturating_sub(nonce.second) >= LIFETIME || stale.is_some_and(|stale| nonce.second <= stale)
        };
        if is_stale(&nonce, self.stale) {
            return false;
        }
        if let Some(window) = self.windows.get_mut(&nonce) {
            return window.take(count);
        }
        if self.windows.len() >= REMEMBERED {
            self.windows.retain(|nonce, _| !is_stale(nonce, None));
        }
        if self.windows.len() >= REMEMBERED {
            self.windows.clear();
            self.stale = Some(now);
            return false;
        }
        self.windows.insert(nonce, CountWindow { highest: count, used: 1 });
        true
    }
}

impl CountWindow {
    /// Uses a count, if it was not used yet, and is not so far back that nobody knows.
    fn take(&mut self, count: u32) -> bool {
        if count > self.highest {
            self.used = self.used.checked_shl(count - self.highest).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let back = self.highest - count;
        let is_new = back < WINDOW && self.used & (1 << back) == 0;
        if is_new {
            self.used |= 1 << back;
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_far_back_are_not_known() {
        let mut window = CountWindow { highest: 1, used: 1 };
        assert!(window.take(u32::MAX) && !window.take(u32::MAX));
        assert!(window.take(u32::MAX - WINDOW + 1) && !window.take(u32::MAX - WINDOW));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut used = UsedNonces::default();
        let nonce = |number: usize, second| Nonce { second, number: number as u64 };
        assert!((0..REMEMBERED).all(|number| used.is_new(nonce(number, 0), 1, 1)));
        assert!(!used.is_new(nonce(REMEMBERED, 1), 1, 1), "one too many");
        assert!(!used.is_new(nonce(0, 0), 2, 2), "those of before are stale");
        assert!((0..REMEMBERED).all(|number| used.is_new(nonce(number, 2), 1, 2)));
        assert!(used.is_new(nonce(REMEMBERED, 2 + LIFETIME), 1, 2 + LIFETIME), "expired ones make room");
        assert_eq!(used.windows.len(), 1);
    }
}
