use crate::diagnostic::Diagnostic;
use crate::settings::ControllerSettings;
use crate::source::directory;
use crate::store::Store;
use crate::translate::Translator;
use gateway::table::Publisher;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// What files say at one moment, translated and compiled as `adit serve` would.
pub(super) struct Snapshot {
    pub(super) store: Store,
    pub(super) translator: Translator,
    pub(super) publisher: Publisher,
    /// All that is wrong, sorted.
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Snapshot {
    /// Reads files and directories, and standard input for [`directory::STANDARD_INPUT`].
    pub(super) fn of(paths: &[PathBuf], settings: ControllerSettings) -> Self {
        let mut store = Store::new();
        let changes: Vec<_> =
            directory::load(paths, std::io::stdin()).into_iter().flat_map(|event| store.apply(event)).collect();
        let mut translator = Translator::new(settings);
        let publisher = Publisher::new(Arc::default());
        let published = publisher.publish(translator.translate(&store, &changes));
        let rejected: Vec<_> = published.rejected.iter().map(Diagnostic::from).collect();
        let all = store.problems().chain(translator.diagnostics()).chain(&rejected).cloned();
        let all: BTreeSet<_> = all.map(|diagnostic| store.locate(diagnostic)).collect();
        Self { store, translator, publisher, diagnostics: all.into_iter().collect() }
    }
}
