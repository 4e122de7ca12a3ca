use gateway::config::Ejection;
use std::num::NonZero;
use std::time::Duration;

/// When endpoints that fail are ejected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EjectionSettings {
    /// `eject-after-failures`: how many failures in a row eject an endpoint. Default none: it is never ejected.
    pub failures: Option<NonZero<u32>>,
    /// `eject-slower-than`: how long the head of a response may take without being a failure. Default without limit.
    pub slower_than: Option<Duration>,
    /// `eject-time`: for how long, the first time. Default 30 s.
    pub time: Duration,
    /// `eject-max-percent`: how many of the endpoints may be ejected at a time. From 1 to 100, default 50.
    pub max_percent: u8,
}

impl Default for EjectionSettings {
    fn default() -> Self {
        Self { failures: None, slower_than: None, time: Duration::from_secs(30), max_percent: 50 }
    }
}

impl EjectionSettings {
    /// The policy; `None` where no endpoint is ejected.
    pub(crate) fn policy(&self) -> Option<Ejection> {
        let Self { failures, slower_than, time, max_percent } = *self;
        Some(Ejection { failures: failures?, slower_than, time, max_percent })
    }
}
