//! Facts about a user's objects: what is wrong, where, and what would be right.

use gateway::table::Rejection;
use std::fmt;
use std::sync::Arc;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// What was asked for is not served as asked.
    Error,
    /// It is served, and probably not as meant.
    Warning,
}

/// One fact about one field of one object (or file), for a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The object, as `Ingress default/shop`; for a file that cannot be read or parsed, `File PATH`.
    pub object: Arc<str>,
    /// The field, as `spec.rules[0].host` or `metadata.annotations[nginx.ingress.kubernetes.io/app-root]`; empty for
    /// the whole object.
    pub field: Arc<str>,
    /// The value at fault, shortened to 80 characters; `None` where there is none to show, or it is a secret.
    pub value: Option<Arc<str>>,
    /// What is wrong, what is expected, and what happens instead.
    pub message: Arc<str>,
    /// Where in a file, when the object comes from one.
    pub place: Option<Place>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Place {
    /// The file, as the user named its directory.
    pub file: Arc<str>,
    /// The document in it, from 1.
    pub document: u32,
    /// The line in the file, from 1: the error's, or the document's first.
    pub line: u32,
}

impl Diagnostic {
    /// An error about `field` of `object`.
    pub fn error(object: impl Into<Arc<str>>, field: impl Into<Arc<str>>, message: impl Into<Arc<str>>) -> Self {
        Self {
            severity: Severity::Error,
            object: object.into(),
            field: field.into(),
            value: None,
            message: message.into(),
            place: None,
        }
    }

    /// A warning about `field` of `object`.
    pub fn warning(object: impl Into<Arc<str>>, field: impl Into<Arc<str>>, message: impl Into<Arc<str>>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(object, field, message) }
    }

    /// The same with the value at fault.
    pub fn with_value(mut self, value: &str) -> Self {
        const SHOWN: usize = 80;
        let mut shown: String = value.chars().take(SHOWN).collect();
        if shown.len() < value.len() {
            shown.push('…');
        }
        self.value = Some(shown.into());
        self
    }

    /// The same with its place in a file.
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }
}

impl From<&Rejection> for Diagnostic {
    /// What the gateway rejects, as a fact about the object that it comes from.
    fn from(rejection: &Rejection) -> Self {
        let Rejection { origin, value, message } = rejection;
        Self::error(origin.object.clone(), origin.field.clone(), message.as_str()).with_value(value)
    }
}

impl fmt::Display for Diagnostic {
    /// `error: Ingress default/shop: spec.rules[0].host: "a b" is not …  (shop.yaml, document 2, line 14)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}", self.object)?;
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        f.write_str(": ")?;
        if let Some(value) = &self.value {
            write!(f, "{value:?} ")?;
        }
        f.write_str(&self.message)?;
        if let Some(place) = &self.place {
            write!(f, " ({}, document {}, line {})", place.file, place.document, place.line)?;
        }
        Ok(())
    }
}
