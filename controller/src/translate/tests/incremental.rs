//! Whatever the order of edits, the result is that of a fresh translation, and an edit touches only what it concerns.

use super::*;
use crate::certificate::tests::pem;
use crate::translate::testing::observed;
use gateway::config::GatewaySettings;
use gateway::telemetry::Orphan;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// One edit of the objects.
#[derive(Clone, Debug)]
enum Edit {
    Apply(String, u32),
    Delete(Kind, String),
}

/// Few names, so that edits meet. No value rejects its Ingress: then the former version counts, and history with it.
fn edit() -> impl Strategy<Value = Edit> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let host = prop::sample::select(vec!["h", "www.h", "g", "x.g", "*.g", ""]);
    let path = prop::sample::select(vec!["/", "/x", "/x/", "/y"]);
    let kind = prop::sample::select(vec!["Exact", "Prefix", "ImplementationSpecific"]);
    let service = prop::sample::select(vec!["s", "t"]);
    let annotation = prop::sample::select(vec![
        "",
        "use-regex: 'true'",
        "rewrite-target: /y",
        "server-alias: 'g,k'",
        "from-to-www-redirect: 'true'",
        "app-root: /x",
        "load-balance: ewma",
        "upstream-hash-by: $host",
        "service-upstream: 'true'",
        "default-backend: t",
        "canary: 'true', canary-weight: '30'",
        "affinity: cookie",
        "affinity-mode: persistent",
        "session-cookie-name: x",
        "auth-url: x",
        "proxy-body-size: '1'",
        "ssl-redirect: 'false'",
        "force-ssl-redirect: 'true'",
    ]);
    let config = prop::sample::select(vec![
        "path-matching: strict",
        "path-matching: nginx",
        "proxy-body-size: 3m",
        "http-redirect-code: '301'",
        "block-cidrs: 10.0.0.0/8",
        "service-upstream: 'true'",
        "ssl-redirect: 'false'",
    ]);
    let tls = prop::sample::select(vec![
        "",
        "",
        ", tls: [{hosts: [h, www.h], secretName: s}]",
        ", tls: [{hosts: ['*.g'], secretName: t}, {secretName: s}]",
        ", tls: [{secretName: t}]",
    ]);
    let default = prop::option::of(service.clone());
    let rules = prop::collection::vec((host, path, kind, service.clone()), 0..3);
    let an_ingress = (name.clone(), annotation.clone(), annotation, rules, default, prop::bool::ANY, tls, 1..4_u32)
        .prop_map(|parts| {
            let (name, first, second, rules, default, classed, tls, age) = parts;
            let annotations = if first == second { first.to_owned() } else { format!("{first}, {second}") };
            let rules: Vec<_> =
                rules.into_iter().map(|(host, path, kind, service)| rule(host, &[(path, kind, service)])).collect();
            let default = default
                .map(|service| format!(", defaultBackend: {{service: {{name: {service}, port: {{number: 80}}}}}}"))
                .unwrap_or_default();
            let class = if classed { ", ingressClassName: web" } else { "" };
            let spec = format!("{{rules: [{}]{default}{class}{tls}}}", rules.join(", "));
            Edit::Apply(ingress(name, annotations.trim_matches([',', ' ']), &spec), age)
        });
    let a_service = (service.clone(), 0..4_usize).prop_map(|(name, form)| {
        let spec = [
            "{clusterIP: 10.0.0.1, ports: [{port: 80}]}",
            "{clusterIP: 10.0.0.1, ports: [{port: 80}], selector: {app: s}}",
            "{ports: [{port: 81}]}",
            "{type: ExternalName, externalName: x.com}",
        ];
        Edit::Apply(format!("{{kind: Service, metadata: {{name: {name}}}, spec: {}}}", spec[form]), 1)
    });
    let a_slice = (service.clone(), service.clone(), 1..4_u8).prop_map(|(name, of, last)| {
        let slice = format!(
            "{{kind: EndpointSlice, metadata: {{name: {name}, labels: {{kubernetes.io/service-name: {of}}}}}, addressType: IPv4, \
             endpoints: [{{addresses: [10.1.0.{last}]}}], ports: [{{port: 80}}]}}"
        );
        Edit::Apply(slice, 1)
    });
    let a_class =
        prop::sample::select(vec!["adit.dev/ingress-controller", "example.com/other"]).prop_map(|controller| {
            Edit::Apply(
                format!("{{kind: IngressClass, metadata: {{name: web}}, spec: {{controller: {controller}}}}}"),
                1,
            )
        });
    let a_config = config.prop_map(|data| {
        Edit::Apply(format!("{{kind: ConfigMap, metadata: {{name: adit, namespace: adit}}, data: {{{data}}}}}"), 1)
    });
    let a_secret = (service.clone(), 0..3_usize).prop_map(|(name, form)| {
        static PEM: LazyLock<[(String, String); 2]> = LazyLock::new(|| [pem(&["h", "www.h"]), pem(&["*.g"])]);
        let (certificate, key) = [(&PEM[0].0, &PEM[0].1), (&PEM[1].0, &PEM[1].1), (&PEM[0].0, &PEM[1].1)][form];
        let data = serde_json::json!({"tls.crt": certificate, "tls.key": key});
        Edit::Apply(format!("{{kind: Secret, metadata: {{name: {name}}}, stringData: {data}}}"), 1)
    });
    let kinds = prop::sample::select(vec![Kind::Ingress, Kind::Service, Kind::EndpointSlice, Kind::Secret]);
    let a_deletion = (kinds, name, service).prop_map(|(kind, ingress, service)| {
        Edit::Delete(kind, if kind == Kind::Ingress { ingress } else { service }.to_owned())
    });
    prop_oneof![6 => an_ingress, 2 => a_service, 2 => a_slice, 1 => a_class, 1 => a_config, 2 => a_secret, 3 => a_deletion]
}

fn event(edit: &Edit) -> SourceEvent {
    match edit {
        Edit::Apply(text, document) => SourceEvent::Apply(observed(text, Some(*document))),
        Edit::Delete(kind, name) => SourceEvent::Delete(ObjectKey::new(*kind, "default", name.as_str())),
    }
}

/// What a gateway holds that took in every update.
#[derive(Debug, Default, PartialEq)]
struct Published {
    settings: Option<Arc<GatewaySettings>>,
    hosts: BTreeMap<HostName, Arc<VirtualHost>>,
    backends: BTreeMap<BackendId, Backend>,
}

impl Published {
    /// Panics where an update repeats what is there.
    fn take(&mut self, update: Update) {
        if let Some(settings) = update.settings {
            assert_ne!(self.settings.as_ref(), Some(&settings));
            self.settings = Some(settings);
        }
        for (name, host) in update.hosts {
            assert_ne!(self.hosts.get(&name), host.as_ref(), "{name}");
            match host {
                Some(host) => self.hosts.insert(name, host),
                None => self.hosts.remove(&name),
            };
        }
        for (id, backend) in update.backends {
            assert_ne!(self.backends.get(&id), backend.as_ref(), "{id}");
            match backend {
                Some(backend) => self.backends.insert(id, backend),
                None => self.backends.remove(&id),
            };
        }
    }
}

/// Keeps the metrics of orphans up to date.
fn take_orphans(orphans: &mut BTreeSet<(ObjectKey, Orphan)>, translator: &mut Translator) {
    for (ingress, why, is_orphan) in translator.take_orphans() {
        match is_orphan {
            true => orphans.insert((ingress, why)),
            false => orphans.remove(&(ingress, why)),
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn edits_lead_where_a_fresh_translation_does(batches in prop::collection::vec(prop::collection::vec(edit(), 1..4), 1..10)) {
        let flags = ControllerSettings {
            default_backend_service: Some("default/t".parse().expect("a name")),
            ..ControllerSettings::default()
        };
        let mut store = Store::default();
        let mut translator = Translator::new(flags.clone());
        let mut published = Published::default();
        let mut orphans = BTreeSet::new();
        for batch in &batches {
            let changes: Vec<_> = batch.iter().flat_map(|edit| store.apply(event(edit))).collect();
            published.take(translator.translate(&store, &changes));
            take_orphans(&mut orphans, &mut translator);

            let mut fresh = Translator::new(flags.clone());
            let mut expected = Published::default();
            expected.take(fresh.translate(&store, &[]));
            prop_assert_eq!(&published, &expected);
            let mut expected = BTreeSet::new();
            take_orphans(&mut expected, &mut fresh);
            prop_assert_eq!(&orphans, &expected);
            let diagnostics = |translator: &Translator| translator.diagnostics().cloned().collect::<Vec<_>>();
            prop_assert_eq!(diagnostics(&translator), diagnostics(&fresh));
        }
    }
}

#[test]
fn an_edit_touches_its_own_host_only() {
    let spec = |host: &str, path| format!("{{rules: [{}]}}", rule(host, &[(path, "Prefix", "s")]));
    let all: Vec<_> = (0..50).map(|n| ingress(&format!("i{n}"), "", &spec(&format!("h{n}"), "/"))).collect();
    let mut world = World::of(&documents(&all));
    let update = world.apply(&ingress("i7", "", &spec("h7", "/new")));
    let hosts: Vec<_> = update.hosts.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(hosts, ["h7"]);
    assert!(update.backends.is_empty() && update.settings.is_none());
}

#[test]
fn endpoints_touch_no_host() {
    let mut world = World::of(&documents(&[
        service("s", "10.1.0.1"),
        ingress("one", "", &format!("{{rules: [{}]}}", rule("h", &[("/", "Prefix", "s")]))),
    ]));
    let update = world.apply(&service("s", "10.1.0.2"));
    assert!(update.hosts.is_empty());
    assert_eq!(update.backends.len(), 1);
    assert!(world.apply(&service("s", "10.1.0.2")).is_empty(), "equal means nothing");
}
