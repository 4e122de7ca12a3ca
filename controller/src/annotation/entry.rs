//! What an entry is: one annotation, what is made of it, and how.

use super::settings::AnnotationSettings;
use crate::registry::{Apply, Facets, Setting, Support, Value};
use crate::route_defaults::Risk;
use std::sync::Arc;

/// The prefix of the annotations that ingress-nginx does not have.
pub const OWN_PREFIX: &str = "adit.dev";

/// One annotation. Its name comes after the prefix `nginx.ingress.kubernetes.io/`, or after [`OWN_PREFIX`].
pub type Annotation = Setting<AnnotationFacets>;

/// What an annotation has beside what all settings have.
#[derive(Clone, Copy, Debug)]
pub struct AnnotationFacets {
    /// What it applies to, and so which Ingress decides in a conflict.
    pub scope: Scope,
    /// ingress-nginx's estimate, compared with the ConfigMap's `annotations-risk-level`.
    pub risk: Risk,
    /// What an invalid value does.
    pub invalid: Invalid,
    /// Values without an effect: they cause neither a warning nor a refusal. Of a supported annotation only [`EMPTY`] may be one.
    pub harmless: &'static [&'static str],
    /// It has the prefix [`OWN_PREFIX`]: ingress-nginx has none like it.
    pub is_own: bool,
    /// An Ingress with an invalid value is refused at admission, as by ingress-nginx's webhook.
    pub refused: bool,
}

impl Facets for AnnotationFacets {
    type Value<'a> = Value<'a>;
    type Settings = AnnotationSettings;
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

/// What an invalid value does, as in ingress-nginx, except that nothing fails open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// The whole Ingress is rejected: its last valid version stays, or nothing of it is served.
    RejectsIngress,
    /// The default is used instead.
    FallsBack,
    /// The routes answer 503. So they do with an empty value, unless that is harmless.
    Denies,
    /// The whole host answers 403, likewise.
    DeniesHost,
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
    /// Its [`Setting::doc`].
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
    /// It made the whole host answer 403.
    HostDenied,
    /// It was invalid, and the whole Ingress was rejected.
    Rejected,
}

/// Go's spellings of false.
pub(super) const FALSE: &[&str] = &["false", "False", "FALSE", "f", "F", "0"];
/// An empty value, for annotations of which no other value is without effect.
pub(super) const EMPTY: &[&str] = &[""];

impl Annotation {
    /// An entry that works as in ingress-nginx.
    pub(super) const fn full(
        name: &'static str,
        scope: Scope,
        risk: Risk,
        invalid: Invalid,
        doc: &'static str,
        apply: Apply<AnnotationFacets>,
    ) -> Self {
        let refused = matches!(invalid, Invalid::RejectsIngress);
        let facets = AnnotationFacets { scope, risk, invalid, harmless: &[], is_own: false, refused };
        Self::supported(name, facets, doc, apply)
    }

    /// An entry that ingress-nginx does not have.
    pub(super) const fn own(
        name: &'static str,
        scope: Scope,
        invalid: Invalid,
        doc: &'static str,
        apply: Apply<AnnotationFacets>,
    ) -> Self {
        let refused = matches!(invalid, Invalid::RejectsIngress);
        let facets = AnnotationFacets { scope, risk: Risk::Low, invalid, harmless: &[], is_own: true, refused };
        Self::supported(name, facets, doc, apply)
    }

    /// An entry that works as in ingress-nginx, for paths that an invalid value denies.
    pub(super) const fn guard(
        name: &'static str,
        risk: Risk,
        doc: &'static str,
        apply: Apply<AnnotationFacets>,
    ) -> Self {
        Self::full(name, Scope::Path, risk, Invalid::Denies, doc, apply)
    }

    /// An entry without effect.
    pub(super) const fn ignored(name: &'static str, why: &'static str, doc: &'static str) -> Self {
        let (scope, risk, invalid) = (Scope::Ingress, Risk::Low, Invalid::FallsBack);
        let facets = AnnotationFacets { scope, risk, invalid, harmless: EMPTY, is_own: false, refused: false };
        Self::unsupported(name, Support::Ignored(why), facets, doc)
    }

    /// The entry of an annotation with this full name, where those of ingress-nginx have this `prefix`.
    pub fn of_full_name(name: &str, prefix: &str) -> Option<&'static Self> {
        let (found, key) = name.split_once('/')?;
        Self::named(key).filter(|annotation| annotation.prefix(prefix) == found)
    }

    /// The full name of an annotation, likewise.
    pub fn full_name(key: &str, prefix: &str) -> String {
        let prefix = Self::named(key).map_or(prefix, |annotation| annotation.prefix(prefix));
        format!("{prefix}/{key}")
    }

    /// The prefix of its name, likewise.
    pub(super) fn prefix<'a>(&self, prefix: &'a str) -> &'a str {
        if self.facets.is_own { OWN_PREFIX } else { prefix }
    }

    /// The same, with the values that have no effect.
    pub(super) const fn unless(self, harmless: &'static [&'static str]) -> Self {
        Self { facets: AnnotationFacets { harmless, ..self.facets }, ..self }
    }

    /// The same, for which an Ingress with an invalid value is refused at admission.
    pub(super) const fn refused(self) -> Self {
        Self { facets: AnnotationFacets { refused: true, ..self.facets }, ..self }
    }

    /// Whether it counts on a canary: what is said of its Service does, but not of paths and hosts, which are those of the
    /// main Ingress. So is affinity.
    pub(super) fn counts_for_canaries(&self) -> bool {
        let is_of_main = ["affinity", "affinity-mode"].contains(&self.name);
        self.name == "canary" || (self.facets.scope == Scope::Upstream && !is_of_main)
    }

    pub(super) fn asks_for_nothing(&self, value: &str) -> bool {
        let without_blanks = || value.chars().filter(|c| !c.is_whitespace());
        self.facets.harmless.iter().any(|harmless| harmless.chars().eq(without_blanks()))
    }
}
