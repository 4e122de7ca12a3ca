use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// The time that nothing may be sent to or received from an endpoint.
#[derive(Debug, Default)]
pub(in crate::lane) struct Patience {
    /// Made for the first wait, and kept for all others.
    timer: Option<Pin<Box<Sleep>>>,
    /// The timer runs for this wait.
    waiting: bool,
}

impl Patience {
    /// Something has moved: the next wait begins anew.
    pub(in crate::lane) fn renew(&mut self) {
        self.waiting = false;
    }

    /// Waits until nothing has moved for so long.
    pub(in crate::lane) fn poll(&mut self, time: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(time)));
        if !self.waiting {
            self.waiting = true;
            timer.as_mut().reset(Instant::now() + time);
        }
        timer.as_mut().poll(cx)
    }
}
