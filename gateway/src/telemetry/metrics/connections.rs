use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// What a client connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// Its request head is being read.
    Reading,
    /// Its request is being served.
    Writing,
    /// It is idle between two requests.
    Waiting,
}

impl ConnectionState {
    /// All states, in the order of their counters.
    pub(super) const ALL: [Self; 3] = [Self::Reading, Self::Writing, Self::Waiting];

    /// The label, as nginx calls the state.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Writing => "writing",
            Self::Waiting => "waiting",
        }
    }
}

/// A worker's connections. Atomic, because a connection may be dropped while its worker's cells are locked; only the
/// worker writes them, so no cache line travels.
#[derive(Debug, Default)]
pub(in crate::telemetry) struct Connections {
    accepted: AtomicU64,
    states: [AtomicI64; ConnectionState::ALL.len()],
}

impl Connections {
    pub(in crate::telemetry) fn open(&self, state: ConnectionState) {
        self.accepted.fetch_add(1, Relaxed);
        self.states[state as usize].fetch_add(1, Relaxed);
    }

    pub(in crate::telemetry) fn change(&self, from: ConnectionState, to: ConnectionState) {
        self.close(from);
        self.states[to as usize].fetch_add(1, Relaxed);
    }

    pub(in crate::telemetry) fn close(&self, state: ConnectionState) {
        self.states[state as usize].fetch_sub(1, Relaxed);
    }

    /// How many were accepted since this was last asked.
    pub(super) fn take_accepted(&self) -> u64 {
        self.accepted.swap(0, Relaxed)
    }

    /// How many are in each state of [`ConnectionState::ALL`].
    pub(super) fn states(&self) -> [i64; ConnectionState::ALL.len()] {
        ConnectionState::ALL.map(|state| self.states[state as usize].load(Relaxed))
    }
}
