//! What Adit writes to a cluster: the status of the Ingresses that it serves, by whoever holds the Lease.

mod addresses;

pub use addresses::Address;

use crate::settings::StatusSettings;
use crate::source::cluster::Access;
use tokio::sync::watch;

/// The election and the status writer as they run. Both end with the runtime.
#[derive(Debug)]
pub struct Status {
    leading: watch::Receiver<bool>,
}

impl Status {
    /// Starts both on the current runtime.
    pub(crate) fn start(settings: &StatusSettings, _access: &Access) -> Self {
        Self { leading: watch::channel(!settings.election).1 }
    }

    /// Whether we hold the Lease, and so are the one replica that writes.
    pub fn leading(&self) -> watch::Receiver<bool> {
        self.leading.clone()
    }
}
