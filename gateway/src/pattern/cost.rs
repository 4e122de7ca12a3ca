//! What matching may cost.

use super::PatternLimit;

/// What the patterns that are tried for one request may cost together: the size of each, times the bytes that it is
/// tried on. An automaton takes that many steps at worst, where it cannot remember what it has built.
///
/// Two million steps are some ten milliseconds. A path of 8 KiB may meet patterns of 256 characters, one of 200 bytes
/// patterns of 10,000.
#[derive(Clone, Copy, Debug)]
pub struct MatchBudget(usize);

impl Default for MatchBudget {
    fn default() -> Self {
        Self(2 << 20)
    }
}

impl MatchBudget {
    /// Spends what it costs to try a pattern of this size.
    pub(super) fn spend(&mut self, size: usize, haystack: &[u8]) -> Result<(), PatternLimit> {
        let left = self.0.checked_sub(size.saturating_mul(haystack.len()));
        self.0 = left.ok_or(PatternLimit)?;
        Ok(())
    }
}
