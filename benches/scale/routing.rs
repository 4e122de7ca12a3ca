//! The two APIs by which hosts are routed: an Ingress or an HTTPRoute has a host and its paths.

use crate::objects::{self, Object};
use benches::HOST;
use serde_json::{Value, json};

/// The class of all Ingresses, and its controller. Traefik takes no other.
const INGRESS_CLASS: &str = "nginx";
pub(crate) const INGRESS_CONTROLLER: &str = "k8s.io/ingress-nginx";
/// The Gateway of all HTTPRoutes.
const GATEWAY: &str = "edge";
/// The paths of a host. The one in the middle is what is asked for and changed.
const PATHS: [&str; 3] = ["/", "/shop", "/shop/admin"];
const CHANGED: usize = 1;

/// The kind of the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routing {
    Ingress,
    HttpRoute,
}

impl Routing {
    /// The name of the kind in the plural.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Ingress => "Ingresses",
            Self::HttpRoute => "HTTPRoutes",
        }
    }

    /// Where its objects are.
    pub(crate) fn collection(self) -> &'static str {
        match self {
            Self::Ingress => "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
            Self::HttpRoute => "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes",
        }
    }

    /// What all its objects share.
    pub(crate) fn shared(self) -> Vec<Object> {
        let object = match self {
            Self::Ingress => Object {
                path: "/apis/networking.k8s.io/v1/ingressclasses",
                body: json!({
                    "apiVersion": "networking.k8s.io/v1",
                    "kind": "IngressClass",
                    "metadata": {"name": INGRESS_CLASS},
                    "spec": {"controller": INGRESS_CONTROLLER},
                }),
            },
            Self::HttpRoute => Object {
                path: "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways",
                body: json!({
                    "apiVersion": "gateway.networking.k8s.io/v1",
                    "kind": "Gateway",
                    "metadata": {"name": GATEWAY},
                    "spec": {"gatewayClassName": "none", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
                }),
            },
        };
        vec![object]
    }

    /// The object with this number.
    pub(crate) fn object(self, number: usize, tls: bool) -> Object {
        let (name, host) = (objects::name(number), host(number));
        let body = match self {
            Self::Ingress => ingress(&name, &host, tls),
            Self::HttpRoute => http_route(&name, &host),
        };
        Object { path: self.collection(), body }
    }

    /// Where the Service of the path in the middle is named in an object.
    pub(crate) fn changed(self) -> String {
        match self {
            Self::Ingress => format!("/spec/rules/0/http/paths/{CHANGED}/backend/service/name"),
            Self::HttpRoute => format!("/spec/rules/{CHANGED}/backendRefs/0/name"),
        }
    }
}

/// The host of an object. The first one is what steady load asks for.
pub(crate) fn host(number: usize) -> String {
    if number == 0 { HOST.to_owned() } else { format!("app-{number}.example.com") }
}

fn ingress(name: &str, host: &str, tls: bool) -> Value {
    let backend = json!({"service": {"name": name, "port": {"number": 80}}});
    let paths = PATHS.map(|path| json!({"path": path, "pathType": "Prefix", "backend": backend}));
    let mut body = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "annotations": {"nginx.ingress.kubernetes.io/ssl-redirect": "false"}},
        "spec": {"ingressClassName": INGRESS_CLASS, "rules": [{"host": host, "http": {"paths": paths}}]},
    });
    if tls {
        body["spec"]["tls"] = json!([{"hosts": [host], "secretName": name}]);
    }
    body
}

fn http_route(name: &str, host: &str) -> Value {
    let rules = PATHS.map(|path| {
        json!({"matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": [{"name": name, "port": 80}]})
    });
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {"parentRefs": [{"name": GATEWAY}], "hostnames": [host], "rules": rules},
    })
}

/// A class by which a controller of this name takes the Gateway, and what of the Gateway says so.
pub(crate) fn gateway_class(name: &str, controller: &str) -> (Object, Object) {
    let class = json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": name},
        "spec": {"controllerName": controller},
    });
    let patch = json!([{"op": "replace", "path": "/spec/gatewayClassName", "value": name}]);
    (
        Object { path: "/apis/gateway.networking.k8s.io/v1/gatewayclasses", body: class },
        Object { path: "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways/edge", body: patch },
    )
}

/// Whether the status of an object is what a controller writes: an Ingress has its address, an HTTPRoute its entry.
pub(crate) fn is_written(routing: Routing, status: &Value, by: &Identity) -> bool {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    match routing {
        Routing::Ingress => list(&status["loadBalancer"]["ingress"]).iter().any(|entry| entry["ip"] == by.address),
        Routing::HttpRoute => list(&status["parents"]).iter().any(|entry| entry["controllerName"] == by.controller),
    }
}

/// By what the statuses that a controller writes are known: they are of no other one.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// For the statuses of Ingresses.
    pub(crate) address: String,
    /// The `controllerName` of its GatewayClass.
    pub(crate) controller: String,
}
