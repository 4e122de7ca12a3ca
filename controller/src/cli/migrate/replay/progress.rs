//! How far the replay is, on a terminal.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

/// How often that is said.
const PERIOD: Duration = Duration::from_millis(500);

/// How many lines pass between two looks at the clock.
const LINES: u64 = 4096;

/// A line on standard error that is written over and over; nothing where that is no terminal.
pub(super) struct Progress {
    size: Option<u64>,
    shown: Option<Instant>,
}

impl Progress {
    /// Of a log with this many bytes.
    pub(super) fn new(size: Option<u64>) -> Self {
        Self { size, shown: stderr().is_terminal().then(Instant::now) }
    }

    /// So many lines, and so many bytes, have been read.
    pub(super) fn step(&mut self, lines: u64, bytes: u64) {
        let Some(shown) = self.shown.filter(|_| lines.is_multiple_of(LINES)) else { return };
        if shown.elapsed() < PERIOD {
            return;
        }
        self.shown = Some(Instant::now());
        let share = self.size.filter(|size| *size > 0).map(|size| format!(", {}%", bytes.saturating_mul(100) / size));
        // A terminal that takes no more is no reason to stop.
        let _ = write!(stderr(), "\r\x1b[Kreplay: {lines} lines{}", share.unwrap_or_default());
    }

    /// The line makes room for the report.
    pub(super) fn end(self) {
        if self.shown.is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
