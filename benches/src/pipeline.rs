//! What turns events into a table, without sockets.

use anyhow::{Result, ensure};
use controller::feed::SourceEvent;
use controller::settings::ControllerSettings;
use controller::source::manifest;
use controller::store::Store;
use controller::translate::Translator;
use gateway::config::{EntryPoint, PathMatching};
use gateway::headers::Headers;
use gateway::request::{RequestView, normalize};
use gateway::table::{Found, Publisher};
use http::{Method, Version};
use std::sync::Arc;

/// From objects to a published table, as Adit does it but for its hold-off.
#[derive(Debug)]
pub struct Pipeline {
    store: Store,
    /// Knows what is wrong with the objects.
    pub translator: Translator,
    /// Has the table.
    pub publisher: Arc<Publisher>,
}

impl Pipeline {
    /// One without objects.
    pub fn new() -> Self {
        Self {
            store: Store::new(),
            translator: Translator::new(ControllerSettings::default()),
            publisher: Arc::new(Publisher::new(Arc::default())),
        }
    }

    /// One that has published these manifests.
    ///
    /// # Errors
    /// Something is wrong with them.
    pub fn with(yaml: &str) -> Result<Self> {
        let mut pipeline = Self::new();
        pipeline.apply(events("bench.yaml", yaml)?);
        ensure!(pipeline.translator.diagnostics().next().is_none(), "all is valid");
        Ok(pipeline)
    }

    /// Publishes what these events change. Returns how many hosts and backends that are.
    pub fn apply(&mut self, events: Vec<SourceEvent>) -> usize {
        let changes: Vec<_> = events.into_iter().flat_map(|event| self.store.apply(event)).collect();
        let update = self.translator.translate(&self.store, &changes);
        let changed = update.hosts.len() + update.entry_hosts.len() + update.backends.len();
        self.publisher.publish(update);
        changed
    }

    /// The path of the route of a request, as a worker finds it.
    pub fn find(&self, headers: &Headers, path: &str) -> Option<Arc<str>> {
        let request = RequestView::new(&Method::GET, path.as_bytes(), headers, Version::HTTP_11);
        let table = self.publisher.load();
        let path = normalize(request.path(), PathMatching::Nginx).ok()?;
        match table.find(EntryPoint::Http, &request, &path) {
            Found::Route(route) => Some(route.labels.path.clone()),
            _ => None,
        }
    }
}

impl Default for Pipeline {
    fn default() -> Self {
        Self::new()
    }
}

/// The events of a manifest, in a file of its own.
///
/// # Errors
/// Something is wrong with it.
pub fn events(file: &str, yaml: &str) -> Result<Vec<SourceEvent>> {
    let manifest = manifest::parse(&file.into(), yaml.as_bytes());
    ensure!(manifest.diagnostics.is_empty(), "{:?}", manifest.diagnostics);
    Ok(manifest.objects.into_iter().map(SourceEvent::Apply).collect())
}
