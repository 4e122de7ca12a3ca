//! A shop with some faults.

use anyhow::Result;
use jiff::{Span, Timestamp};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tests::adit::documents;

/// A path of an Ingress, to port 80 of a Service.
pub(super) fn path(path: &str, kind: &str, service: &str) -> Value {
    json!({"path": path, "pathType": kind, "backend": {"service": {"name": service, "port": {"number": 80}}}})
}

/// An Ingress in the namespace `shop`, with annotations of ingress-nginx by their whole names.
pub(super) fn ingress(name: &str, annotations: &Value, spec: &Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": name, "namespace": "shop", "annotations": annotations},
        "spec": spec,
    })
}

fn service(name: &str, addresses: &[&str]) -> [Value; 2] {
    let endpoints = addresses.iter().enumerate().map(|(number, address)| {
        let (pod, uid) = (format!("{name}-{number}"), format!("uid-{number}"));
        json!({"addresses": [address], "targetRef": {"kind": "Pod", "name": pod, "namespace": "shop", "uid": uid}})
    });
    [
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"ports": [{"port": 80}]},
        }),
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "namespace": "shop", "labels": {"kubernetes.io/service-name": name}},
            "ports": [{"port": 8080, "protocol": "TCP"}], "endpoints": endpoints.collect::<Vec<_>>(),
        }),
    ]
}

/// What is as it should be: two hosts.
pub(super) fn shop() -> Vec<Value> {
    let paths = [path("/", "Prefix", "cart"), path("/cart", "Prefix", "cart"), path("/cart/pay", "Exact", "pay")];
    let timeouts = json!({
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "30",
        "nginx.ingress.kubernetes.io/proxy-body-size": "8m",
    });
    let api = json!({"rules": [{"host": "api.example.com", "http": {"paths": [
        path("/v1(/|$)(.*)", "ImplementationSpecific", "cart"),
    ]}}]});
    let rewrite = json!({"nginx.ingress.kubernetes.io/rewrite-target": "/$2"});
    let services = [service("cart", &["10.244.1.7", "10.244.2.9"]), service("pay", &["10.244.1.8"])];
    let rules = json!({"rules": [{"host": "shop.example.com", "http": {"paths": paths}}]});
    let ingresses = [ingress("shop", &timeouts, &rules), ingress("api", &rewrite, &api)];
    ingresses.into_iter().chain(services.into_iter().flatten()).collect()
}

/// The same with a certificate that ends soon, and with faults.
pub(super) fn objects() -> Result<String> {
    let mut objects = shop();
    objects[0]["spec"]["tls"] = json!([{"hosts": ["shop.example.com"], "secretName": "shop-tls"}]);
    let legacy = json!({
        "nginx.ingress.kubernetes.io/proxy-body-size": "8 megabytes",
        "nginx.ingress.kubernetes.io/proxy-read-timeut": "30",
    });
    let legacy_rules = json!({"rules": [
        {"host": "old.example.com", "http": {"paths": [path("/", "Prefix", "cart")]}},
        {"host": "shop.example.com", "http": {"paths": [path("/cart", "Prefix", "pay")]}},
    ]});
    let reports = json!({"rules": [{"host": "*.example.com", "http": {"paths": [path("/", "Prefix", "reports")]}}]});
    objects.push(certificate()?);
    objects.push(ingress("legacy", &legacy, &legacy_rules));
    objects.push(ingress("reports", &json!({}), &reports));
    objects.extend(service("reports", &[]));
    Ok(documents(objects))
}

/// It ends in nine days.
fn certificate() -> Result<Value> {
    let mut params = CertificateParams::new(["shop.example.com".to_owned()])?;
    let end = Timestamp::now().checked_add(Span::new().hours(9 * 24 + 12))?.to_zoned(jiff::tz::TimeZone::UTC);
    params.not_after = rcgen::date_time_ymd(end.year().into(), end.month().unsigned_abs(), end.day().unsigned_abs());
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": "shop-tls", "namespace": "shop"},
        "stringData": {"tls.crt": certificate.pem(), "tls.key": key.serialize_pem()},
    }))
}
