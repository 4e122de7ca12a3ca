use anyhow::Result;
use controller::feed::SourceEvent;
use controller::object::ObjectKey;
use controller::source::manifest;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The objects of a case as a source would tell them: what is new, what has changed, what is gone.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    known: BTreeSet<ObjectKey>,
    synced: bool,
}

impl Objects {
    /// The events that lead from the documents before to these.
    pub(crate) fn events(&mut self, documents: &str) -> Result<Vec<SourceEvent>> {
        let file: Arc<str> = "objects.yaml".into();
        let manifest = manifest::parse(&file, documents.as_bytes());
        let now: BTreeSet<ObjectKey> = manifest.objects.iter().map(|object| object.key.clone()).collect();
        let gone = std::mem::replace(&mut self.known, now.clone());
        let mut events: Vec<SourceEvent> = gone.difference(&now).cloned().map(SourceEvent::Delete).collect();
        events.extend(manifest.objects.into_iter().map(SourceEvent::Apply));
        events.push(SourceEvent::Problems { part: file, diagnostics: manifest.diagnostics });
        if !std::mem::replace(&mut self.synced, true) {
            events.push(SourceEvent::Synced);
        }
        Ok(events)
    }
}
