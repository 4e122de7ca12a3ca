use crate::apiserver::{Backoff, Cause};
use std::time::Duration;

/// The waits of one watch.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    failures: Backoff,
    /// Of lists: after an outage the server no longer knows our place in its stream, and the list that follows must not
    /// wait as long as the outage made us.
    losses: Backoff,
}

impl Pauses {
    /// The wait after one more failure.
    pub(super) fn after(&mut self, cause: Cause) -> Duration {
        match cause {
            Cause::Lost => self.losses.next(),
            Cause::Forbidden | Cause::Unauthorized | Cause::Other => self.failures.next(),
        }
    }

    /// How many failures there were in a row, without those that were only losses.
    pub(super) fn failures(&self) -> u32 {
        self.failures.failures()
    }

    /// All is well.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_does_not_hold_up_the_list_after_it() {
        let mut pauses = Pauses::default();
        for _ in 0..10 {
            pauses.after(Cause::Other);
        }
        assert!(pauses.after(Cause::Lost) <= Backoff::FIRST);
        for _ in 0..10 {
            pauses.after(Cause::Lost);
        }
        assert!(pauses.after(Cause::Lost) >= Backoff::CAP / 2, "lists are dear, too");
        pauses.reset();
        assert!(pauses.after(Cause::Lost) <= Backoff::FIRST && pauses.after(Cause::Other) <= Backoff::FIRST);
    }
}
