//! The ConfigMaps that GatewayClasses and Gateways name with `parametersRef`: whether a Gateway has a Service for itself.

use super::findings::Findings;
use crate::gateway_api::{ObjectReference, ServiceType};
use crate::lookup::Lookup;
use crate::object::Kind;
use crate::suggestion::{did_you_mean, nearest};
use std::collections::BTreeMap;

/// What such a ConfigMap sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parameters {
    /// `service-type`: none is `Shared`, Adit's own addresses.
    service_type: Option<Option<ServiceType>>,
    load_balancer_class: Option<String>,
    external_traffic_policy: Option<String>,
}

/// What of the Service follows from the parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ServiceSettings {
    pub(super) service_type: ServiceType,
    pub(super) load_balancer_class: Option<String>,
    pub(super) external_traffic_policy: Option<String>,
}

const KEYS: [&str; 3] = ["service-type", "load-balancer-class", "external-traffic-policy"];

const SHARED: &str = "Shared";

impl Parameters {
    /// Reads the ConfigMap that a reference names, of `namespace` unless it names another one.
    ///
    /// # Errors
    /// Why it cannot be read, as a sentence about the reference.
    pub(super) fn read(
        reference: &ObjectReference,
        namespace: &str,
        field: &str,
        lookup: &Lookup<'_>,
        findings: &mut Findings,
    ) -> Result<Self, String> {
        let (group, kind) = (reference.group.as_deref().unwrap_or_default(), reference.kind.as_deref());
        if !group.is_empty() || kind != Some(Kind::ConfigMap.name()) {
            return Err("is not a ConfigMap: expected one, with the group \"\"".to_owned());
        }
        let namespace = reference.namespace.as_deref().unwrap_or(namespace);
        if namespace.is_empty() {
            return Err("has no namespace: expected that of the ConfigMap".to_owned());
        }
        let name = format!("{namespace}/{}", reference.name);
        let map = lookup.config_map(namespace, &reference.name);
        let map = map.ok_or_else(|| format!("names ConfigMap {name}, which does not exist"))?;
        let none = BTreeMap::new();
        let data = map.data.as_ref().unwrap_or(&none);
        for key in data.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let meant = did_you_mean(nearest(key, KEYS));
            let message = format!("is in ConfigMap {name}, and is not a key that is known: it is ignored{meant}");
            findings.ignored(field, key, &message);
        }
        Self::of(data).map_err(|message| format!("names ConfigMap {name}, where {message}"))
    }

    fn of(data: &BTreeMap<String, String>) -> Result<Self, String> {
        let [service_type, class, policy] = KEYS.map(|key| data.get(key).map(|value| value.trim()));
        let service_type = service_type.map(|text| {
            let kind = ServiceType::ALL.into_iter().find(|kind| kind.name() == text);
            let message = || format!("service-type {text:?} is not known: expected {}", expected_types());
            if text == SHARED { Ok(None) } else { kind.map(Some).ok_or_else(message) }
        });
        if let Some(policy) = policy.filter(|policy| !matches!(*policy, "Cluster" | "Local")) {
            return Err(format!("external-traffic-policy {policy:?} is not known: expected Cluster or Local"));
        }
        if class == Some("") {
            return Err("load-balancer-class is empty: expected a name such as example.com/internal".to_owned());
        }
        Ok(Self {
            service_type: service_type.transpose()?,
            load_balancer_class: class.map(str::to_owned),
            external_traffic_policy: policy.map(str::to_owned),
        })
    }

    /// These, where they say something, before those of the class: the Service that is asked for, if one is.
    pub(super) fn before(self, class: Self) -> Option<ServiceSettings> {
        let service_type = self.service_type.or(class.service_type)??;
        let is_balanced = service_type == ServiceType::LoadBalancer;
        let is_outside = service_type != ServiceType::ClusterIP;
        Some(ServiceSettings {
            service_type,
            load_balancer_class: self.load_balancer_class.or(class.load_balancer_class).filter(|_| is_balanced),
            external_traffic_policy: self
                .external_traffic_policy
                .or(class.external_traffic_policy)
                .filter(|_| is_outside),
        })
    }
}

fn expected_types() -> String {
    let types = ServiceType::ALL.map(ServiceType::name).join(", ");
    format!("{types} or {SHARED}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(data: &[(&str, &str)]) -> Result<Parameters, String> {
        Parameters::of(&data.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    fn parameters(data: &[(&str, &str)]) -> Parameters {
        of(data).expect("parameters")
    }

    #[test]
    fn those_of_the_gateway_count_before_those_of_its_class() {
        let class = || parameters(&[("service-type", "LoadBalancer"), ("load-balancer-class", "example.com/internal")]);
        let settings = Parameters::default().before(class()).expect("a Service");
        assert_eq!(settings.load_balancer_class.as_deref(), Some("example.com/internal"));
        let settings = parameters(&[("service-type", "ClusterIP")]).before(class()).expect("a Service");
        assert_eq!((settings.service_type, settings.load_balancer_class), (ServiceType::ClusterIP, None));
        assert_eq!(parameters(&[("service-type", "Shared")]).before(class()), None);
        assert_eq!(Parameters::default().before(Parameters::default()), None);
    }

    #[test]
    fn what_is_malformed_is_told() {
        for (key, value) in
            [("service-type", "ExternalName"), ("external-traffic-policy", "local"), ("load-balancer-class", " ")]
        {
            let message = of(&[(key, value)]).expect_err("a mistake");
            assert!(message.starts_with(key) && message.contains("expected"), "{message}");
        }
    }
}
