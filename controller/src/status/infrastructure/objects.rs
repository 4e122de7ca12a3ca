//! The Service of a Gateway and its EndpointSlices, as they are to be.

use crate::gateway_api::{GROUP, GatewayService, ServicePort, ServiceType};
use crate::object::{Kind, ObjectKey, SERVICE_NAME_LABEL};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use twox_hash::XxHash3_64;

/// Names the controller that made an object, in an annotation, as its name is none that a label can have.
const CONTROLLER: &str = "adit.dev/gateway-controller";

/// Tells what was written last: what Adit no longer asks for differs from that.
const WRITTEN: &str = "adit.dev/written";

/// Who an EndpointSlice is of, so that no other controller takes it for its own.
const SLICE_MANAGER: (&str, &str) = ("endpointslice.kubernetes.io/managed-by", "gateway-controller.adit.dev");

/// The longest value of a label.
const LONGEST_LABEL: usize = 63;

/// An object as it is to be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Desired {
    pub(super) key: ObjectKey,
    pub(super) body: Value,
}

/// Who writes, and for which Gateway.
pub(super) struct Maker<'a> {
    pub(super) controller: &'a str,
    pub(super) gateway: &'a ObjectKey,
    pub(super) service: &'a GatewayService,
}

/// The ports that are served, each with its target port.
fn served(service: &GatewayService) -> impl Iterator<Item = (ServicePort, u16)> {
    service.ports.iter().filter_map(|(port, target)| Some((*port, (*target)?)))
}

impl Maker<'_> {
    /// The key of the Service.
    pub(super) fn key(&self) -> ObjectKey {
        ObjectKey::new(Kind::Service, self.gateway.namespace.clone(), self.service.name.as_str())
    }

    /// The Service; none before there is a port that it can have.
    pub(super) fn service(&self) -> Option<Desired> {
        let port = |(port, target): (ServicePort, u16)| json!({"name": port_name(port), "port": port.port, "protocol": port.protocol(), "targetPort": target});
        let ports: Vec<_> = served(self.service).map(port).collect();
        if ports.is_empty() {
            return None;
        }
        let GatewayService { service_type, load_balancer_class, external_traffic_policy, address, .. } = self.service;
        let address_field = match service_type {
            ServiceType::ClusterIP => "clusterIP",
            ServiceType::NodePort | ServiceType::LoadBalancer => "loadBalancerIP",
        };
        let optional = [
            ("loadBalancerClass", load_balancer_class),
            ("externalTrafficPolicy", external_traffic_policy),
            (address_field, address),
        ];
        let mut spec = json!({"type": service_type.name(), "ports": ports});
        for (field, value) in optional {
            if let Some(value) = value {
                spec[field] = json!(value);
            }
        }
        Some(self.object(self.key(), &[], [("spec", spec)]))
    }

    /// An EndpointSlice with the endpoints of one of Adit's own Service.
    pub(super) fn slice(&self, source: &EndpointSlice) -> Desired {
        let name = format!("{}-{}", self.service.name, source.metadata.name.as_deref().unwrap_or_default());
        let key = ObjectKey::new(Kind::EndpointSlice, self.gateway.namespace.clone(), name);
        let port = |(port, target): (ServicePort, u16)| {
            let protocol = port.protocol();
            json!({"name": port_name(port), "port": target, "protocol": protocol})
        };
        let fields = [
            ("addressType", json!(source.address_type)),
            ("endpoints", source.endpoints.iter().flatten().map(mirrored).collect()),
            ("ports", served(self.service).map(port).collect()),
        ];
        self.object(key, &[(SERVICE_NAME_LABEL, &self.service.name), SLICE_MANAGER], fields)
    }

    fn object<const N: usize>(&self, key: ObjectKey, labels: &[(&str, &str)], fields: [(&str, Value); N]) -> Desired {
        let ObjectKey { kind, namespace, name } = &key;
        let own = [
            ("gateway.networking.k8s.io/gateway-name", &*self.gateway.name),
            ("gateway.networking.k8s.io/gateway-class-name", self.service.class.as_str()),
            ("app.kubernetes.io/managed-by", "adit"),
        ];
        let own = own.into_iter().filter(|(_, value)| value.len() <= LONGEST_LABEL);
        let asked = |entries: &BTreeMap<String, String>| -> Map<String, Value> {
            entries.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
        };
        let (mut all_labels, mut annotations) = (asked(&self.service.labels), asked(&self.service.annotations));
        all_labels.extend(own.chain(labels.iter().copied()).map(|(name, value)| (name.to_owned(), json!(value))));
        annotations.insert(CONTROLLER.to_owned(), json!(self.controller));
        let owner = json!({
            "apiVersion": format!("{GROUP}/v1"),
            "kind": Kind::Gateway.name(),
            "name": self.gateway.name,
            "uid": self.service.owner,
            "controller": true,
        });
        let mut body = json!({
            "apiVersion": kind.api_version(),
            "kind": kind.name(),
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": all_labels,
                "annotations": annotations,
                "ownerReferences": [owner],
            },
        });
        for (field, value) in fields {
            body[field] = value;
        }
        let hash = XxHash3_64::oneshot(body.to_string().as_bytes());
        body["metadata"]["annotations"][WRITTEN] = json!(format!("{hash:016x}"));
        Desired { key, body }
    }
}

/// By this name kube-proxy finds the ports of a Service in its EndpointSlices.
fn port_name(port: ServicePort) -> String {
    format!("{}-{}", port.protocol().to_ascii_lowercase(), port.port)
}

/// What of an endpoint is as true in another namespace. The Pod is not of that.
fn mirrored(endpoint: &Endpoint) -> Value {
    let Endpoint { addresses, conditions, node_name, zone, .. } = endpoint;
    let mut mirrored = json!({"addresses": addresses});
    let optional = [("conditions", json!(conditions)), ("nodeName", json!(node_name)), ("zone", json!(zone))];
    for (field, value) in optional {
        if !value.is_null() {
            mirrored[field] = value;
        }
    }
    mirrored
}

/// Whether an object says all that it is to say, and nothing that was asked for once and no longer is: that would have another
/// [`WRITTEN`].
pub(super) fn is_as_desired(object: &impl serde::Serialize, desired: &Desired) -> bool {
    serde_json::to_value(object).is_ok_and(|object| contains(&object, &desired.body))
}

/// The lists that we write are ours as a whole, and their order says nothing.
fn contains(object: &Value, desired: &Value) -> bool {
    match (object, desired) {
        (_, Value::Array(desired)) => {
            let items = object.as_array().map(Vec::as_slice).unwrap_or_default();
            let has = |desired: &Value| items.iter().any(|item| contains(item, desired));
            items.len() == desired.len() && desired.iter().all(has)
        }
        (Value::Object(object), Value::Object(desired)) => {
            let has = |(field, value): (&String, &Value)| contains(object.get(field).unwrap_or(&Value::Null), value);
            desired.iter().all(has)
        }
        _ => object == desired,
    }
}

/// The Gateway that an object was made for by a controller of this name.
pub(super) fn made_for(metadata: &ObjectMeta, controller: &str) -> Option<ObjectKey> {
    let by = metadata.annotations.as_ref()?.get(CONTROLLER)?;
    let owner = metadata.owner_references.iter().flatten().find(|owner| owner.kind == Kind::Gateway.name())?;
    let namespace = metadata.namespace.as_deref()?;
    (by == controller).then(|| ObjectKey::new(Kind::Gateway, namespace, owner.name.as_str()))
}

/// Whether an object is the one that was made for a Gateway of this UID: another one of its name is somebody else's.
pub(super) fn is_owned(metadata: &ObjectMeta, uid: &str) -> bool {
    metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid)
}

/// The target ports that a Service names.
pub(super) fn service_targets(service: &Service) -> impl Iterator<Item = u16> {
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    ports.filter_map(|port| match port.target_port {
        Some(IntOrString::Int(target)) => u16::try_from(target).ok(),
        _ => None,
    })
}

/// Those that an EndpointSlice names.
pub(super) fn slice_targets(slice: &EndpointSlice) -> impl Iterator<Item = u16> {
    slice.ports.iter().flatten().filter_map(|port| u16::try_from(port.port?).ok())
}
