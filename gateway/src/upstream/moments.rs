use std::time::Duration;

/// A time as an atomic integer can hold it: nanoseconds, enough for centuries.
pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
