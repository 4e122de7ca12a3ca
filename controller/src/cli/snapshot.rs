use crate::diagnostic::{Diagnostic, Place};
use crate::feed::SourceEvent;
use crate::object::{ObjectKey, Observed};
use crate::settings::ControllerSettings;
use crate::source::directory::{self, Loaded};
use crate::source::manifest::{Upgraded, Workload};
use crate::store::{Change, Store};
use crate::translate::Translator;
use gateway::config::Subject;
use gateway::table::Publisher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// What files, or a cluster, say at one moment.
#[derive(Clone)]
pub(super) struct Objects {
    pub(super) store: Store,
    changes: Vec<Change>,
    /// How many objects there are of each kind that Adit does not read.
    foreign: BTreeMap<String, usize>,
    /// The Ingresses of versions before v1, as v1.
    upgraded: Vec<Upgraded>,
    /// What runs ingress-nginx.
    pub(super) workloads: Vec<Workload>,
    /// Where Ingresses stand that are as old as others of their names.
    moved: HashMap<ObjectKey, Place>,
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
    moved: HashMap<ObjectKey, Place>,
}

impl Objects {
    /// Reads files and directories, and standard input for [`directory::STANDARD_INPUT`].
    pub(super) fn read(paths: &[PathBuf]) -> Self {
        Self::of(directory::load(paths, std::io::stdin()))
    }

    /// What a cluster has said.
    pub(super) fn of_cluster(events: Vec<SourceEvent>) -> Self {
        Self::of(Loaded { events, foreign: BTreeMap::new(), upgraded: Vec::new(), workloads: Vec::new() })
    }

    fn of(loaded: Loaded) -> Self {
        let Loaded { events, foreign, upgraded, workloads } = loaded;
        let mut store = Store::new();
        let changes = events.into_iter().flat_map(|event| store.apply(event)).collect();
        Self { store, changes, foreign, upgraded, workloads, moved: HashMap::new() }
    }

    /// The same with the objects of other files added, or in place of those of their names. An Ingress stays as old as it is,
    /// so that it wins and loses as before: what has no timestamp is as old as its place in the files.
    pub(super) fn replaced_by(mut self, paths: &[PathBuf]) -> Self {
        for event in directory::load(paths, std::io::stdin()).events {
            let event = match event {
                SourceEvent::Apply(observed) => SourceEvent::Apply(self.as_old_as_before(observed)),
                event => event,
            };
            self.changes.extend(self.store.apply(event));
        }
        self
    }

    fn as_old_as_before(&mut self, observed: Observed) -> Observed {
        let Some(former) = self.store.ingress(&observed.key) else { return observed };
        let age = observed.age.in_place_of(&former.age);
        if let Some(place) = &observed.age.place {
            self.moved.insert(observed.key.clone(), place.clone());
        }
        Observed { age, ..observed }
    }

    /// Translates and compiles them.
    pub(super) fn translate(self, settings: ControllerSettings) -> Snapshot {
        let Self { store, changes, foreign, upgraded, moved, workloads: _ } = self;
        let mut translator = Translator::new(settings);
        let publisher = Publisher::new(Arc::default());
        let published = publisher.publish(translator.translate(&store, &changes));
        let rejected: Vec<_> = published.rejected.iter().map(Diagnostic::from).collect();
        let all = store.problems().chain(translator.diagnostics()).chain(&rejected).cloned();
        let locate = |diagnostic: Diagnostic| match moved_to(&moved, &diagnostic.object) {
            Some(place) => diagnostic.at(Some(place.clone())),
            None => store.locate(diagnostic),
        };
        let all: BTreeSet<_> = all.map(locate).collect();
        Snapshot { store, translator, publisher, diagnostics: all.into_iter().collect(), foreign, upgraded, moved }
    }
}

impl Snapshot {
    /// Reads and translates files and directories.
    pub(super) fn of(paths: &[PathBuf], settings: ControllerSettings) -> Self {
        Objects::read(paths).translate(settings)
    }

    /// Where an object stands.
    pub(super) fn place(&self, object: &Subject) -> Option<&Place> {
        moved_to(&self.moved, object).or_else(|| self.store.place(&ObjectKey::of(object)?))
    }
}

fn moved_to<'m>(moved: &'m HashMap<ObjectKey, Place>, object: &Subject) -> Option<&'m Place> {
    moved.get(&ObjectKey::of(object)?)
}
