use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};

/// What one retry costs.
const RETRY: u32 = 100;
/// What may be saved up: 100 retries.
const MOST: u32 = 100 * RETRY;

/// How many requests may be sent again. Each request that is sent for the first time earns a part of a retry, in percent. What
/// is earned beyond a bound is lost, so a failure after a long quiet time finds no more than that.
#[derive(Debug)]
pub(super) struct RetryBudget(AtomicU32);

impl Default for RetryBudget {
    fn default() -> Self {
        Self(AtomicU32::new(MOST))
    }
}

impl RetryBudget {
    /// A request is sent for the first time.
    pub(super) fn earn(&self, percent: NonZero<u32>) {
        // Nearly always it is full, and nothing is written.
        if self.0.load(Ordering::Relaxed) < MOST {
            let earned = |saved: u32| Some(saved.saturating_add(percent.get()).min(MOST));
            let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, earned); // never fails
        }
    }

    /// Takes what a retry costs, if that is there.
    pub(super) fn spend(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| saved.checked_sub(RETRY)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_earn_a_part_of_a_retry_each() {
        let (budget, percent) = (RetryBudget::default(), NonZero::new(40).expect("not zero"));
        budget.earn(percent);
        assert_eq!((0..1000).filter(|_| budget.spend()).count(), 100, "no more is saved up");
        let sent_again = (0..1000).filter(|_| {
            budget.earn(percent);
            budget.spend()
        });
        assert_eq!(sent_again.count(), 400);
    }
}
