use super::{Dirty, Translator};
use crate::diagnostic::Diagnostic;
use crate::lookup::Lookup;
use crate::store::Store;
use crate::translate::catch_panic::catch_panic;
use crate::translate::diagnostics::UnitKey;
use crate::translate::streams::{self, Streams};
use gateway::config::{Subject, Update};
use std::sync::Arc;

impl Translator {
    /// Reads the TCP and UDP services anew.
    pub(super) fn translate_streams(&mut self, store: &Store, dirty: &mut Dirty, update: &mut Update) {
        let lookup = Lookup::new(store);
        let read = catch_panic(|| streams::read(&self.settings, &lookup));
        let reads = lookup.reads();
        let before = Arc::clone(&self.streams.listeners);
        let (listeners, diagnostics) = read.unwrap_or_else(|message| {
            (before.to_vec(), vec![Diagnostic::defect(Subject::other("TCP and UDP services"), message)])
        });
        self.diagnostics.set(UnitKey::Streams, diagnostics);
        self.streams = Streams { listeners: listeners.into(), reads };
        let now = &self.streams.listeners;
        if *now != before {
            let backends = before.iter().chain(&**now).filter_map(|listener| listener.backend.service());
            dirty.backends.extend(backends.cloned());
            update.streams = Some(Arc::clone(now));
            dirty.gateway_api.services = true;
        }
    }
}
