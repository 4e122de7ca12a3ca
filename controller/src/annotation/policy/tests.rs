use super::*;
use crate::diagnostic::Severity;
use crate::lookup::Lookup;
use crate::route_defaults::{Risk, RouteDefaults};
use crate::store::Store;
use serde_json::json;

/// What the policies `p0`, `p1` and so on with these fields come to.
fn reading_with(defaults: &RouteDefaults, specs: &[Value]) -> Reading {
    let store = Store::new();
    let lookup = Lookup::new(&store);
    let subjects: Vec<_> =
        (0..specs.len()).map(|number| Subject::other(format!("AditPolicy shop/p{number}"))).collect();
    let mut fields = PolicyFields::default();
    for (subject, spec) in subjects.iter().zip(specs) {
        fields.add(subject, &serde_json::from_value(spec.clone()).expect("a specification"));
    }
    let nobody = Subject::other("HTTPRoute shop/route");
    fields.read(fields.written(&nobody), Context { namespace: "shop", defaults, lookup: &lookup })
}

fn reading(specs: &[Value]) -> Reading {
    reading_with(&RouteDefaults::default(), specs)
}

/// `AditPolicy shop/p0: spec.limitRps: ...`
fn said(reading: &Reading) -> Vec<String> {
    let text = |found: &Diagnostic| format!("{}: {}: {}", found.object, found.field, found.message);
    reading.diagnostics.iter().map(text).collect()
}

#[test]
fn fields_mean_what_annotations_mean() {
    let reading = reading(&[json!({
        "limitRps": 10, "enableCors": true, "proxyBuffering": true, "proxyBodySize": "8m", "proxyHttpVersion": 1.0,
        "satisfy": null,
    })]);
    assert_eq!((said(&reading), reading.rejected), (vec![], None));
    let settings = reading.settings;
    assert_eq!(settings.limits.per_second.map(u32::from), Some(10));
    assert!(settings.enable_cors && settings.policies.response_buffering.on && settings.backend.http_10);
    assert_eq!(settings.policies.body_limit, Some(8 << 20));
}

#[test]
fn what_is_no_field_rejects_and_is_told_with_what_was_meant() {
    for (spec, expected) in [
        (json!({"limitRsp": 1}), "AditPolicy shop/p0: spec.limitRsp: is not a field of AditPolicy"),
        (json!({"limit-rps": 1}), "AditPolicy shop/p0: spec.limit-rps: is not a field of AditPolicy"),
        (json!({"sslRedirect": true}), "AditPolicy shop/p0: spec.sslRedirect: is not a field of AditPolicy"),
        (json!({"limitRps": [1]}), "AditPolicy shop/p0: spec.limitRps: is a list: expected a whole number"),
        (
            json!({"authSecret": {"name": "users"}}),
            "AditPolicy shop/p0: spec.authSecret: is a mapping: expected a text",
        ),
    ] {
        let reading = reading(&[spec]);
        assert!(reading.rejected == Some(0) && said(&reading)[0].starts_with(expected), "{reading:?}");
        assert_eq!(reading.diagnostics[0].reason, Reason::Invalid);
    }
    assert!(said(&reading(&[json!({"limitRsp": 1})]))[0].ends_with("did you mean \"limitRps\"?"));
}

#[test]
fn faults_are_told_in_the_names_of_fields_and_as_severe_as_annotations() {
    for (spec, rejected, denied, expected) in [
        (json!({"limitRps": -1}), true, false, "spec.limitRps: is not valid: expected a whole number"),
        (json!({"limitRps": "10/s"}), true, false, "no request of a rule with this policy is served"),
        (json!({"proxyConnectTimeout": "5s"}), false, false, "the default is used instead"),
        (json!({"authType": "basic"}), false, true, "spec.authType: needs the field authSecret: expected both"),
        (json!({"allowlistSourceRange": ""}), false, true, "spec.allowlistSourceRange: "),
        (json!({"proxySslVerify": true}), false, true, "spec.proxySslVerify: is on without proxySslSecret"),
        (json!({"slowStart": 30, "loadBalance": "ewma"}), false, false, "has no effect with affinity, upstreamHashBy"),
        (json!({"configurationSnippet": "return 200;"}), false, true, "spec.configurationSnippet: is not allowed"),
    ] {
        let reading = reading(std::slice::from_ref(&spec));
        let (all, policies) = (said(&reading).join("\n"), &reading.settings.policies);
        assert!(all.starts_with("AditPolicy shop/p0: ") && all.contains(expected), "{spec}: {all}");
        assert_eq!((reading.rejected.is_some(), policies.denied.is_some()), (rejected, denied), "{spec}: {all}");
    }
    let denied = reading(&[json!({"authType": "basic"})]).settings.policies.denied.expect("denied");
    assert_eq!(&*denied.reason, "the field authType needs the field authSecret: expected both");
    assert_eq!(denied.origin.to_string(), "AditPolicy shop/p0: spec.authType");
}

#[test]
fn policies_together_are_one_and_each_answers_for_its_fields() {
    let reading = reading(&[json!({"enableCors": true, "limitRps": 1}), json!({"limitConnections": "many"})]);
    let rejected = "AditPolicy shop/p1: spec.limitConnections: is not valid";
    assert!(said(&reading)[0].starts_with(rejected), "{reading:?}");
    assert_eq!(reading.diagnostics[0].severity, Severity::Error);
    assert!(reading.settings.enable_cors && reading.settings.limits.per_second.is_some());
}

/// A location belongs to a host, and a policy to none.
#[test]
fn a_snippet_has_no_locations() {
    let defaults = RouteDefaults { snippet_annotations: true, risk_level: Risk::Critical, ..RouteDefaults::default() };
    let denied = |text: &str| {
        let reading = reading_with(&defaults, &[json!({"configurationSnippet": text})]);
        reading.settings.policies.denied.map(|denied| denied.reason.to_string())
    };
    assert_eq!(denied("add_header X-A b;"), None);
    for text in ["location /x { return 200; }", "auth_request /x;"] {
        assert!(denied(text).is_some_and(|reason| reason.starts_with("the field configurationSnippet ")), "{text}");
    }
}

#[test]
fn what_the_config_map_forbids_of_values_holds_for_fields() {
    let blocked_words = vec!["evil".into()];
    let defaults = RouteDefaults { blocked_words, risk_level: Risk::Low, ..RouteDefaults::default() };
    assert!(reading_with(&defaults, &[json!({"authRealm": "evil"})]).rejected.is_some());
    assert!(reading_with(&defaults, &[json!({"upstreamHashBy": "$host"})]).rejected.is_some(), "its risk is high");
    assert!(reading_with(&defaults, &[json!({"limitRps": 1})]).rejected.is_none());
}
