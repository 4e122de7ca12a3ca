use std::sync::atomic::{AtomicBool, Ordering};

/// A port that is opened at run time and has hosts of its own: what all of its connections have in common.
#[derive(Debug)]
pub struct OwnPort {
    number: u16,
    is_closed: AtomicBool,
}

impl OwnPort {
    /// The port of this number, which is open.
    pub fn new(number: u16) -> Self {
        Self { number, is_closed: AtomicBool::new(false) }
    }

    /// Its number.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// Its connections take no more requests than those that are there.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// Whether it is open no more.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}
