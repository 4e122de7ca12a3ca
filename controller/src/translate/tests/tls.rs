//! TLS of hosts, and the redirects that go with it.

use super::*;
use crate::certificate::tests::pem;
use gateway::config::GatewaySettings;

fn tls(host: &str, secret: &str, paths: &[(&str, &str, &str)]) -> String {
    format!("{{tls: [{{hosts: ['{host}'], secretName: {secret}}}], rules: [{}]}}", rule(host, paths))
}

fn secret(name: &str, hosts: &[&str]) -> String {
    let (certificate, key) = pem(hosts);
    serde_json::json!({
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": {"tls.crt": certificate, "tls.key": key},
    })
    .to_string()
}

const ROOT: &[(&str, &str, &str)] = &[("/", "Prefix", "echo")];

impl World {
    /// The Secrets whose certificates a host has; `None` without TLS.
    fn secrets(&self, host: &str) -> Option<Vec<String>> {
        let tls = self.host(host)?.tls.as_ref()?;
        Some(tls.certificates.iter().map(|certificate| certificate.origin.object.to_string()).collect())
    }

    fn redirects(&self, host: &str, path: &str) -> bool {
        self.route(host, path).policies.https_redirect.is_some()
    }
}

#[test]
fn a_secret_that_comes_turns_and_goes_concerns_its_hosts_only() {
    let mut world =
        World::of(&documents(&[ingress("a", "", &tls("a", "a", ROOT)), ingress("b", "", &tls("b", "b", ROOT))]));
    assert_eq!(world.secrets("a"), Some(vec![]));
    let said = world.said(Severity::Error);
    assert!(said[0].contains("Ingress default/a: spec.tls[0].secretName: \"a\" names Secret default/a"), "{said:?}");
    let touched = |update: Update| update.hosts.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
    assert_eq!(touched(world.apply(&secret("a", &["a"]))), ["a"]);
    assert_eq!(world.secrets("a"), Some(vec!["Secret default/a".to_owned()]));
    assert_eq!(touched(world.apply(&secret("a", &["a"]))), ["a"], "another certificate");
    assert!(world.apply(&secret("c", &["a"])).is_empty(), "a Secret that nobody names");
    assert_eq!(touched(world.delete(Kind::Secret, "a")), ["a"]);
    assert_eq!(world.secrets("a"), Some(vec![]));
}

#[test]
fn hosts_share_the_certificate_of_their_secret() {
    let world = World::of(&documents(&[
        secret("s", &["*.x"]),
        ingress("a", "", &tls("a.x", "s", ROOT)),
        ingress("b", "", &tls("b.x", "s", ROOT)),
    ]));
    let certificate = |host| world.host(host).and_then(|host| host.tls.as_ref()).map(|tls| &tls.certificates[0]);
    assert!(Arc::ptr_eq(certificate("a.x").expect("one"), certificate("b.x").expect("one")));
}

#[test]
fn problems_name_ingress_secret_and_field() {
    let broken = serde_json::json!({"kind": "Secret", "metadata": {"name": "keyless"}, "stringData": {"tls.crt": "x"}});
    let world = World::of(&documents(&[
        broken.to_string(),
        secret("other", &["other"]),
        ingress("a", "", &tls("a", "keyless", ROOT)),
        ingress("b", "", &tls("b", "other", ROOT)),
    ]));
    let said = world.said(Severity::Error).join("\n");
    for part in [
        "default/a: spec.tls[0].secretName",
        "Secret default/keyless, which has no data[tls.key]",
        "is not for the host",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn redirects_go_with_tls_unless_forced_or_exempt() {
    let world = World::of(&documents(&[
        ingress("tls", "", &tls("a", "none", &[("/", "Prefix", "s"), ("/.well-known/acme-challenge/x", "Exact", "s")])),
        ingress(
            "same",
            "force-ssl-redirect: 'false'",
            &format!("{{rules: [{}]}}", rule("a", &[("/b", "Prefix", "s")])),
        ),
        ingress("not", "ssl-redirect: 'false'", &tls("b", "none", ROOT)),
        ingress("plain", "", &format!("{{rules: [{}]}}", rule("c", ROOT))),
        ingress("forced", "force-ssl-redirect: 'true'", &format!("{{rules: [{}]}}", rule("d", ROOT))),
    ]));
    assert!(world.redirects("a", "/") && world.redirects("a", "/b") && world.redirects("d", "/"));
    assert!(!world.redirects("a", "/.well-known/acme-challenge/x"));
    assert!(!world.redirects("b", "/") && !world.redirects("c", "/"));
}

#[test]
fn redirects_name_their_port_and_code_where_told_to() {
    let settings = ControllerSettings { https_port: 8443, ..ControllerSettings::default() };
    let config = "{kind: ConfigMap, metadata: {name: adit, namespace: adit}, data: {http-redirect-code: '301', \
                  use-port-in-redirects: 'true'}}";
    let world = World::with(settings, &documents(&[config.to_owned(), ingress("a", "", &tls("a", "none", ROOT))]));
    let redirect = world.route("a", "/").policies.https_redirect.expect("a redirect");
    assert_eq!((redirect.code, redirect.port), (301, Some(8443)));
}

#[test]
fn the_default_certificate_comes_from_a_flag() {
    let default_certificate = Some("default/s".parse().expect("a name"));
    let settings = ControllerSettings { default_certificate, ..ControllerSettings::default() };
    let mut world = World::with(settings, &ingress("a", "", &tls("a", "none", ROOT)));
    let default = |world: &World| {
        let certificate = &world.translator.settings().expect("settings").tls.default_certificate;
        certificate.as_ref().map(|certificate| certificate.origin.object.to_string())
    };
    assert_eq!(default(&world), None);
    assert!(world.said(Severity::Error).iter().any(|said| said.contains("--default-ssl-certificate")));
    world.apply(&secret("s", &["h"]));
    assert_eq!(default(&world), Some("Secret default/s".to_owned()));
}

#[test]
fn keys_of_the_config_map() {
    let config =
        |data: &str| format!("{{kind: ConfigMap, metadata: {{name: adit, namespace: adit}}, data: {{{data}}}}}");
    let world = World::of(&config(
        "ssl-protocols: TLSv1.1 TLSv1.2, ssl-ciphers: 'ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA', ssl-session-tickets: 'true', \
         ssl-reject-handshake: 'true', hsts: 'false', hsts-max-age: '5'",
    ));
    let settings = world.translator.settings().expect("settings");
    assert!(settings.tls.tls12 && !settings.tls.tls13 && settings.tls.session_tickets && settings.tls.reject_unknown);
    assert_eq!(*settings.tls.ciphers, ["ECDHE-RSA-AES256-GCM-SHA384".into()]);
    assert_eq!(settings.hsts, None, "no other key turns it on");
    let warnings = world.said(Severity::Warning).join("\n");
    assert!(warnings.contains("TLSv1.1") && warnings.contains("AES128-SHA"), "{warnings}");
    let world = World::of(&config("ssl-protocols: SSLv3, ssl-ciphers: HIGH, hsts-max-age: soon"));
    assert_eq!(**world.translator.settings().expect("settings"), GatewaySettings::default());
    assert_eq!(world.said(Severity::Error).len(), 2, "{:?}", world.said(Severity::Error));
}
