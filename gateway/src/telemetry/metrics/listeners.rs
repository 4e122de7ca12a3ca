use super::names;
use crate::config::StreamProtocol;
use prometheus::{IntGaugeVec, Registry};

/// The metrics of the ports that are opened at run time.
#[derive(Clone, Debug)]
pub struct ListenerMetrics(IntGaugeVec);

impl ListenerMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let open = IntGaugeVec::new(names::STREAM_LISTENER.opts(), names::STREAM_LISTENER.labels)?;
        registry.register(Box::new(open.clone()))?;
        Ok(Self(open))
    }

    /// A port is wanted, and whether it is listened on.
    pub fn set(&self, protocol: StreamProtocol, port: u16, open: bool) {
        let mut digits = itoa::Buffer::new();
        self.0.with_label_values(&[digits.format(port), protocol.name()]).set(open.into());
    }

    /// A port is not wanted any more.
    pub fn forget(&self, protocol: StreamProtocol, port: u16) {
        let mut digits = itoa::Buffer::new();
        // Removing fails if the series was not there.
        let _ = self.0.remove_label_values(&[digits.format(port), protocol.name()]);
    }
}
