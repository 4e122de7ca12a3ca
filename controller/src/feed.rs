//! What passes from a source of objects to whoever serves them.

use crate::diagnostic::Diagnostic;
use crate::object::{ObjectKey, Observed};
use crate::settings::ClusterSettings;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What a source feeds to whoever serves it.
#[derive(Debug)]
pub struct Feed {
    /// What it has to say.
    pub events: mpsc::Receiver<SourceEvent>,
    /// How its watches do; `None` where there are none.
    pub health: Option<watch::Receiver<WatchHealth>>,
    /// The cluster that it comes from, to write to it; `None` where there is none.
    pub cluster: Option<ClusterSettings>,
}

/// Whether the watch of each kind works. Kinds that have neither succeeded nor failed yet are left out.
pub type WatchHealth = BTreeMap<&'static str, bool>;

impl From<mpsc::Receiver<SourceEvent>> for Feed {
    fn from(events: mpsc::Receiver<SourceEvent>) -> Self {
        Self { events, health: None, cluster: None }
    }
}

/// What a source has to say.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceEvent {
    /// An object appeared or changed.
    Apply(Observed),
    /// An object went away.
    Delete(ObjectKey),
    /// All that is wrong with one part of the source (a file) now, replacing what was said of it before; empty when
    /// all is well again.
    Problems {
        /// The part: a file's path.
        part: Arc<str>,
        /// What is wrong.
        diagnostics: Vec<Diagnostic>,
    },
    /// The zone that this process runs in.
    Zone(Arc<str>),
    /// Everything that exists has been said once: the first table may be built.
    Synced,
}
