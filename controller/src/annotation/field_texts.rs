//! Texts about annotations, as texts about the fields of an AditPolicy.

use super::entry::Annotation;
use super::policy_field::policy_field;
use crate::registry::Support;

/// What is said of annotations and Ingresses, and what holds for policies in its place.
const PHRASES: [(&str, &str); 13] = [
    ("adit.dev/", ""),
    ("the annotation ", "the field "),
    ("`on` or `off`", "true or false"),
    ("Default `HTTP`. Certificates", "Default: what the Service's `appProtocol` says. Certificates"),
    ("all paths of the Ingress", "all rules with the policy"),
    ("The namespace is the Ingress's", "The namespace is the policy's"),
    ("of this Ingress's `auth-url`", "of the policy's `auth-url`"),
    (
        "The oldest Ingress that uses the Service port decides for all.",
        "Ingresses that use the Service port decide first, then the oldest route whose policies say something of it.",
    ),
    (
        "Paths of other Ingresses with the same backend go by the cookie, too, but do not set it. It does not count for \
         `spec.defaultBackend`.",
        "Of several backends of a rule, a client stays with the one that its session is with, whatever their weights are.",
    ),
    (" The oldest Ingress that sets it decides for a backend.", ""),
    (
        " Of several Ingresses with affinity for one backend, the youngest decides, here and for all `session-cookie-*`.",
        "",
    ),
    (
        "It makes all paths of the host regular expressions, as `use-regex` does, unless it equals the rule's path.",
        "Only matches of the type `RegularExpression` have groups.",
    ),
    ("With `path-matching: strict` it makes only the paths of this Ingress regular expressions.", ""),
];

/// What a field means: its annotation's text, with what is different from ingress-nginx.
pub(crate) fn field_text(annotation: &Annotation) -> String {
    in_fields(&text_of(annotation)).trim_end().to_owned()
}

fn text_of(annotation: &Annotation) -> String {
    match annotation.support {
        Support::Partial(difference) => format!("{} {difference}", annotation.doc),
        Support::Full | Support::Ignored(_) => annotation.doc.to_owned(),
    }
}

/// A text about annotations as one about the fields of a policy. Keys of the ConfigMap keep their names.
pub(crate) fn in_fields(text: &str) -> String {
    let text = PHRASES.iter().fold(text.to_owned(), |text, (phrase, other)| text.replace(phrase, other));
    let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let mut changed = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find(is_of_name) {
        let (before, found) = rest.split_at(start);
        let (name, after) = found.split_at(found.find(|c| !is_of_name(c)).unwrap_or(found.len()));
        changed.push_str(before);
        let is_key = changed.trim_end_matches('`').ends_with("ConfigMap's ");
        let field = Annotation::named(name).filter(|_| !is_key).and_then(policy_field);
        changed.push_str(field.as_deref().unwrap_or(name));
        rest = after;
    }
    changed + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::policy_field::policy_fields;

    #[test]
    fn texts_name_fields_and_keys_of_the_config_map() {
        for (text, expected) in [
            ("needs the annotation auth-secret: expected both", "needs the field authSecret: expected both"),
            ("`limit-rps` and `limit-rpm`", "`limitRps` and `limitRpm`"),
            ("the ConfigMap's `proxy-body-size` (1m)", "the ConfigMap's `proxy-body-size` (1m)"),
            ("the ConfigMap's load-balance counts", "the ConfigMap's load-balance counts"),
            ("with `backend-protocol: FCGI`", "with `backendProtocol: FCGI`"),
            ("expected adit.dev/error-pages", "expected errorPages"),
            ("of the flag `--default-backend-service`", "of the flag `--default-backend-service`"),
            ("\u{fc}ber auth-url", "\u{fc}ber authUrl"),
        ] {
            assert_eq!(in_fields(text), expected);
        }
    }

    #[test]
    fn no_text_of_a_field_is_about_ingresses() {
        for (field, (annotation, _)) in policy_fields() {
            let text = field_text(annotation).replace("`X-Ingress-Name`", "").replace("Ingresses that use", "");
            assert!(!text.contains("Ingress") && !text.contains("the annotation "), "{field}: {text}");
        }
    }

    #[test]
    fn no_phrase_is_left_of_former_texts() {
        for (phrase, _) in &PHRASES[2..] {
            assert!(policy_fields().values().any(|(annotation, _)| text_of(annotation).contains(phrase)), "{phrase}");
        }
    }
}
