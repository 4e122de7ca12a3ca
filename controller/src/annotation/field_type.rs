//! How the fields of an AditPolicy are written in YAML, and what they are as texts.

use super::entry::Annotation;
use super::settings::AnnotationSettings;
use crate::registry::Value;
use crate::route_defaults::RouteDefaults;
use serde_json::Value as Yaml;

/// What the value of a field is in YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// `true` or `false`.
    Boolean,
    /// The same, where the annotation has `on` and `off`.
    Switch,
    /// A whole number.
    Integer,
    /// A whole number, or a text such as one with a unit.
    Quantity,
    /// A text.
    Text,
}

impl FieldType {
    /// That of the field for an annotation. It follows from which texts the annotation takes.
    pub(super) fn of(annotation: &Annotation) -> Self {
        let takes = |text: &str| {
            let mut settings = AnnotationSettings::new(&RouteDefaults::default());
            (annotation.apply)(Value::from(text), &mut settings).is_ok()
        };
        let takes_all = |texts: &[&str]| texts.iter().all(|text| takes(text));
        let takes_any = |texts: &[&str]| texts.iter().any(|text| takes(text));
        if takes("word") {
            Self::Text
        } else if takes_all(&["true", "false"]) {
            Self::Boolean
        } else if takes_all(&["on", "off"]) {
            Self::Switch
        } else if !takes_any(&["1", "404"]) {
            Self::Text
        } else if takes_any(&["1k", "1m", "404,503"]) {
            Self::Quantity
        } else {
            Self::Integer
        }
    }

    /// The value as the annotation's text; `None` if it is none: a list, a mapping, or nothing.
    pub(super) fn text(self, value: &Yaml) -> Option<String> {
        match (self, value) {
            (_, Yaml::String(text)) => Some(text.clone()),
            (Self::Switch, Yaml::Bool(is_on)) => Some(if *is_on { "on" } else { "off" }.to_owned()),
            (_, Yaml::Bool(_) | Yaml::Number(_)) => Some(value.to_string()),
            _ => None,
        }
    }

    /// What is expected of a value, in words.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Boolean | Self::Switch => "true or false",
            Self::Integer => "a whole number",
            Self::Quantity => "a number or a text",
            Self::Text => "a text",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::policy_field::policy_fields;
    use serde_json::json;

    fn of(name: &str) -> FieldType {
        FieldType::of(Annotation::named(name).expect("an annotation"))
    }

    /// Which texts an annotation takes, and what its own text says of them, are two witnesses.
    #[test]
    fn types_are_what_the_texts_say() {
        const NUMBERS: [&str; 3] = ["Whole number", "Whole seconds", "a whole number"];
        for (field, (annotation, kind)) in policy_fields() {
            assert_eq!(*kind == FieldType::Boolean, annotation.doc.contains("Boolean"), "{field}: {kind:?}");
            let says_number = NUMBERS.iter().any(|words| annotation.doc.contains(words));
            assert_eq!(*kind == FieldType::Integer, says_number, "{field}: {kind:?}");
            let says_switch = annotation.doc.contains("`on` or `off`");
            assert_eq!(*kind == FieldType::Switch, says_switch, "{field}: {kind:?}");
        }
    }

    #[test]
    fn types_follow_from_what_annotations_take() {
        for (name, expected) in [
            ("enable-cors", FieldType::Boolean),
            ("proxy-buffering", FieldType::Switch),
            ("limit-rps", FieldType::Integer),
            ("cors-max-age", FieldType::Integer),
            ("proxy-body-size", FieldType::Quantity),
            ("slow-start", FieldType::Quantity),
            ("custom-http-errors", FieldType::Quantity),
            ("allowlist-source-range", FieldType::Text),
            ("auth-realm", FieldType::Text),
            ("auth-secret", FieldType::Text),
            ("proxy-http-version", FieldType::Text),
        ] {
            assert_eq!(of(name), expected, "{name}");
        }
    }

    #[test]
    fn values_become_the_texts_of_annotations() {
        for (kind, value, text) in [
            (FieldType::Boolean, json!(true), Some("true")),
            (FieldType::Switch, json!(false), Some("off")),
            (FieldType::Switch, json!("on"), Some("on")),
            (FieldType::Integer, json!(-1), Some("-1")),
            (FieldType::Text, json!(1.1), Some("1.1")),
            (FieldType::Text, json!(" a "), Some(" a ")),
            (FieldType::Text, json!(["a"]), None),
            (FieldType::Text, json!({"a": 1}), None),
        ] {
            assert_eq!(kind.text(&value).as_deref(), text, "{value}");
        }
    }
}
