use super::encode::{counter, pairs};
use super::map::Map;
use super::names::{self, MetricDoc};
use prometheus::proto::Metric;

/// What happens and has a reason. Each is a metric, with a series for each reason: a fixed label, of which there are few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A response that we made ourselves.
    Reply,
    /// A request that was sent again.
    Retry,
    /// A request that was not sent again though it could have been.
    RefusedRetry,
    /// A request head that was refused before routing. Its reply, if it got one, is recorded as any other.
    RefusedHead,
    /// A TLS handshake that failed.
    FailedHandshake,
    /// A connection that was closed as soon as it was accepted.
    RefusedConnection,
    /// An HTTP/2 connection that was ended for what its client did.
    Http2Error,
    /// A connection that was closed for want of a PROXY header.
    FailedProxyHeader,
    /// A copy of a request that its mirror did not get, or not whole.
    LostCopy,
}

impl Event {
    /// All of them, in the order of their cells.
    pub(in crate::telemetry) const ALL: [Self; 9] = [
        Self::Reply,
        Self::Retry,
        Self::RefusedRetry,
        Self::RefusedHead,
        Self::FailedHandshake,
        Self::RefusedConnection,
        Self::Http2Error,
        Self::FailedProxyHeader,
        Self::LostCopy,
    ];

    pub(super) fn doc(self) -> MetricDoc {
        match self {
            Self::Reply => names::REPLIES,
            Self::Retry => names::RETRIES,
            Self::RefusedRetry => names::REFUSED_RETRIES,
            Self::RefusedHead => names::REFUSED_HEADS,
            Self::FailedHandshake => names::TLS_HANDSHAKE_FAILURES,
            Self::RefusedConnection => names::REFUSED_CONNECTIONS,
            Self::Http2Error => names::HTTP2_CONNECTION_ERRORS,
            Self::FailedProxyHeader => names::PROXY_PROTOCOL_FAILURES,
            Self::LostCopy => names::LOST_COPIES,
        }
    }
}

/// How often what has happened, and why.
#[derive(Debug, Default)]
pub(super) struct EventCells([Map<&'static str, u64>; Event::ALL.len()]);

impl EventCells {
    pub(super) fn count(&mut self, event: Event, reason: &'static str) {
        *self.0[event as usize].entry(reason).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: Self) {
        for (sums, counts) in self.0.iter_mut().zip(other.0) {
            for (reason, count) in counts {
                *sums.entry(reason).or_default() += count;
            }
        }
    }

    pub(super) fn series(&self, event: Event) -> impl Iterator<Item = Metric> {
        self.0[event as usize].iter().map(|(reason, &count)| counter(pairs([("reason", *reason)]), count))
    }
}
