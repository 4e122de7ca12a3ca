//! What the cluster has: Ingresses of three paths, each with a host, a Service and an endpoint of its own.

use crate::backends::{Backends, OTHER};
use anyhow::Result;
use benches::HOST;
use benches::certificate::Certificate;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::ops::Range;

/// The class of all Ingresses, and its controller. Traefik takes no other.
const CLASS: &str = "nginx";
pub(crate) const CONTROLLER: &str = "k8s.io/ingress-nginx";
/// The ConfigMap of Adit.
pub(crate) const SETTINGS: &str = "adit";
/// The paths of each Ingress. The one in the middle is what is asked for and changed.
const PATHS: [&str; 3] = ["/", "/shop", "/shop/admin"];
pub(crate) const CHANGED: usize = 1;

/// What is created, and where.
pub(crate) struct Object {
    pub(crate) path: &'static str,
    pub(crate) body: Value,
}

/// What all Ingresses share: their class, Adit's settings, and the Service that changes lead to.
pub(crate) fn shared(backends: &Backends) -> Vec<Object> {
    let class = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": CLASS},
        "spec": {"controller": CONTROLLER},
    });
    let class = Object { path: "/apis/networking.k8s.io/v1/ingressclasses", body: class };
    // The steady load keeps its connections.
    let settings = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": SETTINGS},
        "data": {"keep-alive-requests": "1000000000"},
    });
    let settings = Object { path: "/api/v1/namespaces/default/configmaps", body: settings };
    [class, settings].into_iter().chain(service(OTHER, backends.other)).collect()
}

/// The Ingresses with these numbers, their Services and endpoints, and for those below `secrets` a certificate.
///
/// # Errors
/// No key can be generated.
pub(crate) fn of_ingresses(numbers: Range<usize>, secrets: usize, backends: &Backends) -> Result<Vec<Object>> {
    let mut objects = Vec::new();
    for number in numbers {
        objects.extend(service(&name(number), backends.first));
        if number < secrets {
            objects.push(secret(number)?);
        }
        objects.push(ingress(number, number < secrets));
    }
    Ok(objects)
}

/// The name of an Ingress, and of its Service and its Secret.
pub(crate) fn name(number: usize) -> String {
    format!("app-{number}")
}

/// The host of an Ingress. The first one is what steady load asks for.
pub(crate) fn host(number: usize) -> String {
    if number == 0 { HOST.to_owned() } else { format!("app-{number}.example.com") }
}

fn ingress(number: usize, tls: bool) -> Object {
    let name = name(number);
    let backend = json!({"service": {"name": name, "port": {"number": 80}}});
    let paths = PATHS.map(|path| json!({"path": path, "pathType": "Prefix", "backend": backend}));
    let mut body = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "annotations": {"nginx.ingress.kubernetes.io/ssl-redirect": "false"}},
        "spec": {"ingressClassName": CLASS, "rules": [{"host": host(number), "http": {"paths": paths}}]},
    });
    if tls {
        body["spec"]["tls"] = json!([{"hosts": [host(number)], "secretName": name}]);
    }
    Object { path: "/apis/networking.k8s.io/v1/namespaces/default/ingresses", body }
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
