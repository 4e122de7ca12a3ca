//! Synthetic clusters for the benchmarks: always the same for the same size.

use crate::HOST;
use crate::certificate::Certificate;
use std::fmt::{Display, Write};
use std::net::SocketAddr;

/// Manifests with `hosts` Ingresses of three paths each, one of them [`HOST`] with a certificate, and one Service at
/// `backend`. The ConfigMap lifts the limits that load would run into: a number of requests per connection, a time that
/// a connection may be idle, and the redirect of cleartext to HTTPS. With a level it turns gzip on.
pub fn manifest(hosts: usize, certificate: &Certificate, backend: SocketAddr, gzip: Option<u8>) -> String {
    let gzip = gzip.map(|level| format!(", use-gzip: \"true\", gzip-level: \"{level}\"")).unwrap_or_default();
    let mut yaml = config_map(&gzip) + &self::backend("backend", backend);
    yaml.push_str(&secret("bench", certificate));
    yaml.push_str(&ingress_over_tls("bench", HOST));
    for number in 1..hosts {
        yaml.push_str(&ingress(&format!("app-{number}"), &format!("app-{number}.example.com")));
    }
    yaml
}

/// The ConfigMap, with `more` behind the keys that all have.
pub fn config_map(more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: adit, namespace: adit}}\n\
         data: {{keep-alive-requests: \"1000000000\", keep-alive: \"600\", ssl-redirect: \"false\"{more}}}\n---\n"
    )
}

/// A Service with one endpoint. That of all Ingresses is `backend`.
pub fn backend(name: &str, address: SocketAddr) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: 80}}]}}\n---\n\
         apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: {name}-1\n  \
         labels: {{kubernetes.io/service-name: {name}}}\naddressType: IPv4\n\
         endpoints: [{{addresses: [{}]}}]\nports: [{{port: {}}}]\n---\n",
        address.ip(),
        address.port()
    )
}

/// One Ingress with three paths.
pub fn ingress(name: &str, host: &str) -> String {
    ingress_with(name, host, &["/", "/shop", "/shop/admin"])
}

/// One Ingress with three paths, and with TLS by the Secret of its name.
pub fn ingress_over_tls(name: &str, host: &str) -> String {
    let tls = format!("spec:\n  tls: [{{hosts: [\"{host}\"], secretName: {name}}}]\n");
    ingress(name, host).replacen("spec:\n", &tls, 1)
}

/// One Ingress with these paths.
pub fn ingress_with(name: &str, host: &str, paths: &[impl Display]) -> String {
    let mut yaml = format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}}}\nspec:\n  rules:\n  - host: \"{host}\"\n    \
         http:\n      paths:\n"
    );
    for path in paths {
        let _ = writeln!(
            yaml,
            "      - {{path: {path}, pathType: Prefix, backend: {{service: {{name: backend, port: {{number: 80}}}}}}}}"
        );
    }
    yaml.push_str("---\n");
    yaml
}

/// A Gateway of Adit's, with a listener for HTTP that takes every host.
pub fn gateway() -> String {
    "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: adit}\n\
     spec: {controllerName: adit.dev/gateway-controller}\n---\n\
     apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge}\n\
     spec: {gatewayClassName: adit, listeners: [{name: http, port: 80, protocol: HTTP}]}\n---\n"
        .to_owned()
}

/// One HTTPRoute at that Gateway, with the three paths that an Ingress has.
pub fn http_route(name: &str, host: &str) -> String {
    http_route_with(name, host, &["/", "/shop", "/shop/admin"])
}

/// One HTTPRoute with these paths, a rule each.
pub fn http_route_with(name: &str, host: &str, paths: &[impl Display]) -> String {
    let mut yaml = format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}}}\nspec:\n  \
         parentRefs: [{{name: edge}}]\n  hostnames: [\"{host}\"]\n  rules:\n"
    );
    for path in paths {
        let _ = writeln!(
            yaml,
            "  - {{matches: [{{path: {{value: {path}}}}}], backendRefs: [{{name: backend, port: 80}}]}}"
        );
    }
    yaml.push_str("---\n");
    yaml
}

/// A Secret with a certificate.
pub fn secret(name: &str, Certificate { chain, key, .. }: &Certificate) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\ntype: kubernetes.io/tls\n\
         stringData: {{tls.crt: {chain:?}, tls.key: {key:?}}}\n---\n"
    )
}
