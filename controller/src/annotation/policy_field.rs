//! Which annotations an AditPolicy has as fields, and what they are called there.

use super::entry::{Annotation, Scope};
use super::field_type::FieldType;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What Gateway API says by itself: by listeners, and by the filter `RequestRedirect`.
const REDIRECTS_TO_HTTPS: [&str; 4] =
    ["ssl-redirect", "force-ssl-redirect", "preserve-trailing-slash", "use-port-in-redirects"];

/// Former names of others.
const FORMER_NAMES: [&str; 2] = ["limit-whitelist", "whitelist-source-range"];

/// Of canaries, which are matches and weights in Gateway API.
const CANARIES: [&str; 2] = ["canary", "affinity-canary-behavior"];

/// The field of an AditPolicy that means what the annotation means: its name in lower camel case. `None` where a policy has
/// none, since it is about hosts or Ingresses, has no effect, or is what Gateway API says by itself.
pub fn policy_field(annotation: &Annotation) -> Option<String> {
    let name = annotation.name;
    let is_of_rules = matches!(annotation.facets.scope, Scope::Path | Scope::Upstream);
    let is_canary = name.starts_with("canary-") || CANARIES.contains(&name);
    let is_left_out = is_canary || REDIRECTS_TO_HTTPS.contains(&name) || FORMER_NAMES.contains(&name);
    (annotation.support.is_applied() && is_of_rules && !is_left_out).then(|| camel_case(name))
}

/// All fields: the annotation that each means, and how its value is written.
pub fn policy_fields() -> &'static BTreeMap<String, (&'static Annotation, FieldType)> {
    static FIELDS: OnceLock<BTreeMap<String, (&'static Annotation, FieldType)>> = OnceLock::new();
    let field = |annotation| Some((policy_field(annotation)?, (annotation, FieldType::of(annotation))));
    FIELDS.get_or_init(|| Annotation::all().filter_map(field).collect())
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut field, word| {
        let (initial, rest) = word.split_at(word.len().min(1));
        field.push_str(&initial.to_ascii_uppercase());
        field.push_str(rest);
        field
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> Option<String> {
        policy_field(Annotation::named(name).expect("an annotation"))
    }

    #[test]
    fn fields_are_in_camel_case() {
        for (name, expected) in [
            ("limit-rps", "limitRps"),
            ("satisfy", "satisfy"),
            ("error-pages", "errorPages"),
            ("proxy-http-version", "proxyHttpVersion"),
            ("session-cookie-conditional-samesite-none", "sessionCookieConditionalSamesiteNone"),
        ] {
            assert_eq!(field(name).as_deref(), Some(expected));
            assert_eq!(policy_fields().get(expected).map(|(annotation, _)| annotation.name), Some(name));
        }
    }

    #[test]
    fn what_is_not_of_rules_is_no_field() {
        for name in [
            "app-root",
            "server-alias",
            "auth-tls-secret",
            "server-snippet",
            "http2-push-preload",
            "auth-keepalive",
            "ssl-redirect",
            "canary",
            "canary-weight",
            "whitelist-source-range",
        ] {
            assert_eq!(field(name), None, "{name}");
        }
        assert!(!policy_fields().contains_key("limit-rps"));
    }
}
