use crate::diagnostic::Diagnostic;
use crate::settings::ControllerSettings;
use crate::source::directory::{self, Loaded};
use crate::source::manifest::{Upgraded, Workload};
use crate::store::{Change, Store};
use crate::translate::Translator;
use gateway::table::Publisher;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// What files say at one moment.
pub(super) struct Objects {
    pub(super) store: Store,
    changes: Vec<Change>,
    /// How many objects there are of each kind that Adit does not read.
    foreign: BTreeMap<String, usize>,
    /// The Ingresses of versions before v1, as v1.
    upgraded: Vec<Upgraded>,
    /// What runs ingress-nginx.
    pub(super) workloads: Vec<Workload>,
}

/// The same, translated and compiled as `adit serve` would.
pub(super) struct Snapshot {
    pub(super) store: Store,
    pub(super) translator: Translator,
    pub(super) publisher: Publisher,
    /// All that is wrong, sorted.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// How many objects there are of each kind that Adit does not read.
    pub(super) foreign: BTreeMap<String, usize>,
    /// The Ingresses of versions before v1, as v1.
    pub(super) upgraded: Vec<Upgraded>,
}

impl Objects {
    /// Reads files and directories, and standard input for [`directory::STANDARD_INPUT`].
    pub(super) fn read(paths: &[PathBuf]) -> Self {
        let mut store = Store::new();
        let Loaded { events, foreign, upgraded, workloads } = directory::load(paths, std::io::stdin());
        let changes = events.into_iter().flat_map(|event| store.apply(event)).collect();
        Self { store, changes, foreign, upgraded, workloads }
    }

    /// Translates and compiles them.
    pub(super) fn translate(self, settings: ControllerSettings) -> Snapshot {
        let Self { store, changes, foreign, upgraded, workloads: _ } = self;
        let mut translator = Translator::new(settings);
        let publisher = Publisher::new(Arc::default());
        let published = publisher.publish(translator.translate(&store, &changes));
        let rejected: Vec<_> = published.rejected.iter().map(Diagnostic::from).collect();
        let all = store.problems().chain(translator.diagnostics()).chain(&rejected).cloned();
        let all: BTreeSet<_> = all.map(|diagnostic| store.locate(diagnostic)).collect();
        Snapshot { store, translator, publisher, diagnostics: all.into_iter().collect(), foreign, upgraded }
    }
}

impl Snapshot {
    /// Reads and translates files and directories.
    pub(super) fn of(paths: &[PathBuf], settings: ControllerSettings) -> Self {
        Objects::read(paths).translate(settings)
    }
}
