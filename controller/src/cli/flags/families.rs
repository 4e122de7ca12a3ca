//! All flags, by what they are about.

use super::flag::FlagFacets;
use super::{cluster, metrics, objects, observing, retired, serving, status, webhook};
use crate::registry::{Family, Registered, Registry};

/// What a flag is about: its heading in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Which objects count, and how they are read.
    Objects,
    /// The cluster that they come from.
    Cluster,
    /// Sockets, threads, shutdown.
    Serving,
    /// Logs, metrics and health.
    Observing,
}

impl Topic {
    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::Objects => "Objects",
            Self::Cluster => "Cluster",
            Self::Serving => "Serving",
            Self::Observing => "Logs, metrics and health",
        }
    }
}

/// They are applied in this order.
impl Registered for FlagFacets {
    fn registry() -> &'static Registry<Self> {
        static REGISTRY: Registry<FlagFacets> = Registry::new(&[
            Family { title: Topic::Objects.heading(), settings: objects::FLAGS },
            Family { title: Topic::Serving.heading(), settings: serving::FLAGS },
            Family { title: Topic::Serving.heading(), settings: webhook::FLAGS },
            Family { title: Topic::Observing.heading(), settings: observing::FLAGS },
            Family { title: Topic::Observing.heading(), settings: metrics::FLAGS },
            Family { title: Topic::Cluster.heading(), settings: cluster::FLAGS },
            Family { title: Topic::Cluster.heading(), settings: status::FLAGS },
            Family { title: "Accepted and ignored", settings: retired::FLAGS },
        ]);
        &REGISTRY
    }
}
