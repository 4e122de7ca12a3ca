//! Hosts whose TLS is passed through.

use super::*;
use gateway::config::TlsRoute;
use std::time::Duration;

const PASS: &str = "ssl-passthrough: 'true'";

fn world(objects: &[String]) -> World {
    let settings = ControllerSettings { ssl_passthrough: true, ..ControllerSettings::default() };
    World::with(settings, &documents(objects))
}

fn rules(host: &str, paths: &[(&str, &str, &str)]) -> String {
    format!("{{rules: [{}]}}", rule(host, paths))
}

impl World {
    fn passthrough(&self, host: &str) -> Option<&TlsRoute> {
        self.host(host)?.tls_route.as_deref()
    }

    fn passes_to(&self, host: &str) -> Option<String> {
        self.passthrough(host)?.backends[0].backend.service().map(|backend| backend.service.to_string())
    }
}

#[test]
fn all_tls_of_a_host_goes_to_the_backend_of_its_root() {
    let annotations = format!("{PASS}, server-alias: 'a,*.b', proxy-connect-timeout: '7'");
    let world = world(&[ingress("h", &annotations, &rules("h", &[("/x", "Prefix", "x"), ("/", "Prefix", "root")]))]);
    for host in ["h", "a", "**.b"] {
        assert_eq!(world.passes_to(host).as_deref(), Some("root"), "{host}");
    }
    let passthrough = world.passthrough("h").expect("it passes");
    assert_eq!(passthrough.connect_timeout, Duration::from_secs(7));
    assert_eq!(passthrough.origin.to_string().matches("ssl-passthrough]").count(), 1);
    assert_eq!(world.said(Severity::Warning), Vec::<String>::new());
    assert_eq!(world.routes("h"), "^ /x x\n^ / root\n", "plain HTTP has its routes");
}

#[test]
fn a_redirect_of_plain_http_keeps_how_the_backend_is_connected_to() {
    let annotations = "server-alias: a, permanent-redirect: 'https://other/', proxy-connect-timeout: '7'";
    let annotations = format!("{PASS}, {annotations}");
    let world = world(&[ingress("h", &annotations, &rules("h", &[("/", "Prefix", "root")]))]);
    for host in ["h", "a"] {
        assert_eq!(world.passes_to(host).as_deref(), Some("root"), "{host}");
        assert_eq!(world.passthrough(host).expect("it passes").connect_timeout, Duration::from_secs(7), "{host}");
    }
}

#[test]
fn without_the_flag_it_is_said_to_be_ignored() {
    let world = World::of(&ingress("h", PASS, &rules("h", &[("/", "Prefix", "root")])));
    assert_eq!(world.passes_to("h"), None);
    let said = world.said(Severity::Warning);
    assert!(said[0].contains("/ssl-passthrough]: \"true\" is ignored without the flag --enable-ssl"), "{said:?}");
    let quiet = World::of(&ingress("h", "ssl-passthrough: 'false'", &rules("h", &[("/", "Prefix", "root")])));
    assert_eq!(quiet.said(Severity::Warning), Vec::<String>::new());
}

#[test]
fn a_host_without_a_root_or_a_name_is_terminated_here() {
    for (host, paths, why) in [
        ("h", ("/x", "Prefix", "x"), "it has no path / with a backend"),
        ("", ("/", "Prefix", "x"), "cannot be found by the name in the ClientHello"),
    ] {
        let world = world(&[ingress("h", PASS, &rules(host, &[paths]))]);
        assert_eq!(world.passes_to(host), None, "{host:?}");
        let said = world.said(Severity::Warning);
        assert!(said[0].contains("ssl-passthrough]") && said[0].contains(why), "{said:?}");
    }
}

#[test]
fn an_exact_root_serves_where_there_is_no_other() {
    let exact = world(&[ingress("h", PASS, &rules("h", &[("/", "Exact", "exact")]))]);
    assert_eq!(exact.passes_to("h").as_deref(), Some("exact"));
    let both = world(&[ingress("h", PASS, &rules("h", &[("/", "Exact", "exact"), ("/", "Prefix", "all")]))]);
    assert_eq!(both.passes_to("h").as_deref(), Some("all"));
}

#[test]
fn the_oldest_ingress_of_a_host_decides_and_the_others_are_told() {
    let old = |annotations| ingress("old", annotations, &rules("h", &[("/", "Prefix", "root")]));
    let young = |annotations| ingress("young", annotations, &rules("h", &[("/young", "Prefix", "young")]));
    let asked = world(&[old(PASS), young("")]);
    assert_eq!(asked.passes_to("h").as_deref(), Some("root"));
    let said = asked.said(Severity::Warning);
    let expected = "Ingress default/young: spec.rules[0]: applies to plain HTTP only: all TLS for host h is passed \
                    through, as Ingress default/old asks for";
    assert!(said.iter().any(|said| said.contains(expected)), "{said:?}");
    let mut in_vain = world(&[old(""), young(PASS)]);
    assert_eq!(in_vain.passes_to("h"), None);
    let said = in_vain.said(Severity::Warning);
    assert!(
        said[0].contains(
            "Ingress default/young: metadata.annotations[nginx.ingress.kubernetes.io/ssl-passthrough]: \
                              is ignored for host h"
        ),
        "{said:?}"
    );
    in_vain.delete(Kind::Ingress, "old");
    assert_eq!(in_vain.passes_to("h"), None, "it has no path /");
}

#[test]
fn what_protects_the_host_does_not_protect_its_tls_and_that_is_said() {
    let annotations = format!("{PASS}, auth-type: basic");
    let world = world(&[ingress("h", &annotations, &rules("h", &[("/", "Prefix", "root")]))]);
    assert_eq!(world.passes_to("h").as_deref(), Some("root"));
    let said = world.said(Severity::Warning);
    assert!(said.iter().any(|said| said.contains("passes TLS for host h on without the protection")), "{said:?}");
}
