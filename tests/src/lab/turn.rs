use super::wait::PAUSE;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit};
use tokio::time::sleep;

/// How many tests are at work at the same time, apart from those that only wait. Two cores have enough to do with them.
static SEATS: Semaphore = Semaphore::const_new(8);

/// Those who are at work together, or want to be, read it.
static AT_WORK: RwLock<()> = RwLock::const_new(());

/// A test's time to work, until this is dropped. All tests begin at once, and wait here.
#[derive(Debug)]
pub enum Turn {
    /// Others are at work as well.
    Together(RwLockReadGuard<'static, ()>, SemaphorePermit<'static>),
    /// No other is.
    Alone(RwLockWriteGuard<'static, ()>),
}

impl Turn {
    /// Waits for a seat.
    pub async fn together() -> Self {
        let at_work = AT_WORK.read().await;
        Self::Together(at_work, SEATS.acquire().await.expect("it is never closed"))
    }

    /// Waits until no other test is at work, or wants to be: for those that switch off what all need.
    pub async fn alone() -> Self {
        loop {
            // Whoever waited for the lock would keep others from their work meanwhile.
            match AT_WORK.try_write() {
                Ok(alone) => return Self::Alone(alone),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}
