use super::*;
use crate::annotation::{Effect, Invalid, Scope};
use crate::diagnostic::Severity;
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::route_defaults::{Risk, RouteDefaults, WafDefaults};
use crate::store::Store;
use gateway::config::{RetryCondition, RetryConditions};
use std::sync::Arc;

fn reading(annotations: &[(&str, &str)]) -> Reading {
    reading_with(&RouteDefaults::default(), annotations)
}

fn reading_with(defaults: &RouteDefaults, annotations: &[(&str, &str)]) -> Reading {
    let full_name =
        |key: &str| if key.contains('/') { key.to_owned() } else { Annotation::full_name(key, USUAL_PREFIX) };
    let annotations = annotations.iter().map(|(key, value)| (full_name(key), (*value).to_owned())).collect();
    let store = Store::new();
    let (lookup, ingress) = (Lookup::new(&store), Subject::other("Ingress default/shop"));
    let context = Context { namespace: "default", defaults, lookup: &lookup };
    read(&annotations, (&ingress, USUAL_PREFIX), context)
}

/// No annotation may vanish without a trace: each does something, or a diagnostic names it.
#[test]
fn every_annotation_is_served_refused_or_reported() {
    for annotation in Annotation::all() {
        let reading = reading(&[(annotation.name, "\u{1}unlikely")]);
        let served = reading.applied.iter().any(|applied| applied.effect == Effect::Applied);
        let named = reading.diagnostics.iter().any(|diagnostic| diagnostic.field.contains(annotation.name));
        // Lists of which each part counts for itself. Without a valid origin nobody is allowed.
        let is_list = ["cors-allow-origin", "proxy-ssl-ciphers"].contains(&annotation.name);
        assert!(named && (is_list || !served), "{}: {reading:?}", annotation.name);
    }
}

/// What is said of annotations by their keys, or by their full names.
fn said(annotations: &[(&str, &str)]) -> String {
    let diagnostics = reading(annotations).diagnostics;
    diagnostics.iter().map(|diagnostic| format!("{}: {}\n", diagnostic.field, diagnostic.message)).collect()
}

#[test]
fn annotations_of_ours_have_a_prefix_of_their_own() {
    assert_eq!(said(&[("adit.dev/slow-start", "30")]), "");
    for (name, expected) in [
        ("nginx.ingress.kubernetes.io/slow-start", "did you mean \"adit.dev/slow-start\"?"),
        ("adit.dev/app-root", "did you mean \"nginx.ingress.kubernetes.io/app-root\"?"),
        ("adit.dev/slow-strat", "did you mean \"slow-start\"?"),
    ] {
        let said = said(&[(name, "30")]);
        assert!(said.contains(&format!("[{name}]")) && said.contains(expected), "{said}");
    }
}

#[test]
fn what_new_and_failing_endpoints_need_is_said() {
    let failures = ("eject-after-failures", "5");
    assert_eq!(
        said(&[
            ("slow-start", "30"),
            failures,
            ("eject-slower-than", "2s"),
            ("eject-time", "5"),
            ("eject-max-percent", "20")
        ]),
        ""
    );
    for key in ["eject-slower-than", "eject-time", "eject-max-percent"] {
        assert!(said(&[(key, "10")]).contains("has no effect without eject-after-failures"), "{key}");
    }
    for other in [("load-balance", "ewma"), ("affinity", "cookie"), ("upstream-hash-by", "$host")] {
        assert!(said(&[("slow-start", "30"), other]).contains("has no effect with"), "{other:?}");
    }
}

#[test]
fn endpoints_are_chosen_by_a_key_that_can_be_made() {
    let size = |annotations: &[(&str, &str)]| {
        let mut reading = reading(annotations);
        let messages = reading.diagnostics.drain(..).map(|diagnostic| diagnostic.message).collect::<Vec<_>>();
        (reading.settings.upstream.hash_by.map(|by| by.subset.map(|size| size.get())), messages.join("\n"))
    };
    let (key, subset, number) = ("upstream-hash-by", "upstream-hash-by-subset", "upstream-hash-by-subset-size");
    assert_eq!(size(&[(key, "$host"), ("load-balance", "chash")]), (Some(None), String::new()));
    assert_eq!(size(&[(key, "$host"), (subset, "true"), (number, "5")]), (Some(Some(5)), String::new()));
    assert_eq!(size(&[("load-balance", "sticky_balanced"), ("affinity", "cookie")]), (None, String::new()));
    assert_eq!(size(&[(subset, "false")]), (None, String::new()));
    for (annotations, said) in [
        (
            &[(key, "$host$nope"), (subset, "true")][..],
            "the variable $nope, which is not supported: load-balance decides",
        ),
        (&[(subset, "true")], "has no effect without upstream-hash-by"),
        (&[(number, "2")], "has no effect without upstream-hash-by"),
        (&[("load-balance", "chashsubset")], "without upstream-hash-by; the default is used instead"),
        (&[("load-balance", "sticky_persistent")], "without affinity: cookie; the default is used instead"),
        (&[(key, "a;b")], "the whole Ingress is rejected"),
        (&[(key, "$host"), (number, "-1")], "the whole Ingress is rejected"),
    ] {
        let (_, messages) = size(annotations);
        assert!(messages.contains(said), "{annotations:?}: {messages}");
    }
    assert!(size(&[(key, "$host"), (number, "2")]).1.contains("has no effect without upstream-hash-by-subset"));
}

#[test]
fn values_that_ask_for_nothing_need_nothing() {
    let harmless = [
        ("enable-modsecurity", "false"),
        ("enable-global-auth", "false"),
        ("whitelist-source-range", "0.0.0.0/0, ::/0"),
        ("limit-rps", "0"),
        ("ssl-redirect", "false"),
        ("satisfy", "all"),
    ];
    for (key, value) in harmless {
        let reading = reading(&[(key, value)]);
        assert_eq!(reading.diagnostics, [], "{key}: {value}");
        assert_eq!(reading.settings.policies.denied, None, "{key}: {value}");
    }
    for (key, value) in [("whitelist-source-range", ""), ("auth-url", " "), ("enable-modsecurity", "maybe")] {
        assert!(reading(&[(key, value)]).settings.policies.denied.is_some(), "{key}: {value:?}");
    }
}

#[test]
fn harmless_values_of_unsupported_annotations_need_nothing() {
    for annotation in Annotation::all().filter(|annotation| !annotation.support.is_applied()) {
        for value in annotation.facets.harmless {
            let reading = reading(&[(annotation.name, value)]);
            assert_eq!(reading.diagnostics, [], "{}: {value:?}", annotation.name);
            assert_eq!(reading.settings.policies.denied, None, "{}: {value:?}", annotation.name);
        }
    }
}

/// The Secret comes with its Ingress's next translation, since that it was looked for is recorded.
#[test]
fn a_security_setting_denies_while_its_object_is_missing() {
    const NAMES_A_SECRET: &[Annotation] = &[
        Annotation::full("denies", Scope::Path, Risk::Low, Invalid::Denies, "", |value, _| value.secret().map(drop)),
        Annotation::full("falls-back", Scope::Path, Risk::Low, Invalid::FallsBack, "", |value, _| {
            value.secret().map(drop)
        }),
    ];
    let (store, defaults, object) = (Store::new(), RouteDefaults::default(), Subject::other("Ingress shop/a"));
    let lookup = Lookup::new(&store);
    let context = Context { namespace: "shop", defaults: &defaults, lookup: &lookup };
    let written = Written::Annotations { ingress: &object, prefix: USUAL_PREFIX };
    let mut reader = Reader::new(BTreeMap::new(), written, context);
    let effects: Vec<_> = NAMES_A_SECRET.iter().map(|annotation| reader.apply(annotation, "users")).collect();
    assert_eq!(effects, [Effect::Denied, Effect::None]);
    assert!(reader.reading.settings.policies.denied.is_some());
    let reasons: Vec<_> = reader.reading.diagnostics.iter().map(|diagnostic| diagnostic.reason).collect();
    assert_eq!(reasons, [Reason::Denied, Reason::ReferenceNotFound]);
    assert_eq!(lookup.reads().into_iter().collect::<Vec<_>>(), [ObjectKey::new(Kind::Secret, "shop", "users")]);
}

#[test]
fn a_firewall_is_what_the_configmap_and_the_ingress_say() {
    const SNIPPET: &str = "SecAction \"id:1,phase:1,pass\"";
    const CORE_RULES: &str = "Include /etc/nginx/owasp-modsecurity-crs/nginx-modsecurity.conf";
    let waf = WafDefaults { is_enabled: true, rules: "SecRuleEngine On".into(), ..WafDefaults::default() };
    let defaults =
        RouteDefaults { waf, snippet_annotations: true, risk_level: Risk::Critical, ..RouteDefaults::default() };
    let read = |annotations: &[(&str, &str)]| {
        let waf = reading_with(&defaults, annotations).settings.policies.waf?;
        Some((waf.rules.to_string(), waf.core_rules.is_some()))
    };
    assert_eq!(read(&[]), Some(("SecRuleEngine On".to_owned(), false)));
    assert_eq!(read(&[("enable-modsecurity", "false"), ("modsecurity-snippet", SNIPPET)]), None);
    let both = |own: &str| format!("SecRuleEngine On\n{own}");
    assert_eq!(read(&[("modsecurity-snippet", SNIPPET)]), Some((both(SNIPPET), false)));
    assert_eq!(read(&[("modsecurity-snippet", CORE_RULES)]), Some((both(CORE_RULES), true)));
    assert_eq!(read(&[("enable-owasp-core-rules", "true")]), Some(("SecRuleEngine On".to_owned(), true)));
}

#[test]
fn rules_of_the_configmap_are_those_of_its_own_firewall() {
    let read = |is_enabled, annotations: &[(&str, &str)]| {
        let waf = WafDefaults {
            is_enabled,
            rules: "SecRuleEngine On".into(),
            has_core_rules: true,
            ..WafDefaults::default()
        };
        let waf = reading_with(&RouteDefaults { waf, ..RouteDefaults::default() }, annotations).settings.policies.waf;
        waf.map(|waf| (waf.rules.to_string(), waf.core_rules.is_some()))
    };
    let (firewall, core_rules) = (("enable-modsecurity", "true"), "enable-owasp-core-rules");
    assert_eq!(read(false, &[firewall]), Some((String::new(), false)));
    assert_eq!(read(false, &[firewall, (core_rules, "true")]), Some((String::new(), true)));
    assert_eq!(read(true, &[(core_rules, "false")]), Some(("SecRuleEngine On".to_owned(), true)));
}

#[test]
fn quotes_in_rules_may_be_escaped_as_for_nginx() {
    let defaults = RouteDefaults { snippet_annotations: true, risk_level: Risk::Critical, ..RouteDefaults::default() };
    let snippet = r#"SecAction \"id:1,phase:1,pass,msg:\'A \\d \w\'\""#;
    let annotations = [("enable-modsecurity", "true"), ("modsecurity-snippet", snippet)];
    let waf = reading_with(&defaults, &annotations).settings.policies.waf.expect("a firewall");
    assert_eq!(&*waf.rules, r#"SecAction "id:1,phase:1,pass,msg:'A \d \w'""#);
}

/// In ingress-nginx an empty value asks for nothing. Where that would open what was to be closed, it is refused.
#[test]
fn empty_values_ask_for_nothing_unless_they_open_something() {
    let harmless = [
        "auth-method",
        "auth-signin-redirect-param",
        "auth-response-headers",
        "auth-request-redirect",
        "auth-always-set-cookie",
        "auth-proxy-set-headers",
        "auth-cache-key",
        "auth-cache-duration",
        "satisfy",
        "proxy-ssl-name",
        "auth-tls-verify-client",
        "auth-tls-error-page",
    ];
    let denies = |key: &str| {
        let settings = reading(&[(key, " ")]).settings;
        settings.policies.denied.is_some() || settings.host.client_certificates.is_some()
    };
    assert_eq!(harmless.into_iter().find(|key| denies(key)), None);
    for key in ["auth-url", "auth-type", "whitelist-source-range", "proxy-ssl-verify", "auth-tls-match-cn"] {
        assert!(denies(key), "{key}");
    }
}

#[test]
fn a_firewall_that_is_off_has_no_rules() {
    let reading = reading(&[("enable-owasp-core-rules", "true")]);
    assert_eq!(reading.settings.policies.waf, None);
    assert_eq!(reading.diagnostics, []);
}

#[test]
fn unknown_names_warn_with_the_nearest() {
    let reading = reading(&[("rewrite-targt", "/")]);
    assert_eq!(reading.diagnostics[0].severity, Severity::Warning);
    assert!(reading.diagnostics[0].message.contains("\"rewrite-target\""), "{}", reading.diagnostics[0]);
}

#[test]
fn invalid_values_reject_or_fall_back() {
    let rejected = reading(&[("server-alias", "a b")]);
    assert!(rejected.rejected.is_some());
    let fallen_back = reading(&[("proxy-connect-timeout", "30s")]);
    assert!(fallen_back.rejected.is_none());
    assert_eq!(fallen_back.diagnostics[0].severity, Severity::Error);
    assert_eq!(fallen_back.settings.backend.timeouts.connect.as_secs(), 5);
}

#[test]
fn an_unknown_word_of_retries_is_named_and_the_default_stays() {
    let mut defaults = RouteDefaults::default();
    Arc::make_mut(&mut defaults.backend).retries.on = RetryConditions::NONE.with(RetryCondition::Http503);
    let reading =
        reading_with(&defaults, &[("proxy-next-upstream", "error http_501"), ("proxy-next-upstream-tries", "-1")]);
    let said: Vec<_> = reading.diagnostics.iter().map(|diagnostic| &*diagnostic.message).collect();
    assert!(
        said[0].contains("has the word \"http_501\": expected error, timeout") && said[1].contains("0 is no limit"),
        "{said:?}"
    );
    assert!(reading.rejected.is_none() && reading.settings.backend.retries == defaults.backend.retries);
}

#[test]
fn blocked_words_and_risks_reject() {
    let defaults = RouteDefaults {
        blocked_words: vec!["set_by_lua".into()],
        risk_level: Risk::Medium,
        ..RouteDefaults::default()
    };
    let read = |key: &str, value: &str| reading_with(&defaults, &[(key, value)]);
    assert!(read("connection-proxy-header", "set_by_lua").rejected.is_some());
    assert!(read("server-alias", "a.example.com").rejected.is_some());
    assert!(read("app-root", "/shop").rejected.is_none());
}
