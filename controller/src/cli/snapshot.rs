use crate::diagnostic::Diagnostic;
use crate::settings::ControllerSettings;
use crate::source::directory::{self, Loaded};
use crate::source::manifest::Upgraded;
use crate::store::Store;
use crate::translate::Translator;
use gateway::table::Publisher;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// What files say at one moment, translated and compiled as `adit serve` would.
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

impl Snapshot {
    /// Reads files and directories, and standard input for [`directory::STANDARD_INPUT`].
    pub(super) fn of(paths: &[PathBuf], settings: ControllerSettings) -> Self {
        let mut store = Store::new();
        let Loaded { events, foreign, upgraded } = directory::load(paths, std::io::stdin());
        let changes: Vec<_> = events.into_iter().flat_map(|event| store.apply(event)).collect();
        let mut translator = Translator::new(settings);
        let publisher = Publisher::new(Arc::default());
        let published = publisher.publish(translator.translate(&store, &changes));
        let rejected: Vec<_> = published.rejected.iter().map(Diagnostic::from).collect();
        let all = store.problems().chain(translator.diagnostics()).chain(&rejected).cloned();
        let all: BTreeSet<_> = all.map(|diagnostic| store.locate(diagnostic)).collect();
        Self { store, translator, publisher, diagnostics: all.into_iter().collect(), foreign, upgraded }
    }
}
