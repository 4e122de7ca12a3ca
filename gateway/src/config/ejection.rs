use std::num::NonZero;
use std::time::Duration;

/// When an endpoint of a backend gets no requests for a while, because it has failed: it is ejected. A failure is no connection,
/// no head of a response, one with the status 502, 503 or 504, or one that comes too late. Any other response makes the count
/// begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ejection {
    /// `eject-after-failures`: how many failures in a row eject it.
    pub failures: NonZero<u32>,
    /// `eject-slower-than`: how long the head of a response may take without being a failure, if that has a limit.
    pub slower_than: Option<Duration>,
    /// `eject-time`: for how long, the first time. Above zero. Each time soon after another one it is so much longer, up to
    /// ten times as long.
    pub time: Duration,
    /// `eject-max-percent`: how many of the endpoints may be ejected at a time. From 1 to 100; at least one of several may be.
    /// Where all are ejected, all are used.
    pub max_percent: u8,
}
