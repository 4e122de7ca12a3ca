//! The Ingresses as Adit serves them: what they come to together is converted, and not what each says.

use super::given::Given;
use crate::configmap::{self, ConfigOutcome, LastGood};
use crate::feed::SourceEvent;
use crate::lookup::Lookup;
use crate::object::ObjectKey;
use crate::route_defaults::RouteDefaults;
use crate::settings::ControllerSettings;
use crate::store::{Store, Stored};
use crate::translate::Translator;
use gateway::config::{Action, Forwarded, GatewaySettings, HostName, Route, RoutePolicies};
use k8s_openapi::api::networking::v1::Ingress;
use std::collections::BTreeSet;

/// Objects, and what Adit makes of their Ingresses.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) store: Store,
    pub(super) translator: Translator,
    pub(super) settings: ControllerSettings,
    /// The settings of the ConfigMap for routes.
    pub(super) defaults: RouteDefaults,
    /// Those of the gateway.
    gateway: GatewaySettings,
}

impl Source {
    /// Objects of Gateway API are not looked at: they stay as they are.
    pub(super) fn new(events: Vec<SourceEvent>, settings: ControllerSettings) -> Self {
        let mut store = Store::new();
        let changes: Vec<_> = events.into_iter().filter(is_of_ingresses).flat_map(|event| store.apply(event)).collect();
        let mut translator = Translator::new(settings.clone());
        translator.translate(&store, &changes);
        let ConfigOutcome { config, .. } = configmap::read(&settings, &Lookup::new(&store), &LastGood::default());
        Self { store, translator, settings, defaults: config.routes, gateway: config.gateway }
    }

    /// The Ingresses that are ours.
    pub(super) fn ingresses(&self) -> impl Iterator<Item = &Stored<Ingress>> {
        self.store.ingresses().filter(|stored| self.translator.why_not_selected(&stored.key).is_none())
    }

    /// What the annotations of an Ingress say.
    pub(super) fn given(&self, ingress: &ObjectKey) -> Given<'_> {
        Given(self.translator.applied(ingress))
    }

    /// What is believed of how clients have come.
    pub(super) fn forwarded(&self) -> &Forwarded {
        &self.gateway.forwarded
    }

    /// Whether `no-auth-locations` leaves a route without authentication.
    pub(super) fn is_open(&self, route: &Route) -> bool {
        self.defaults.needs_no_auth(&route.matches.path.value)
    }

    /// Whether a route is for the requests that no path of a host takes, and they have settings of its Ingress, which those that
    /// no rule takes do not get.
    pub(super) fn guards_other_paths(&self, route: &Route) -> bool {
        let plain = |policies: &RoutePolicies| {
            let rewrite = policies.rewrite.clone().filter(|rewrite| rewrite.target.contains("://"));
            RoutePolicies { https_redirect: None, rewrite, ..policies.clone() }
        };
        let is_of_other_paths = matches!(route.action, Action::DefaultBackend(_));
        is_of_other_paths && plain(&route.policies) != plain(&self.defaults.policies)
    }

    /// The hosts of the rules of an Ingress.
    pub(super) fn hosts_of(ingress: &Ingress) -> BTreeSet<HostName> {
        let rules = ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten());
        rules.filter_map(|rule| HostName::parse(rule.host.as_deref().unwrap_or_default()).ok()).collect()
    }
}

fn is_of_ingresses(event: &SourceEvent) -> bool {
    match event {
        SourceEvent::Apply(observed) => !observed.key.kind.is_of_gateway_api(),
        SourceEvent::Delete(key) => !key.kind.is_of_gateway_api(),
        SourceEvent::Problems { .. } | SourceEvent::Zone(_) | SourceEvent::Synced => true,
    }
}
