//! What matching may cost.

/// Matching takes more than it may: the backtracking engine went back too often, or the path is longer than 2 KiB for
/// it; or the patterns that are tried for one request are too large for the length of its path ([`MatchBudget`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("matching a regular expression takes too long")]
pub struct PatternLimit;

/// Steps that matching one request may take, tens of milliseconds at worst. A path of 8 KiB may meet patterns of 256
/// characters, one of 200 bytes patterns of 10,000.
const MATCH_LIMIT: usize = 2 << 20;

/// What the patterns that are tried for one request may still cost together: the size of each, times the bytes that it is
/// tried on. An automaton takes that many steps at worst, where it cannot remember what it has built.
#[derive(Clone, Copy, Debug)]
pub struct MatchBudget(usize);

impl Default for MatchBudget {
    fn default() -> Self {
        Self(MATCH_LIMIT)
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
