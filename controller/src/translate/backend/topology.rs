//! Which endpoints of a Service are for our zone, as ingress-nginx has it (`getIngressPodZone`, `getEndpointsFromSlices`).

use crate::settings::ControllerSettings;
use crate::store::Store;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, ForZone};

/// The annotation of a Service that asks for hints.
const MODE: &str = "service.kubernetes.io/topology-mode";

/// The values of `trafficDistribution` that ask for hints for zones: the second is the new name of the first.
const SAME_ZONE: [&str; 2] = ["PreferClose", "PreferSameZone"];

/// The zone that a Service prefers to be used from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ZonePreference<'a> {
    zone: &'a str,
    /// The Service has `trafficDistribution`: a slice that has nothing for the zone is used whole.
    by_distribution: bool,
}

/// The preference of a Service: none without the flag, and where the Service has none or our zone is not known.
pub(super) fn preference<'a>(
    service: &Service,
    settings: &'a ControllerSettings,
    store: &'a Store,
) -> Option<ZonePreference<'a>> {
    let zone = settings.zone.as_deref().or(store.zone()).filter(|_| settings.topology_aware)?;
    let mode = service.metadata.annotations.as_ref().and_then(|annotations| annotations.get(MODE));
    let distribution = service.spec.as_ref().and_then(|spec| spec.traffic_distribution.as_deref());
    let by_mode = mode.is_some_and(|mode| mode.eq_ignore_ascii_case("auto"));
    let by_distribution = distribution.is_some_and(|distribution| SAME_ZONE.contains(&distribution));
    (by_mode || by_distribution).then_some(ZonePreference { zone, by_distribution })
}

impl<'a> ZonePreference<'a> {
    /// The zone, where it decides which of a slice's endpoints are used: every one of them has a hint.
    pub(super) fn applies_to(self, endpoints: &[Endpoint]) -> Option<&'a str> {
        let is_whole = endpoints.iter().all(|endpoint| zones(endpoint).next().is_some());
        let is_for_us = || endpoints.iter().any(|endpoint| is_hinted_for(endpoint, self.zone));
        (is_whole && (!self.by_distribution || is_for_us())).then_some(self.zone)
    }
}

/// Whether an endpoint is for this zone.
pub(super) fn is_hinted_for(endpoint: &Endpoint, zone: &str) -> bool {
    zones(endpoint).any(|hint| hint.name == zone)
}

fn zones(endpoint: &Endpoint) -> impl Iterator<Item = &ForZone> {
    endpoint.hints.iter().filter_map(|hints| hints.for_zones.as_ref()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::SourceEvent;
    use serde_json::{Value, json};

    fn service(metadata: &Value, spec: &Value) -> Service {
        serde_json::from_value(json!({"metadata": metadata, "spec": spec})).expect("a Service")
    }

    #[test]
    fn a_service_asks_for_its_zone_and_the_flag_allows_it() {
        let mode = |mode: &str| service(&json!({"annotations": {MODE: mode}}), &json!({}));
        let distribution = |value: &str| service(&json!({}), &json!({"trafficDistribution": value}));
        let settings =
            ControllerSettings { topology_aware: true, zone: Some("a".into()), ..ControllerSettings::default() };
        let store = Store::new();
        let by = |service: &Service| preference(service, &settings, &store).map(|found| found.by_distribution);
        for (service, expected) in [
            (mode("auto"), Some(false)),
            (mode("Auto"), Some(false)),
            (mode("disabled"), None),
            (distribution("PreferClose"), Some(true)),
            (distribution("PreferSameZone"), Some(true)),
            (distribution("PreferSameNode"), None),
            (Service::default(), None),
        ] {
            assert_eq!(by(&service), expected, "{service:?}");
        }
        let off = ControllerSettings { topology_aware: false, ..settings.clone() };
        assert_eq!(preference(&mode("auto"), &off, &store), None);
    }

    #[test]
    fn the_zone_is_that_of_the_flag_or_of_the_source() {
        let service = service(&json!({"annotations": {MODE: "auto"}}), &json!({}));
        let mut settings = ControllerSettings { topology_aware: true, ..ControllerSettings::default() };
        let mut store = Store::new();
        assert_eq!(preference(&service, &settings, &store), None, "it is not known");
        store.apply(SourceEvent::Zone("b".into()));
        assert_eq!(preference(&service, &settings, &store).map(|found| found.zone), Some("b"));
        settings.zone = Some("a".into());
        assert_eq!(preference(&service, &settings, &store).map(|found| found.zone), Some("a"));
    }
}
