//! What an entry is: one annotation, what is made of it, and how.

use super::error::AnnotationError;
use super::settings::AnnotationSettings;
use super::value::Value;
use crate::route_defaults::Risk;
use std::sync::Arc;

/// Annotations that belong together.
#[derive(Debug)]
pub struct Family {
    /// Its heading in the documentation.
    pub title: &'static str,
    /// Its annotations.
    pub annotations: &'static [Annotation],
}

/// One annotation: its name, how far it is supported, and how it is applied.
#[derive(Debug)]
pub struct Annotation {
    /// The name after the prefix `nginx.ingress.kubernetes.io/`.
    pub key: &'static str,
    /// What it applies to, and so which Ingress decides in a conflict.
    pub scope: Scope,
    /// ingress-nginx's estimate, compared with the ConfigMap's `annotations-risk-level`.
    pub risk: Risk,
    /// How far it is supported.
    pub support: Support,
    /// What an invalid value does.
    pub invalid: Invalid,
    /// Values without an effect. If the annotation is not supported, they cause neither a warning nor a refusal.
    pub harmless: &'static [&'static str],
    /// What it sets, its unit, range and default, and its effect on a request.
    pub doc: &'static str,
    /// Writes a value into the settings. Called only if `support` is full or partial.
    pub apply: fn(Value<'_>, &mut AnnotationSettings) -> Result<(), AnnotationError>,
}

/// What an annotation applies to, and so which Ingress decides in a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The Ingress as a whole.
    Ingress,
    /// The host: the oldest Ingress that has it decides for all of the host's.
    Host,
    /// The paths of the Ingress.
    Path,
    /// The Service port: the oldest Ingress that refers to it decides for all.
    Upstream,
}

/// How far an annotation is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As in ingress-nginx.
    Full,
    /// With this difference.
    Partial(&'static str),
    /// It has no effect, for this reason. The routes are served without it; a warning says so.
    Ignored(&'static str),
    /// Not supported yet. The routes are served without it; a warning says so.
    Planned,
    /// Not supported yet, and the routes are not safe without it: they answer 503.
    Denied,
}

/// What an invalid value does, as in ingress-nginx, except that nothing fails open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// The whole Ingress is rejected: its last valid version stays, or nothing of it is served.
    RejectsIngress,
    /// The default is used instead.
    FallsBack,
    /// The routes answer 503. So does an empty value.
    Denies,
}

/// What became of an annotation on an Ingress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its name after the prefix.
    pub key: &'static str,
    /// Its value on the Ingress.
    pub value: Arc<str>,
    /// What it did.
    pub effect: Effect,
    /// [`Annotation::doc`].
    pub doc: &'static str,
}

/// What an annotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// What it says.
    Applied,
    /// Nothing: it is empty, or a diagnostic says why.
    None,
    /// It made the routes answer 503.
    Denied,
    /// It was invalid, and the whole Ingress was rejected.
    Rejected,
}

/// Go's spellings of false.
pub(super) const FALSE: &[&str] = &["false", "False", "FALSE", "f", "F", "0"];
/// An empty value, for annotations of which no other value is without effect.
pub(super) const EMPTY: &[&str] = &[""];

impl Annotation {
    /// An entry that is not supported yet; routes are served without it.
    pub(super) const fn planned(key: &'static str, scope: Scope, risk: Risk, doc: &'static str) -> Self {
        Self {
            key,
            scope,
            risk,
            support: Support::Planned,
            invalid: Invalid::FallsBack,
            harmless: EMPTY,
            doc,
            apply: nothing,
        }
    }

    /// An entry that is not supported yet; routes answer 503, because they are not safe without it.
    pub(super) const fn denied(key: &'static str, scope: Scope, risk: Risk, doc: &'static str) -> Self {
        Self { support: Support::Denied, harmless: &[], ..Self::planned(key, scope, risk, doc) }
    }

    /// An entry without effect.
    pub(super) const fn ignored(key: &'static str, why: &'static str, doc: &'static str) -> Self {
        Self { support: Support::Ignored(why), ..Self::planned(key, Scope::Ingress, Risk::Low, doc) }
    }

    /// The same, with the values that have no effect.
    pub(super) const fn unless(self, harmless: &'static [&'static str]) -> Self {
        Self { harmless, ..self }
    }

    pub(super) fn asks_for_nothing(&self, value: &str) -> bool {
        let without_blanks = || value.chars().filter(|c| !c.is_whitespace());
        self.harmless.iter().any(|harmless| harmless.chars().eq(without_blanks()))
    }
}

/// The `apply` of entries that have no effect.
pub(super) fn nothing(_: Value<'_>, _: &mut AnnotationSettings) -> Result<(), AnnotationError> {
    Ok(())
}
