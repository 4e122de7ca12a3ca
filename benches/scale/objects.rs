//! What the cluster has: Ingresses or HTTPRoutes, each with a host, a Service and an endpoint of its own.

use crate::backends::{Backends, OTHER};
use crate::routing::{Routing, host};
use anyhow::Result;
use benches::certificate::Certificate;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::ops::Range;

/// The ConfigMap of Adit.
pub(crate) const SETTINGS: &str = "adit";

/// What is created, and where.
pub(crate) struct Object {
    pub(crate) path: &'static str,
    pub(crate) body: Value,
}

/// What all controllers and objects share: Adit's settings, and the Service that changes lead to.
pub(crate) fn shared(backends: &Backends) -> Vec<Object> {
    // The steady load keeps its connections.
    let settings = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": SETTINGS},
        "data": {"keep-alive-requests": "1000000000"},
    });
    let settings = Object { path: "/api/v1/namespaces/default/configmaps", body: settings };
    std::iter::once(settings).chain(service(OTHER, backends.other)).collect()
}

/// The routing objects with these numbers, their Services and endpoints, and for those below `secrets` a certificate.
///
/// # Errors
/// No key can be generated.
pub(crate) fn of(routing: Routing, numbers: Range<usize>, secrets: usize, backends: &Backends) -> Result<Vec<Object>> {
    let mut objects = Vec::new();
    for number in numbers {
        objects.extend(service(&name(number), backends.first));
        if number < secrets {
            objects.push(secret(number)?);
        }
        objects.push(routing.object(number, number < secrets));
    }
    Ok(objects)
}

/// The name of an Ingress or an HTTPRoute, and of its Service and its Secret.
pub(crate) fn name(number: usize) -> String {
    format!("app-{number}")
}

/// A Service with one endpoint.
fn service(name: &str, endpoint: SocketAddr) -> [Object; 2] {
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"clusterIP": "None", "ports": [{"name": "http", "port": 80, "targetPort": endpoint.port()}]},
    });
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [endpoint.ip()], "conditions": {"ready": true}}],
        "ports": [{"name": "http", "port": endpoint.port(), "protocol": "TCP"}],
    });
    [
        Object { path: "/api/v1/namespaces/default/services", body: service },
        Object { path: "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", body: slice },
    ]
}

fn secret(number: usize) -> Result<Object> {
    let Certificate { chain, key, .. } = Certificate::new(&host(number))?;
    let body = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name(number)},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": chain, "tls.key": key},
    });
    Ok(Object { path: "/api/v1/namespaces/default/secrets", body })
}
