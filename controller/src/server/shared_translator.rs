use crate::diagnostic::Diagnostic;
use crate::gateway_api::ObjectStatus;
use crate::object::ObjectKey;
use crate::pipeline::Translate;
use crate::store::{Change, Store};
use crate::translate::Translator;
use gateway::config::Update;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A translator that the pipeline and the admin port share.
#[derive(Clone)]
pub(super) struct SharedTranslator {
    translator: Arc<Mutex<Translator>>,
    /// How long the last translation took.
    took: Arc<Mutex<Duration>>,
}

impl SharedTranslator {
    pub(super) fn new(translator: Translator) -> Self {
        Self { translator: Arc::new(Mutex::new(translator)), took: Arc::default() }
    }

    /// The translator, for what is below this module.
    pub(super) fn shared(&self) -> Arc<Mutex<Translator>> {
        Arc::clone(&self.translator)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Translator> {
        self.translator.lock()
    }

    /// The same, unless it takes longer than this to get it.
    pub(super) fn try_lock_for(&self, patience: Duration) -> Option<MutexGuard<'_, Translator>> {
        self.translator.try_lock_for(patience)
    }

    /// How long the last translation took.
    pub(super) fn took(&self) -> Duration {
        *self.took.lock()
    }
}

impl Translate for SharedTranslator {
    fn translate(&mut self, store: &Store, changes: &[Change]) -> Update {
        let started = Instant::now();
        let update = self.lock().translate(store, changes);
        *self.took.lock() = started.elapsed();
        update
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.lock().diagnostics().cloned().collect()
    }

    fn take_statuses(&mut self) -> Vec<(ObjectKey, Option<Arc<ObjectStatus>>)> {
        self.lock().take_statuses()
    }

    fn translated(&self) -> Vec<(ObjectKey, bool)> {
        self.lock().translated().map(|(key, is_served)| (key.clone(), is_served)).collect()
    }
}
