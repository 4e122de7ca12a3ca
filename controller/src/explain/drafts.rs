//! A request explained to what would be served with other objects: nothing that is served changes.

use super::{Action, Draft, Explanation, Request, explain};
use crate::diagnostic::Diagnostic;
use crate::feed::SourceEvent;
use crate::object::{ObjectKey, Observed};
use crate::settings::{ControllerSettings, WatchedNamespaces};
use crate::source::manifest::{Manifest, parse};
use crate::store::Store;
use crate::translate::Translator;
use gateway::table::Publisher;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Puts drafted objects over those that there are, as `adit diff -f` does for files. One after the other: each takes about the
/// time and the memory of a start.
#[derive(Debug)]
pub struct Drafts {
    store: Arc<RwLock<Store>>,
    settings: ControllerSettings,
    watched: WatchedNamespaces,
    at_work: Mutex<()>,
}

impl Drafts {
    /// Over the objects of this store, read with these settings.
    pub fn new(store: Arc<RwLock<Store>>, settings: ControllerSettings, watched: WatchedNamespaces) -> Self {
        Self { store, settings, watched, at_work: Mutex::default() }
    }

    /// Explains a request to what there is with these objects, as YAML or JSON, where `now` is what happens to it without them.
    ///
    /// # Errors
    /// There is no object that Adit reads, and why; or another draft is at work.
    pub fn explain(&self, objects: &str, now: Action, request: &Request) -> Result<Explanation, String> {
        const BUSY: &str = "another draft is being explained: try again in a moment";
        let _turn = self.at_work.try_lock().ok_or(BUSY)?;
        let manifest = parse(&"draft".into(), objects.as_bytes());
        if manifest.objects.is_empty() {
            return Err(nothing_read(&manifest));
        }
        let mut store = self.store.read().clone();
        let drafted: BTreeSet<_> = manifest.objects.iter().map(|observed| observed.key.clone()).collect();
        let served = manifest.objects.into_iter().filter(|observed| self.is_watched(observed));
        for observed in served {
            let observed = in_place_of_former(observed, &store);
            store.apply(SourceEvent::Apply(observed));
        }
        let mut translator = Translator::new(self.settings.clone());
        let publisher = Publisher::new(Arc::default());
        let published = publisher.publish(translator.translate(&store, &[]));
        let rejected: Vec<_> = published.rejected.iter().map(Diagnostic::from).collect();
        let all = manifest.diagnostics.iter().chain(translator.diagnostics()).chain(&rejected);
        let of_draft = |fact: &&Diagnostic| ObjectKey::of(&fact.object).is_none_or(|key| drafted.contains(&key));
        let diagnostics: BTreeSet<_> = all.filter(of_draft).map(|fact| store.locate(fact.clone())).collect();
        let draft = Draft {
            objects: drafted.iter().map(ToString::to_string).collect(),
            diagnostics: diagnostics.into_iter().collect(),
            now,
        };
        Ok(Explanation { draft: Some(draft), ..explain(&publisher.load(), &translator, request) })
    }

    /// What is in another namespace than the one that is watched would not even be seen.
    fn is_watched(&self, observed: &Observed) -> bool {
        !matches!(&self.watched, WatchedNamespaces::One(namespace) if *namespace != observed.key.namespace)
    }
}

/// An Ingress wins and loses as before: a draft says nothing of its age.
fn in_place_of_former(observed: Observed, store: &Store) -> Observed {
    match store.ingress(&observed.key) {
        Some(former) => Observed { age: observed.age.in_place_of(&former.age), ..observed },
        None => observed,
    }
}

fn nothing_read(manifest: &Manifest) -> String {
    let problems: Vec<_> = manifest.diagnostics.iter().map(ToString::to_string).collect();
    match problems.as_slice() {
        [] => {
            "the draft has no object of a kind that Adit reads: expected some as `kubectl apply` takes them".to_owned()
        }
        problems => problems.join("\n"),
    }
}
