//! Where Gateway API's objects come into translation.

use super::{Dirty, Translator};
use crate::diagnostic::Diagnostic;
use crate::object::{Kind, ObjectKey};
use crate::store::Store;
use crate::translate::catch_panic::catch_panic;
use crate::translate::diagnostics::UnitKey;
use crate::translate::gateway_api::{GatewayDirty, Scene, UNITS};
use gateway::config::{Subject, Update};

impl Translator {
    /// Translates what is dirty of Gateway API, but for hosts: classes, then Gateways, then policies,
    /// then the routes that attach to Gateways and lead to Services.
    pub(super) fn translate_gateway_api(&mut self, store: &Store, dirty: &mut GatewayDirty) {
        let scene = Scene::new(store, (&self.settings, &self.config.routes), &self.certificates);
        for kind in UNITS {
            let keys: Vec<_> = dirty.objects.iter().filter(|key| key.kind == kind).cloned().collect();
            for key in keys {
                let diagnostics = match kind {
                    Kind::GatewayClass => self.gateway_api.read_class(&scene, &key),
                    Kind::ListenerSet => self.gateway_api.read_set(&key, store, dirty),
                    Kind::Gateway => self.gateway_api.read_gateway(&key, &scene, dirty),
                    Kind::BackendTlsPolicy => self.gateway_api.read_policy(&key, &scene, dirty),
                    Kind::AditPolicy => self.gateway_api.read_adit_policy(&key, &scene, dirty),
                    _ => self.gateway_api.read_route(&key, &scene, &mut self.shared_policies, dirty),
                };
                self.diagnostics.set(UnitKey::Object(key), diagnostics);
            }
            if kind == Kind::Gateway {
                for (key, diagnostics) in self.gateway_api.settle(&self.streams.listeners, dirty) {
                    self.diagnostics.set(UnitKey::Settled(key), diagnostics);
                }
            }
        }
        self.gateway_api.count_routes(dirty);
        for (key, diagnostics) in self.gateway_api.judge_policies(dirty) {
            self.diagnostics.set(UnitKey::Object(key), diagnostics);
        }
        self.gateway_api.tell_adit_policies(dirty);
    }

    /// Takes in which servers routes name by URL, and which they no longer do.
    pub(super) fn follow_urls(&mut self, dirty: &mut Dirty) {
        let (named, former) = (&mut dirty.gateway_api.named_urls, &mut dirty.gateway_api.former_urls);
        named.iter().for_each(|id| self.url_backends.add(id));
        former.iter().for_each(|id| self.url_backends.remove(id));
        dirty.url_backends.extend(named.drain(..).chain(former.drain(..)));
    }

    /// Says which ports are to be opened, and makes the hosts of entry points of which something has changed, and those whose
    /// Ingresses have.
    pub(super) fn translate_entry_hosts(&mut self, store: &Store, dirty: GatewayDirty, update: &mut Update) {
        update.ports = self.gateway_api.publish_ports();
        let mut places = dirty.hosts;
        for (name, _) in &update.hosts {
            places.extend(self.gateway_api.entries(name));
        }
        for place in places {
            let is_shared = place.0.is_shared();
            let shared = self.hosts.get(&place.1).filter(|_| is_shared).map(AsRef::as_ref);
            let age = |subject: &Subject| Some(store.ingress(&ObjectKey::of(subject)?)?.age.clone());
            let unit = UnitKey::EntryHost(place.0, place.1.clone());
            match catch_panic(|| self.gateway_api.make_host(&place, shared, age)) {
                Ok(host) => {
                    self.diagnostics.set(unit, self.gateway_api.shadowed(&place));
                    let changed = self.gateway_api.set_host(&place, host, &mut self.shared_policies);
                    update.entry_hosts.extend(changed.map(|host| (place.0, place.1, host)));
                }
                Err(message) => {
                    let subject = Subject::other(format!("Host {} ({})", place.1, place.0));
                    self.diagnostics.set(unit, vec![Diagnostic::defect(subject, message)]);
                }
            }
        }
    }
}
