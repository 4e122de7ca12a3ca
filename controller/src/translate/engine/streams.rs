use super::{Dirty, Translator};
use crate::diagnostic::Diagnostic;
use crate::lookup::Lookup;
use crate::store::Store;
use crate::translate::catch_panic::catch_panic;
use crate::translate::diagnostics::UnitKey;
use crate::translate::streams;
use gateway::config::{Subject, Update};

impl Translator {
    /// Reads the TCP and UDP services of ConfigMaps anew.
    pub(super) fn translate_streams(&mut self, store: &Store, dirty: &mut Dirty) {
        let lookup = Lookup::new(store);
        let read = catch_panic(|| streams::read(&self.settings, &lookup, &self.streams.listeners));
        self.streams.reads = lookup.reads();
        match read {
            Ok((listeners, diagnostics)) => {
                self.diagnostics.set(UnitKey::Streams, diagnostics);
                if listeners != self.streams.listeners {
                    let changed = self.streams.listeners.iter().chain(&listeners);
                    dirty.backends.extend(changed.flat_map(streams::backends).cloned());
                    self.streams.listeners = listeners;
                    dirty.gateway_api.services = true;
                }
            }
            Err(message) => {
                let defect = Diagnostic::defect(Subject::other("TCP and UDP services"), message);
                self.diagnostics.set(UnitKey::Streams, vec![defect]);
            }
        }
    }

    /// Publishes the TCP and UDP services, those of ConfigMaps and those of Gateways, if they have changed.
    pub(super) fn publish_streams(&mut self, update: &mut Update) {
        let (of_gateways, diagnostics) = self.gateway_api.streams();
        self.diagnostics.set(UnitKey::GatewayStreams, diagnostics);
        let mut all = [self.streams.listeners.as_slice(), &of_gateways].concat();
        all.sort_by_key(|listener| (listener.protocol, listener.port));
        if *all != *self.streams.published {
            self.streams.published = all.into();
            update.streams = Some(self.streams.published.clone());
        }
    }
}
