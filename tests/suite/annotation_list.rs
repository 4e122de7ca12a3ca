//! The whole list of annotations, each alone on an Ingress: none is without effect in silence.

use controller::annotation::{Annotation, Applied, Effect};
use controller::diagnostic::{Diagnostic, Severity};
use controller::feed::SourceEvent;
use controller::object::{Kind, ObjectKey};
use controller::registry::Support;
use controller::settings::ControllerSettings;
use controller::source::manifest;
use controller::store::Store;
use controller::translate::Translator;
use gateway::config::{Backend, Denied, EntryPoint, ServiceBackend, VirtualHost};
use gateway::table::{Found, Publisher};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tests::lookup;
use tests::objects::{full_name, secret};

const LIST: &str = include_str!("../data/annotations.txt");

/// What changes nothing alone: it says more about another annotation, or asks for what is done anyway.
const QUIET: &[&str] = &[
    "affinity-canary-behavior",
    "auth-always-set-cookie",
    "auth-cache-duration",
    "auth-cache-key",
    "auth-method",
    "auth-proxy-set-headers",
    "auth-realm",
    "auth-request-redirect",
    "auth-response-headers",
    "auth-secret",
    "auth-secret-type",
    "auth-signin",
    "auth-signin-redirect-param",
    "cors-allow-credentials",
    "cors-allow-headers",
    "cors-allow-methods",
    "cors-allow-origin",
    "cors-expose-headers",
    "cors-max-age",
    "enable-global-auth",
    "enable-owasp-core-rules",
    "force-ssl-redirect",
    "http2-push-preload",
    "limit-allowlist",
    "limit-burst-multiplier",
    "limit-whitelist",
    "mirror-host",
    "mirror-request-body",
    "modsecurity-transaction-id",
    "opentelemetry-trust-incoming-span",
    "permanent-redirect-code",
    "proxy-ssl-ciphers",
    "proxy-ssl-name",
    "proxy-ssl-protocols",
    "proxy-ssl-secret",
    "proxy-ssl-server-name",
    "proxy-ssl-verify",
    "proxy-ssl-verify-depth",
    "temporal-redirect-code",
    "x-forwarded-prefix",
];

/// Annotations that need others.
const NEEDED: &[(&str, &[(&str, &str)])] = &[
    ("affinity-canary-behavior", CANARY),
    ("affinity-mode", AFFINITY),
    ("auth-type", &[("auth-secret", "passwords")]),
    ("auth-tls-error-page", AUTHORITY),
    ("auth-tls-match-cn", AUTHORITY),
    ("auth-tls-pass-certificate-to-upstream", AUTHORITY),
    ("auth-tls-verify-client", AUTHORITY),
    ("auth-tls-verify-depth", AUTHORITY),
    ("canary-by-cookie", CANARY),
    ("canary-by-header", CANARY),
    ("canary-by-header-pattern", CANARY_BY_HEADER),
    ("canary-by-header-value", CANARY_BY_HEADER),
    ("canary-weight", CANARY),
    ("canary-weight-total", &[("canary", "true"), ("canary-weight", "10")]),
    ("eject-max-percent", EJECTING),
    ("eject-slower-than", EJECTING),
    ("eject-time", EJECTING),
    ("modsecurity-snippet", &[("enable-modsecurity", "true")]),
    ("proxy-redirect-to", &[("proxy-redirect-from", "http://backend/")]),
    ("opentelemetry-operation-name", TRACED),
    ("opentelemetry-trust-incoming-span", TRACED),
    ("session-cookie-change-on-failure", AFFINITY),
    ("session-cookie-conditional-samesite-none", &[("affinity", "cookie"), ("session-cookie-samesite", "None")]),
    ("session-cookie-domain", AFFINITY),
    ("session-cookie-expires", AFFINITY),
    ("session-cookie-max-age", AFFINITY),
    ("session-cookie-name", AFFINITY),
    ("session-cookie-path", AFFINITY),
    ("session-cookie-samesite", AFFINITY),
    ("session-cookie-secure", AFFINITY),
    ("upstream-hash-by-subset", HASHED),
    ("upstream-hash-by-subset-size", &[("upstream-hash-by", "$host"), ("upstream-hash-by-subset", "true")]),
];

const AFFINITY: &[(&str, &str)] = &[("affinity", "cookie")];
const AUTHORITY: &[(&str, &str)] = &[("auth-tls-secret", "default/authority")];
const CANARY: &[(&str, &str)] = &[("canary", "true")];
const EJECTING: &[(&str, &str)] = &[("eject-after-failures", "5")];
const HASHED: &[(&str, &str)] = &[("upstream-hash-by", "$host")];
const TRACED: &[(&str, &str)] = &[("enable-opentelemetry", "true")];
const CANARY_BY_HEADER: &[(&str, &str)] = &[("canary", "true"), ("canary-by-header", "X-Canary")];

/// Names and values.
fn list() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').expect("a name and a value"))
}

#[test]
fn every_annotation_is_known_and_every_known_one_is_in_the_list() {
    let listed: BTreeSet<_> = list().map(|(name, _)| name).collect();
    let known: BTreeSet<_> = Annotation::all().map(|annotation| annotation.name).collect();
    assert_eq!(listed, known);
}

#[test]
fn every_annotation_is_served_refused_or_reported() {
    assert_eq!(Outcome::of(&[]).diagnostics, []);
    let mut failures = Vec::new();
    for (name, value) in list() {
        let annotation = Annotation::named(name).expect("a known annotation");
        let needed = NEEDED.iter().find(|(needs, _)| *needs == name).map_or(&[][..], |(_, needed)| needed);
        let (without, outcome) = (Outcome::of(needed), Outcome::of(&[needed, &[(name, value)]].concat()));
        if let Err(failure) = outcome.is_as_promised(annotation, &without) {
            failures.push(format!("{name}: {value:?} ({:?}) {failure}: {outcome:#?}", annotation.support));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What becomes of an Ingress with some annotations.
#[derive(Debug)]
struct Outcome {
    applied: Vec<Applied>,
    diagnostics: Vec<Diagnostic>,
    denied: Option<Denied>,
    /// All that the gateway gets.
    hosts: Vec<Arc<VirtualHost>>,
    backend: Option<Backend>,
}

impl Outcome {
    fn of(annotations: &[(&str, &str)]) -> Self {
        let mut ingresses = ingress("shop", "shop", annotations).to_string();
        if annotations.contains(&("canary", "true")) {
            ingresses = format!("{ingresses}\n---\n{}", ingress("main", "fallback", &[]));
        }
        let authority = secret("authority", &serde_json::json!({"ca.crt": authority()}));
        let documents = format!("{ingresses}\n---\n{authority}\n---\n{OBJECTS}");
        let manifest = manifest::parse(&"shop.yaml".into(), documents.as_bytes());
        let (mut store, mut translator) = (Store::new(), Translator::new(settings()));
        let changes: Vec<_> =
            manifest.objects.into_iter().flat_map(|object| store.apply(SourceEvent::Apply(object))).collect();
        let publisher = Publisher::new(Arc::default());
        let published = publisher.publish(translator.translate(&store, &changes));
        let denied =
            lookup::get("shop.example", b"/", |request| match publisher.load().find(EntryPoint::Http, request, b"/") {
                Found::Route(route) => route.policies.denied.clone(),
                _ => None,
            });
        let rejected = published.rejected.iter().map(Diagnostic::from);
        Self {
            applied: translator.applied(&ObjectKey::new(Kind::Ingress, "default", "shop")).to_vec(),
            diagnostics: translator.diagnostics().cloned().chain(manifest.diagnostics).chain(rejected).collect(),
            denied,
            hosts: translator.hosts().cloned().collect(),
            backend: translator.backend(&ServiceBackend::tcp("default", "shop", "80").into()).cloned(),
        }
    }

    /// Whether this is what the annotation's support promises; `Err` says what is not.
    fn is_as_promised(&self, annotation: &Annotation, without: &Self) -> Result<(), &'static str> {
        let applied = self.applied.iter().find(|applied| applied.key == annotation.name);
        let applied = applied.ok_or("is not among what was applied")?;
        let changes = self.hosts != without.hosts || self.backend != without.backend;
        let reported = |severity| {
            let ends = format!("/{}]", annotation.name);
            self.diagnostics.iter().any(|found| found.severity == severity && found.field.ends_with(&ends))
        };
        match annotation.support {
            Support::Full if !self.diagnostics.is_empty() => Err("is supported, and reported"),
            Support::Full | Support::Partial(_) if self.denied.is_some() => Err("is supported, and denied"),
            Support::Full | Support::Partial(_) if applied.effect == Effect::Applied => {
                let expected = changes || QUIET.contains(&annotation.name);
                if expected { Ok(()) } else { Err("has no effect") }
            }
            Support::Full => Err("is supported, and not applied"),
            Support::Partial(_) if reported(Severity::Warning) => Ok(()),
            Support::Partial(_) => Err("is neither applied nor reported"),
            Support::Ignored(_) if self.denied.is_some() || changes => Err("is not ignored"),
            Support::Ignored(_) if !reported(Severity::Warning) => Err("is ignored in silence"),
            Support::Ignored(_) => Ok(()),
        }
    }
}

fn ingress(name: &str, service: &str, annotations: &[(&str, &str)]) -> serde_json::Value {
    let annotations = annotations.iter().map(|(key, value)| (full_name(key), *value));
    let annotations = annotations.collect::<BTreeMap<_, _>>();
    serde_json::json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"tls": [{"hosts": ["shop.example"]}], "rules": [{"host": "shop.example", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": 80}}}},
        ]}}]},
    })
}

/// The certificate of an authority that signs others.
fn authority() -> String {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("a key");
    params.self_signed(&key).expect("a certificate").pem()
}

/// Every flag that an annotation needs is set.
fn settings() -> ControllerSettings {
    ControllerSettings { ssl_passthrough: true, ..ControllerSettings::default() }
}

const OBJECTS: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: adit, namespace: adit}
data:
  global-allowed-response-headers: X-A
  allow-snippet-annotations: 'true'
  annotations-risk-level: Critical
  otlp-collector-host: collector.example
---
apiVersion: v1
kind: ConfigMap
metadata: {name: headers}
data: {X-A: '1'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: pages}
data: {404.html: '<p>Not here'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: fastcgi}
data: {SCRIPT_FILENAME: /srv$fastcgi_script_name}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: fallback}
spec: {clusterIP: 10.0.0.2, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: fallback-1, labels: {kubernetes.io/service-name: fallback}}
addressType: IPv4
endpoints: [{addresses: [10.1.0.2]}]
ports: [{port: 8080}]
---
apiVersion: v1
kind: Secret
metadata: {name: passwords}
stringData: {auth: 'alice:{PLAIN}secret'}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop-1, labels: {kubernetes.io/service-name: shop}}
addressType: IPv4
endpoints: [{addresses: [10.1.0.1]}]
ports: [{port: 8080}]
";
