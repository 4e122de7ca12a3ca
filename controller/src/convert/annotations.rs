//! What becomes of each annotation.

use super::given::Given;
use crate::annotation::{Annotation, policy_field};
use crate::registry::Support;

/// What becomes of an annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Gateway API has it: as what.
    Converted(&'static str),
    /// It is this field of an AditPolicy.
    Kept(String),
    /// Neither has it: why.
    Left(&'static str),
}

/// The annotations that Gateway API has, and as what.
const NATIVE: &[(&str, &str)] = &[
    ("use-regex", "paths of the type RegularExpression"),
    ("server-alias", "more hostnames, and listeners for them"),
    ("app-root", "a rule for the path / with RequestRedirect"),
    ("from-to-www-redirect", "an HTTPRoute for the other name with RequestRedirect"),
    ("ssl-redirect", "an HTTPRoute for HTTP with RequestRedirect"),
    ("force-ssl-redirect", "an HTTPRoute for HTTP with RequestRedirect"),
    ("preserve-trailing-slash", "RequestRedirect, which always keeps the slash"),
    ("use-port-in-redirects", "the port of RequestRedirect"),
    ("canary", "backendRefs of the main Ingress's routes"),
    ("canary-by-header", "matches of headers"),
    ("canary-by-header-value", "matches of headers"),
    ("canary-by-header-pattern", "matches of headers"),
    ("canary-by-cookie", "matches of the header Cookie"),
    ("canary-weight", "weights of backendRefs"),
    ("canary-weight-total", "weights of backendRefs"),
    ("affinity-canary-behavior", "sessions with all backends of a rule; legacy beside sessions is not converted"),
    ("ssl-passthrough", "a listener for TLS and a TLSRoute"),
    ("http2-push-preload", "nothing, since it has no effect"),
    ("stream-snippet", "nothing, since it has no effect"),
];

/// Those that a filter has if they are the same for all requests.
const CONSTANT: &[(&str, &str)] = &[
    ("rewrite-target", "URLRewrite"),
    ("x-forwarded-prefix", "RequestHeaderModifier"),
    ("upstream-vhost", "URLRewrite"),
];

/// Former names of annotations that an AditPolicy has by their names of today.
const RENAMED: &[(&str, &str)] =
    &[("whitelist-source-range", "allowlist-source-range"), ("limit-whitelist", "limit-allowlist")];

/// What becomes of an annotation of an Ingress that is given these.
pub(super) fn fate(annotation: &Annotation, given: &Given<'_>) -> Fate {
    if let Some(what) = native(annotation.name, given) {
        return Fate::Converted(what);
    }
    if let Support::Ignored(_) = annotation.support {
        return Fate::Converted("nothing, since it has no effect");
    }
    if annotation.name.starts_with("permanent-redirect") && given.is_redirected_temporarily() {
        return Fate::Converted("nothing, since temporal-redirect comes before it");
    }
    let renamed = RENAMED.iter().find(|(former, _)| *former == annotation.name).map(|(_, name)| *name);
    match renamed {
        Some(name) if given.value(name).is_some() => Fate::Converted("nothing: its name of today is there, too"),
        Some(name) => Annotation::named(name).and_then(policy_field).map_or(Fate::Left(OF_A_HOST), Fate::Kept),
        None => policy_field(annotation).map_or_else(|| Fate::Left(why_left(annotation)), Fate::Kept),
    }
}

fn native(name: &str, given: &Given<'_>) -> Option<&'static str> {
    let is_constant = match name {
        "rewrite-target" => given.value(name).is_some() && !given.rewrites_by_policy(),
        "x-forwarded-prefix" => given.constant_prefix().is_some(),
        "upstream-vhost" => given.constant_host().is_some(),
        _ => false,
    };
    let known = if is_constant { CONSTANT } else { NATIVE };
    known.iter().find(|(native, _)| *native == name).map(|(_, what)| *what)
}

/// What becomes of an annotation, in words for the documentation.
pub fn in_words(annotation: &Annotation) -> String {
    let kept = |field: &str| format!("`{field}` of an AditPolicy");
    let constant = CONSTANT.iter().find(|(name, _)| *name == annotation.name).map(|(_, what)| *what);
    match (fate(annotation, &Given(&[])), constant) {
        (Fate::Kept(field), Some(what)) => {
            format!("{what}, if it is the same for all requests; otherwise {}", kept(&field))
        }
        (Fate::Kept(field), None) => kept(&field),
        (Fate::Converted(what), _) => what.to_owned(),
        (Fate::Left(why), _) => format!("*not converted*: {why}"),
    }
}

const OF_A_HOST: &str = "it is a setting of a whole host, for which Gateway API has no place";

/// Why an annotation stays behind.
fn why_left(annotation: &Annotation) -> &'static str {
    match (family(annotation), annotation.name) {
        ("Client certificates", _) => {
            "a Gateway asks for certificates on a whole port and ends the handshake without one, an Ingress asks for them on \
             its hosts and answers with 400: decide which hosts get a Gateway with spec.tls.frontend of their own"
        }
        ("Snippets", "server-snippet") => {
            "a snippet for a whole host may change every request before a route is found, and no object of Gateway API is of \
             a whole host: say it by annotations, or by rules"
        }
        _ => OF_A_HOST,
    }
}

/// The family of an annotation.
pub(super) fn family(annotation: &Annotation) -> &'static str {
    let has_it = |names: &[Annotation]| names.iter().any(|known| known.name == annotation.name);
    Annotation::families().iter().find(|family| has_it(family.settings)).map_or("", |family| family.title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::{Applied, Effect};
    use std::collections::BTreeSet;

    fn given(annotations: &[(&'static str, &str)]) -> Vec<Applied> {
        let applied = |(key, value): &(&'static str, &str)| Applied {
            key,
            value: (*value).into(),
            effect: Effect::Applied,
            doc: "",
        };
        annotations.iter().map(applied).collect()
    }

    fn fate_of(name: &str, others: &[(&'static str, &str)]) -> Fate {
        fate(Annotation::named(name).expect("an annotation"), &Given(&given(others)))
    }

    /// Each has one fate, and those that stay behind are these: a new annotation has to be thought about.
    #[test]
    fn every_annotation_has_a_fate() {
        let mut left = BTreeSet::new();
        for annotation in Annotation::all() {
            match fate(annotation, &Given(&[])) {
                Fate::Converted(what) => assert!(!what.is_empty(), "{}", annotation.name),
                Fate::Kept(field) => assert!(field.starts_with(|c: char| c.is_ascii_lowercase()), "{field}"),
                Fate::Left(why) => {
                    assert_ne!(why, OF_A_HOST, "{} needs a reason of its own", annotation.name);
                    left.insert(annotation.name);
                }
            }
        }
        let expected = [
            "auth-tls-error-page",
            "auth-tls-match-cn",
            "auth-tls-pass-certificate-to-upstream",
            "auth-tls-secret",
            "auth-tls-verify-client",
            "auth-tls-verify-depth",
            "server-snippet",
        ];
        assert_eq!(left.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_native_is_known() {
        for (name, _) in NATIVE {
            assert!(Annotation::named(name).is_some(), "{name}");
        }
        for (former, name) in RENAMED {
            assert!(Annotation::named(former).is_some() && Annotation::named(name).is_some(), "{former}");
        }
    }

    #[test]
    fn a_constant_is_a_filter_and_another_a_policy() {
        let is_native = |name: &'static str, value: &str| matches!(fate_of(name, &[(name, value)]), Fate::Converted(_));
        assert!(is_native("rewrite-target", "/app") && !is_native("rewrite-target", "/$1"));
        assert!(!is_native("rewrite-target", "https://other.example/"));
        assert!(is_native("upstream-vhost", "api.example.com") && !is_native("upstream-vhost", "api.example.com:8080"));
        assert!(!is_native("upstream-vhost", "$service_name"));
        let prefix =
            |target, prefix| fate_of("rewrite-target", &[("rewrite-target", target), ("x-forwarded-prefix", prefix)]);
        assert_eq!(prefix("/app", "/v1"), Fate::Converted("URLRewrite"));
        assert_eq!(prefix("/app", "/$1"), Fate::Kept("rewriteTarget".to_owned()));
    }

    #[test]
    fn a_former_name_is_the_one_of_today() {
        let former = "whitelist-source-range";
        assert_eq!(fate_of(former, &[(former, "10.0.0.0/8")]), Fate::Kept("allowlistSourceRange".to_owned()));
        let both = [(former, "10.0.0.0/8"), ("allowlist-source-range", "10.0.0.0/16")];
        assert!(matches!(fate_of(former, &both), Fate::Converted(_)));
    }
}
