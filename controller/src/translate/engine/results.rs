//! What the last translation has given.

use super::Translator;
use crate::annotation::{Annotation, Applied};
use crate::diagnostic::Diagnostic;
use crate::gateway_api::ObjectStatus;
use crate::object::ObjectKey;
use crate::snippet::SnippetReport;
use gateway::config::{Backend, BackendId, EntryPoint, GatewaySettings, HostName, Origin, VirtualHost};
use gateway::telemetry::Orphan;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Translator {
    /// What is wrong now, in a stable order.
    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter()
    }

    /// Why Ingresses that name this host do not serve it: they are not ours, in a cluster as well, where that is nobody's
    /// mistake, or the host is not theirs.
    pub fn not_served(&self, host: &str) -> impl Iterator<Item = &Diagnostic> {
        let hosts =
            self.ingresses.values().flat_map(|unit| unit.not_selected.as_deref().into_iter().chain(&unit.not_owned));
        hosts
            .filter(move |not_served| not_served.hosts.iter().any(|name| name == host))
            .map(|not_served| &not_served.why)
    }

    /// Why an Ingress is not ours, if it is not.
    pub fn why_not_selected(&self, ingress: &ObjectKey) -> Option<&Diagnostic> {
        self.ingresses.get(ingress)?.not_selected.as_ref().map(|not_selected| &not_selected.why)
    }

    /// The settings; `None` before the first translation.
    pub fn settings(&self) -> Option<&Arc<GatewaySettings>> {
        self.published.as_ref()
    }

    /// The virtual host of this name.
    pub fn host(&self, name: &HostName) -> Option<&Arc<VirtualHost>> {
        self.hosts.get(name)
    }

    /// The virtual host of this name at an entry point.
    pub fn host_at(&self, at: EntryPoint, name: &HostName) -> Option<&Arc<VirtualHost>> {
        self.gateway_api.host(at, name).or_else(|| self.host(name).filter(|_| at.is_shared()))
    }

    /// Those that one entry point has alone.
    pub fn entry_hosts(&self) -> impl Iterator<Item = (EntryPoint, &Arc<VirtualHost>)> {
        self.gateway_api.hosts()
    }

    /// What became of the objects of Gateway API.
    pub fn statuses(&self) -> impl Iterator<Item = (&ObjectKey, &ObjectStatus)> {
        self.gateway_api.statuses()
    }

    /// What the statuses of those that were translated since this was asked last are to say; none: nothing of us.
    pub fn take_statuses(&mut self) -> Vec<(ObjectKey, Option<Arc<ObjectStatus>>)> {
        self.gateway_api.take_statuses()
    }

    /// All virtual hosts of all entry points, by name.
    pub fn hosts(&self) -> impl Iterator<Item = &Arc<VirtualHost>> {
        self.hosts.values()
    }

    /// A backend that a route names.
    pub fn backend(&self, id: &BackendId) -> Option<&Backend> {
        match id {
            BackendId::Service(service) => self.backends.get(service),
            BackendId::Url { .. } => self.url_backends.get(id),
            BackendId::Nowhere => None,
        }
    }

    /// The Ingress of the canary that shares the requests for a backend.
    pub fn canary(&self, main: &BackendId) -> Option<&ObjectKey> {
        self.canaries.ingress(main.service()?)
    }

    /// What became of the annotations of an Ingress that is ours, those of a rejected version included.
    pub fn applied(&self, ingress: &ObjectKey) -> &[Applied] {
        self.ingresses.get(ingress).map(|unit| unit.applied.as_slice()).unwrap_or_default()
    }

    /// What AditPolicies ask for of the rule of a route that has this field, each with where it stands.
    pub fn policy_settings(&self, route: &ObjectKey, field: &str) -> &[(Origin, Applied)] {
        self.gateway_api.policy_settings(route, field)
    }

    /// Which directives of snippets work: the ConfigMap's, and those of Ingresses by key.
    pub fn snippets(&self) -> impl Iterator<Item = &SnippetReport> {
        let ingresses: BTreeMap<_, _> = self.ingresses.iter().collect();
        self.config_snippets.iter().chain(ingresses.into_values().flat_map(|unit| &unit.snippets))
    }

    /// The field of an Ingress that holds the annotation of this name.
    pub fn annotation_field(&self, key: &str) -> String {
        format!("metadata.annotations[{}]", Annotation::full_name(key, &self.settings.annotations_prefix))
    }

    /// Whether anything of this Ingress is served.
    pub fn serves(&self, ingress: &ObjectKey) -> bool {
        self.ingresses.get(ingress).is_some_and(|unit| unit.parsed.is_some())
    }

    /// The Ingresses that the last call of [`Self::translate`] translated, those that are gone included, and whether
    /// anything of each is served.
    pub fn translated(&self) -> impl Iterator<Item = (&ObjectKey, bool)> {
        self.translated.iter().map(|key| (key, self.serves(key)))
    }

    /// The Ingresses that have become orphans since the last call, or no longer are, and whether they are.
    pub fn take_orphans(&mut self) -> Vec<(ObjectKey, Orphan, bool)> {
        self.orphans.take_changes()
    }
}
