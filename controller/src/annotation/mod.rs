//! The annotations: one entry, one place.
//!
//! Every name that ingress-nginx has, had, or that its users believe it has, is one [`Annotation`] in one family file.
//! The entry says what Adit makes of it; the table in the documentation is printed from the entries. What concerns
//! several Ingresses at once is no annotation's business: see [`crate::translate`].

mod affinity;
mod auth;
mod backend;
mod body;
mod canary;
mod cors;
mod draft;
mod limits;
mod obsolete;
mod proxy;
mod read;
mod redirect;
mod rewrite;
mod routing;
mod snippets;
mod telemetry;
mod timeouts;
mod tls;
mod upstream;
pub(crate) mod value;

pub use draft::Draft;
pub(crate) use read::read;
pub use value::Value;

use crate::route_defaults::Risk;
use gateway::config::TemplateError;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// All annotations, by family, in the order of the documentation.
pub const FAMILIES: &[Family] = &[
    Family { title: "Routing", annotations: routing::ANNOTATIONS },
    Family { title: "Redirects", annotations: redirect::ANNOTATIONS },
    Family { title: "Rewrites", annotations: rewrite::ANNOTATIONS },
    Family { title: "Requests to the backend", annotations: upstream::ANNOTATIONS },
    Family { title: "Timeouts and retries", annotations: timeouts::ANNOTATIONS },
    Family { title: "Bodies and buffers", annotations: body::ANNOTATIONS },
    Family { title: "Backends and load balancing", annotations: backend::ANNOTATIONS },
    Family { title: "Session affinity", annotations: affinity::ANNOTATIONS },
    Family { title: "Canaries and mirrors", annotations: canary::ANNOTATIONS },
    Family { title: "TLS", annotations: tls::ANNOTATIONS },
    Family { title: "Answers of the backend", annotations: proxy::ANNOTATIONS },
    Family { title: "CORS", annotations: cors::ANNOTATIONS },
    Family { title: "Authentication", annotations: auth::ANNOTATIONS },
    Family { title: "Limits and address lists", annotations: limits::ANNOTATIONS },
    Family { title: "Snippets and web application firewall", annotations: snippets::ANNOTATIONS },
    Family { title: "Logs and traces", annotations: telemetry::ANNOTATIONS },
    Family { title: "Obsolete, or never there", annotations: obsolete::ANNOTATIONS },
];

/// Annotations that belong together.
#[derive(Debug)]
pub struct Family {
    /// Its heading in the documentation.
    pub title: &'static str,
    /// Its annotations.
    pub annotations: &'static [Annotation],
}

/// One annotation: its name, what is made of it, and how.
#[derive(Debug)]
pub struct Annotation {
    /// The name after the prefix `nginx.ingress.kubernetes.io/`.
    pub key: &'static str,
    /// Where a conflict between Ingresses matters.
    pub scope: Scope,
    /// ingress-nginx's estimate, compared with the ConfigMap's `annotations-risk-level`.
    pub risk: Risk,
    /// How far it is supported.
    pub support: Support,
    /// What an invalid value does.
    pub invalid: Invalid,
    /// Values that ask for nothing. Where the annotation is not supported, they need neither warning nor refusal.
    pub harmless: &'static [&'static str],
    /// What it does, and the values it takes.
    pub doc: &'static str,
    /// Writes a value into the draft. Called only where `support` is full or partial.
    pub apply: fn(Value<'_>, &mut Draft) -> Result<(), AnnotationError>,
}

/// Where a conflict between Ingresses matters.
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
    /// Without effect, for this reason. The route serves; a warning says so.
    Ignored(&'static str),
    /// Not there yet. The route serves without it; a warning says so.
    Planned,
    /// Not there yet, and unsafe to leave out: the route answers 503.
    Denied,
}

/// What an invalid value does, as in ingress-nginx, except that nothing fails open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// The whole Ingress is rejected: its last valid version stays, or nothing of it is served.
    RejectsIngress,
    /// The default is used instead.
    FallsBack,
}

/// Why a value was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnnotationError {
    /// It is not of the form expected, which is named.
    Expected(&'static str),
    /// It has an nginx variable that there is not.
    Template(TemplateError),
    /// It asks for something that is not there. The route serves without it.
    Unsupported(&'static str),
    /// It asks for something that is not there, and without which the route must not serve.
    Refused(&'static str),
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
const FALSE: &[&str] = &["false", "False", "FALSE", "f", "F", "0"];
/// An empty value, where nothing else asks for nothing.
const EMPTY: &[&str] = &[""];

impl Annotation {
    /// The entry of this name.
    pub fn named(key: &str) -> Option<&'static Self> {
        static BY_KEY: LazyLock<HashMap<&str, &Annotation>> =
            LazyLock::new(|| Annotation::all().map(|annotation| (annotation.key, annotation)).collect());
        BY_KEY.get(key).copied()
    }

    /// Every entry.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        FAMILIES.iter().flat_map(|family| family.annotations)
    }

    /// An entry that is not there yet; routes serve without it.
    const fn planned(key: &'static str, scope: Scope, risk: Risk, doc: &'static str) -> Self {
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

    /// An entry that is not there yet; routes must not serve without it.
    const fn denied(key: &'static str, scope: Scope, risk: Risk, doc: &'static str) -> Self {
        Self { support: Support::Denied, harmless: &[], ..Self::planned(key, scope, risk, doc) }
    }

    /// An entry without effect.
    const fn ignored(key: &'static str, why: &'static str, doc: &'static str) -> Self {
        Self { support: Support::Ignored(why), ..Self::planned(key, Scope::Ingress, Risk::Low, doc) }
    }

    /// The same, with the values that ask for nothing.
    const fn unless(self, harmless: &'static [&'static str]) -> Self {
        Self { harmless, ..self }
    }

    fn asks_for_nothing(&self, value: &str) -> bool {
        let without_blanks = || value.chars().filter(|c| !c.is_whitespace());
        self.harmless.iter().any(|harmless| harmless.chars().eq(without_blanks()))
    }
}

/// The `apply` of entries that have no effect.
fn nothing(_: Value<'_>, _: &mut Draft) -> Result<(), AnnotationError> {
    Ok(())
}

impl AnnotationError {
    /// What is wrong with the value, to follow it in a sentence.
    fn complaint(&self) -> Cow<'static, str> {
        match self {
            Self::Expected(expected) => format!("is not valid: expected {expected}").into(),
            Self::Template(error) => error.to_string().into(),
            Self::Unsupported(why) | Self::Refused(why) => Cow::Borrowed(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_has_one_entry() {
        let mut seen = BTreeSet::new();
        for annotation in Annotation::all() {
            assert!(seen.insert(annotation.key), "{} is there twice", annotation.key);
            assert!(!annotation.key.contains('/') && !annotation.doc.is_empty(), "{}", annotation.key);
        }
    }

    #[test]
    fn families_are_found_by_name() {
        assert_eq!(Annotation::named("upstream-vhost").map(|a| a.scope), Some(Scope::Path));
        assert!(Annotation::named("no-such-thing").is_none());
    }
}
