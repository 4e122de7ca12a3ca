//! From a source's events to a published table: debounce, store, translate, publish.
//!
//! Every event that has arrived is in the store before any is translated, so that objects which changed together are
//! published together.

mod log;

use crate::debounce::Debounce;
use crate::diagnostic::Diagnostic;
use crate::feed::SourceEvent;
use crate::gateway_api::ObjectStatus;
use crate::object::ObjectKey;
use crate::status::Reporter;
use crate::store::{Change, Store};
use gateway::config::{UnopenedPort, Update};
use log::{log_applied, log_difference};
use parking_lot::RwLock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// How long nothing must change before a build: events that arrive together are one build, and every change waits so much
/// longer.
const QUIET: Duration = Duration::from_millis(5);

/// How long a change waits for a build at most.
const CEILING: Duration = Duration::from_millis(200);

/// The most events taken at once.
const BATCH: usize = 1024;

/// Turns what changed in the store into configuration.
pub trait Translate {
    /// What to publish because of `changes`; everything, the first time.
    fn translate(&mut self, store: &Store, changes: &[Change]) -> Update;

    /// All that is wrong with the objects now, as far as translation knows.
    fn diagnostics(&self) -> Vec<Diagnostic>;

    /// The Ingresses that were translated last, and whether anything of each is served now.
    fn translated(&self) -> Vec<(ObjectKey, bool)> {
        Vec::new()
    }

    /// The objects of Gateway API that were translated anew since this was asked last, and what the status of each is to
    /// say; none: nothing of us.
    fn take_statuses(&mut self) -> Vec<(ObjectKey, Option<Arc<ObjectStatus>>)> {
        Vec::new()
    }
}

/// How far a pipeline has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The revision of the published table; zero before the first.
    pub revision: u64,
    /// How many events are part of it: when as many were sent, all of them are in effect.
    pub source_revision: u64,
    /// All that is wrong now: with the source, with objects, and with what the gateway was to compile. Sorted, each once.
    pub diagnostics: Arc<[Diagnostic]>,
    /// The `metadata.uid` of each object that they are about, of those that exist and have one.
    pub uids: Arc<Uids>,
}

/// `metadata.uid` by object.
pub type Uids = BTreeMap<ObjectKey, Arc<str>>;

/// A pipeline, before or while it runs.
pub struct Pipeline<T, P> {
    events: mpsc::Receiver<SourceEvent>,
    store: Arc<RwLock<Store>>,
    translator: T,
    publish: P,
    debounce: Debounce,
    changes: BTreeSet<Change>,
    consumed: Arc<AtomicU64>,
    rejected: Vec<Diagnostic>,
    /// Ports that the gateway cannot open now.
    unopened: watch::Receiver<Arc<[UnopenedPort]>>,
    reporter: Option<Reporter>,
    observer: Option<Observer>,
    state: watch::Sender<State>,
}

/// Is called with the state after each build.
type Observer = Box<dyn FnMut(&State) + Send>;

impl<T, P> Pipeline<T, P>
where
    T: Translate,
    P: FnMut(Update) -> (u64, Vec<Diagnostic>),
{
    /// A pipeline from `events` to `publish`, and its state.
    ///
    /// `publish` makes an update effective and returns the table's revision, from 1, and all that the gateway rejects of
    /// the whole table, not only of this update.
    pub fn new(events: mpsc::Receiver<SourceEvent>, translator: T, publish: P) -> (Self, watch::Receiver<State>) {
        let (state, watched) = watch::channel(State::default());
        let pipeline = Self {
            events,
            store: Arc::default(),
            translator,
            publish,
            debounce: Debounce::new(QUIET, CEILING),
            changes: BTreeSet::new(),
            consumed: Arc::default(),
            rejected: Vec::new(),
            unopened: watch::channel(Arc::default()).1,
            reporter: None,
            observer: None,
            state,
        };
        (pipeline, watched)
    }

    /// What exists. Whoever reads it holds the pipeline up meanwhile.
    pub fn store(&self) -> Arc<RwLock<Store>> {
        Arc::clone(&self.store)
    }

    /// How many events have arrived: [`State::source_revision`] will come to that.
    pub fn consumed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.consumed)
    }

    /// The same, which also reports the ports that the gateway cannot open, as they come and go.
    #[must_use]
    pub fn watching(mut self, unopened: watch::Receiver<Arc<[UnopenedPort]>>) -> Self {
        self.unopened = unopened;
        self
    }

    /// The same, which also reports what the status of Ingresses depends on.
    #[must_use]
    pub fn reporting(mut self, reporter: Option<Reporter>) -> Self {
        self.reporter = reporter;
        self
    }

    /// The same, which also calls `observer` with the state after each build, whether that published anything or not.
    #[must_use]
    pub fn observed_by(mut self, observer: impl FnMut(&State) + Send + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Runs on a thread of its own until the source ends.
    ///
    /// # Errors
    /// The thread or its runtime cannot be created.
    pub fn spawn(self) -> std::io::Result<JoinHandle<()>>
    where
        T: Send + 'static,
        P: Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new().name("pipeline".to_owned()).spawn(move || runtime.block_on(self.run()))
    }

    /// Runs until the source ends; what it said last is published before.
    pub async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.receive(&mut batch).await {
            self.consume(&mut batch);
            if self.debounce.release(Instant::now()) {
                self.build();
            } else if self.changes.is_empty() {
                self.state.send_modify(|state| state.source_revision = self.consumed.load(Relaxed));
            }
        }
        if self.debounce.due().is_some() {
            self.build();
        }
    }

    /// Waits for events, until a build is due, or until there is more to report. False when there will be no more.
    async fn receive(&mut self, batch: &mut Vec<SourceEvent>) -> bool {
        let due = self.debounce.due();
        let received = async {
            let received = self.events.recv_many(batch, BATCH);
            match due {
                None => received.await > 0,
                Some(due) => tokio::time::timeout_at(due.into(), received).await.map_or(true, |count| count > 0),
            }
        };
        tokio::select! {
            received = received => received,
            Ok(()) = self.unopened.changed() => {
                self.report_unopened();
                true
            }
        }
    }

    fn consume(&mut self, batch: &mut Vec<SourceEvent>) {
        let mut store = self.store.write();
        for event in batch.drain(..) {
            self.consumed.fetch_add(1, Relaxed);
            let observed = self.reporter.is_some().then(|| event.clone());
            let changes = store.apply(event);
            if let (Some(reporter), Some(event)) = (&self.reporter, &observed) {
                reporter.observe(event, !changes.is_empty());
            }
            for change in changes {
                if change == Change::Synced {
                    self.debounce.open();
                }
                self.changes.insert(change);
                self.debounce.record(Instant::now());
            }
        }
    }

    fn build(&mut self) {
        let started = Instant::now();
        let changes: Vec<Change> = std::mem::take(&mut self.changes).into_iter().collect();
        let update = self.translator.translate(&self.store.read(), &changes);
        let mut revision = self.state.borrow().revision;
        // Without any host, the first table still says that the gateway is ready.
        if !update.is_empty() || revision == 0 {
            (revision, self.rejected) = (self.publish)(update);
            log_applied(revision, &changes, started.elapsed());
        }
        let statuses = self.translator.take_statuses();
        if let Some(reporter) = &self.reporter {
            reporter.report_served(self.translator.translated());
            reporter.report_statuses(statuses);
        }
        let diagnostics = self.diagnostics();
        log_difference(&self.state.borrow().diagnostics, &diagnostics);
        let uids = self.uids(&diagnostics);
        let state = State { revision, source_revision: self.consumed.load(Relaxed), diagnostics, uids };
        // Before anyone who waits for the state sees it, and then looks at what was observed.
        self.observer.iter_mut().for_each(|observer| observer(&state));
        self.state.send_replace(state);
    }

    /// Reports the ports that cannot be opened, which changes without a build.
    fn report_unopened(&self) {
        if let Some(reporter) = &self.reporter {
            reporter.report_unopened(Arc::clone(&self.unopened.borrow()));
        }
        let diagnostics = self.diagnostics();
        log_difference(&self.state.borrow().diagnostics, &diagnostics);
        let uids = self.uids(&diagnostics);
        self.state.send_modify(|state| (state.diagnostics, state.uids) = (diagnostics, uids));
    }

    fn diagnostics(&self) -> Arc<[Diagnostic]> {
        let store = self.store.read();
        let known = store.problems().chain(&self.rejected).cloned();
        let unopened: Vec<_> = self.unopened.borrow().iter().map(Diagnostic::from).collect();
        let all = known.chain(unopened).chain(self.translator.diagnostics());
        all.map(|diagnostic| store.locate(diagnostic)).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn uids(&self, diagnostics: &[Diagnostic]) -> Arc<Uids> {
        let store = self.store.read();
        let uid = |key: ObjectKey| store.uid(&key).map(Into::into).map(|uid| (key, uid));
        Arc::new(diagnostics.iter().flat_map(subjects).filter_map(uid).collect())
    }
}

/// The objects that a diagnostic is about, or would be if they existed.
fn subjects(diagnostic: &Diagnostic) -> impl Iterator<Item = ObjectKey> {
    [Some(&diagnostic.object), diagnostic.related.as_ref()].into_iter().flatten().filter_map(ObjectKey::of)
}

#[cfg(test)]
mod tests;
