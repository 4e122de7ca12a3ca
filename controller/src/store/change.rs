use crate::object::ObjectKey;
use std::sync::Arc;

/// What an event changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// An object appeared, changed or went away. Never an EndpointSlice or Endpoints: those are [`Change::Endpoints`].
    Object(ObjectKey),
    /// The EndpointSlices or the Endpoints of a Service changed; the Service itself need not exist.
    Endpoints {
        /// The Service's namespace.
        namespace: Arc<str>,
        /// The Service's name.
        service: Arc<str>,
    },
    /// `Store::zone` changed.
    Zone,
    /// Everything that exists is in the store now.
    Synced,
    /// `Store::problems` changed.
    Problems,
}

impl Change {
    pub(super) fn endpoints(namespace: &Arc<str>, service: &Arc<str>) -> Self {
        Self::Endpoints { namespace: namespace.clone(), service: service.clone() }
    }
}
