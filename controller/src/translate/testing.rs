//! Objects for the tests of translation, written as YAML.

use crate::diagnostic::Place;
use crate::feed::SourceEvent;
use crate::object::{Age, Kind, Object, ObjectKey, Observed};
use crate::store::{Change, Store};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// An object of a known type.
pub(super) fn yaml<T: DeserializeOwned>(text: &str) -> T {
    serde_saphyr::from_str(text).expect("valid YAML of this type")
}

/// An object of any kind that Adit reads, as a source would report it; `document` is its place.
pub(super) fn observed(text: &str, document: Option<u32>) -> Observed {
    let value: serde_json::Value = yaml(text);
    let field = |pointer: &str| value.pointer(pointer).and_then(serde_json::Value::as_str);
    let name = field("/metadata/name").expect("a name").to_owned();
    let namespace = field("/metadata/namespace").unwrap_or("default").to_owned();
    let kind = field("/kind").expect("a kind").to_owned();
    fn typed<T: DeserializeOwned>(value: serde_json::Value) -> Arc<T> {
        Arc::new(serde_json::from_value(value).expect("an object of this kind"))
    }
    let (kind, object) = match kind.as_str() {
        "Ingress" => (Kind::Ingress, Object::Ingress(typed(value))),
        "IngressClass" => (Kind::IngressClass, Object::IngressClass(typed(value))),
        "Service" => (Kind::Service, Object::Service(typed(value))),
        "EndpointSlice" => (Kind::EndpointSlice, Object::EndpointSlice(typed(value))),
        "Endpoints" => (Kind::Endpoints, Object::Endpoints(typed(value))),
        "Secret" => (Kind::Secret, Object::Secret(secret(value))),
        "ConfigMap" => (Kind::ConfigMap, Object::ConfigMap(typed(value))),
        "Namespace" => (Kind::Namespace, Object::Namespace(typed(value))),
        "GatewayClass" => (Kind::GatewayClass, Object::GatewayClass(typed(value))),
        "Gateway" => (Kind::Gateway, Object::Gateway(typed(value))),
        "ListenerSet" => (Kind::ListenerSet, Object::ListenerSet(typed(value))),
        "HTTPRoute" => (Kind::HttpRoute, Object::HttpRoute(typed(value))),
        "GRPCRoute" => (Kind::GrpcRoute, Object::GrpcRoute(typed(value))),
        "TLSRoute" => (Kind::TlsRoute, Object::TlsRoute(typed(value))),
        "TCPRoute" => (Kind::TcpRoute, Object::TcpRoute(typed(value))),
        "UDPRoute" => (Kind::UdpRoute, Object::UdpRoute(typed(value))),
        "ReferenceGrant" => (Kind::ReferenceGrant, Object::ReferenceGrant(typed(value))),
        "BackendTLSPolicy" => (Kind::BackendTlsPolicy, Object::BackendTlsPolicy(typed(value))),
        "AditPolicy" => (Kind::AditPolicy, Object::AditPolicy(typed(value))),
        other => panic!("no test needs a {other}"),
    };
    let namespace = if kind.is_namespaced() { namespace } else { String::new() };
    let place = document.map(|document| Place { file: "test.yaml".into(), document, line: 1 });
    Observed { key: ObjectKey::new(kind, namespace, name), object, age: Age { created: None, place } }
}

/// A Secret whose `stringData` is part of `data`, as the API server makes it.
fn secret(value: serde_json::Value) -> Arc<Secret> {
    let mut secret: Secret = serde_json::from_value(value).expect("a Secret");
    let plain = secret.string_data.take().unwrap_or_default();
    let encoded = plain.into_iter().map(|(key, text)| (key, ByteString(text.into_bytes())));
    secret.data.get_or_insert_default().extend(encoded);
    Arc::new(secret)
}

/// Puts the documents of a multi-document text into a store, and says what changed.
pub(super) fn apply(store: &mut Store, documents: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    for (index, document) in documents.split("\n---\n").enumerate() {
        let number = u32::try_from(index + 1).expect("few documents");
        changes.extend(store.apply(SourceEvent::Apply(observed(document, Some(number)))));
    }
    changes
}
