//! Where settings are written, and what they are called there.

use super::entry::Annotation;
use super::field_texts::in_fields;
use super::policy_field::policy_field;
use crate::diagnostic::Reason;
use gateway::config::{Origin, Subject};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Where settings are written. What is said of one of them is said in the names that it has there.
#[derive(Clone, Copy)]
pub(crate) enum Written<'a> {
    /// In annotations.
    Annotations {
        /// The Ingress that has them.
        ingress: &'a Subject,
        /// The prefix of their names, without the slash.
        prefix: &'a str,
    },
    /// In fields of AditPolicies.
    Fields {
        /// The first policy.
        first: &'a Subject,
        /// The policy of each setting, by the name of its entry.
        policies: &'a BTreeMap<&'static str, &'a Subject>,
    },
}

impl<'a> Written<'a> {
    /// The object and the field that has a setting.
    pub(crate) fn origin(self, key: &str) -> Origin {
        Origin::new(self.object(key).clone(), self.field(key))
    }

    /// A sentence about settings in the names that they have here.
    pub(crate) fn words<'t>(self, text: &'t str) -> Cow<'t, str> {
        match self {
            Self::Annotations { .. } => text.into(),
            Self::Fields { .. } => in_fields(text).into(),
        }
    }

    /// What a sentence calls a setting.
    pub(super) fn name(self, key: &str) -> String {
        match self {
            Self::Annotations { prefix, .. } => format!("the annotation {}", Annotation::full_name(key, prefix)),
            Self::Fields { .. } => format!("the field {}", field_name(key)),
        }
    }

    /// What becomes of what has a value that must be valid.
    pub(super) fn rejected(self) -> &'static str {
        match self {
            Self::Annotations { .. } => {
                "the whole Ingress is rejected, and its last valid version stays in effect if there is one"
            }
            Self::Fields { .. } => "no request of a rule with this policy is served",
        }
    }

    /// The reason of a diagnostic, of which the first word is one of ingress-nginx.
    pub(super) fn reason(self, reason: Reason) -> Reason {
        match (self, reason) {
            (Self::Fields { .. }, Reason::AnnotationParsingFailed) => Reason::Invalid,
            (_, reason) => reason,
        }
    }

    fn object(self, key: &str) -> &'a Subject {
        match self {
            Self::Annotations { ingress, .. } => ingress,
            Self::Fields { first, policies } => policies.get(key).copied().unwrap_or(first),
        }
    }

    fn field(self, key: &str) -> String {
        match self {
            Self::Annotations { prefix, .. } => format!("metadata.annotations[{}]", Annotation::full_name(key, prefix)),
            Self::Fields { .. } => format!("spec.{}", field_name(key)),
        }
    }
}

fn field_name(key: &str) -> String {
    Annotation::named(key).and_then(policy_field).unwrap_or_else(|| key.to_owned())
}
