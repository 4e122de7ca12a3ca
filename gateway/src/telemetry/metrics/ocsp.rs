use super::names;
use prometheus::{IntCounter, IntCounterVec, Registry};

/// What comes of asking OCSP responders.
#[derive(Clone, Debug)]
pub struct OcspMetrics {
    good: IntCounter,
    not_good: IntCounter,
    invalid: IntCounter,
    unanswered: IntCounter,
}

impl OcspMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let fetches = IntCounterVec::new(names::OCSP_FETCHES.opts(), names::OCSP_FETCHES.labels)?;
        registry.register(Box::new(fetches.clone()))?;
        let result = |result| fetches.with_label_values(&[result]);
        Ok(Self {
            good: result("good"),
            not_good: result("not-good"),
            invalid: result("invalid"),
            unanswered: result("unanswered"),
        })
    }

    /// A response that handshakes send.
    pub fn fetched(&self) {
        self.good.inc();
    }

    /// The certificate is revoked, or not known.
    pub fn not_good(&self) {
        self.not_good.inc();
    }

    /// A response that is not to be believed.
    pub fn invalid(&self) {
        self.invalid.inc();
    }

    /// No response.
    pub fn unanswered(&self) {
        self.unanswered.inc();
    }
}
