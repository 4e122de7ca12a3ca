//! Facts about a user's objects: what is wrong, where, and what would be right.

mod credentials;

pub(crate) use credentials::without_credentials;
use gateway::config::{Rejection, RejectionCause, Subject, UnopenedPort};
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// What was asked for is not served as asked.
    Error,
    /// It is served, and probably not as meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// What kind of fact it is. Its name is the reason of the Event that reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Reason {
    /// The value of an annotation is not valid, or not allowed (the same reason in ingress-nginx).
    AnnotationParsingFailed,
    /// The certificate of a Secret cannot be used for what names it.
    InvalidCertificate,
    /// Another object has what this one asks for.
    Conflict,
    /// Requests are refused, because to serve them would be unsafe.
    Denied,
    /// Its host is one of other namespaces.
    HostNotOwned,
    /// It is unknown, not supported or switched off, and without effect.
    Ignored,
    /// It is served, and protects less than it seems to.
    Insecure,
    /// A defect of Adit: what is concerned stays as it was.
    InternalError,
    /// The value of a field is not what it must be.
    Invalid,
    /// It is served up to a bound that another setting has.
    Limited,
    /// A Service has no endpoints.
    NoEndpoints,
    /// It names a Secret, a Service, a Service's port, or a ConfigMap that does not exist.
    ReferenceNotFound,
    /// The gateway cannot take it.
    Rejected,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What the admission webhook makes of a fact about an object that has not been accepted yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AtAdmission {
    /// The object is refused, as by ingress-nginx's webhook.
    Refuses,
    /// Who applies the object is warned.
    #[default]
    Warns,
    /// Nothing: another object is missing, which may come.
    Waits,
}

/// One fact about one field of one object (or file), for a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The object, or what else it is about, such as a file that cannot be read.
    #[serde(serialize_with = "as_shown", deserialize_with = "from_shown")]
    pub object: Subject,
    /// The field, as `spec.rules[0].host` or `metadata.annotations[nginx.ingress.kubernetes.io/app-root]`; empty for
    /// the whole object.
    pub field: Arc<str>,
    /// The value at fault, without credentials and shortened to 80 characters; `None` where there is none to show, or it
    /// is a secret.
    pub value: Option<Arc<str>>,
    /// What is wrong, what is expected, and what happens instead.
    pub message: Arc<str>,
    /// Where in a file, when the object comes from one.
    pub place: Option<Place>,
    /// What kind of fact it is.
    pub reason: Reason,
    /// The other object that it is about: the winner of a conflict, the Secret or Service at fault. It need not exist.
    #[serde(serialize_with = "as_shown_if_any", deserialize_with = "from_shown_if_any")]
    pub related: Option<Subject>,
    /// What the admission webhook makes of it.
    #[serde(skip)]
    pub at_admission: AtAdmission,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// The file, as the user named its directory.
    pub file: Arc<str>,
    /// The document in it, from 1.
    pub document: u32,
    /// The line in the file, from 1: the error's, or the document's first.
    pub line: u32,
}

impl fmt::Display for Place {
    /// `shop.yaml, document 2, line 14`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, document {}, line {}", Escaped(&self.file), self.document, self.line)
    }
}

impl Diagnostic {
    /// An error about `field` of `object`: [`Reason::Invalid`], unless [`Self::because`] says otherwise.
    pub fn error(object: impl Into<Subject>, field: impl Into<Arc<str>>, message: impl Into<Arc<str>>) -> Self {
        Self {
            severity: Severity::Error,
            object: object.into(),
            field: field.into(),
            value: None,
            message: message.into(),
            place: None,
            reason: Reason::Invalid,
            related: None,
            at_admission: AtAdmission::default(),
        }
    }

    /// A warning about `field` of `object`, likewise.
    pub fn warning(object: impl Into<Subject>, field: impl Into<Arc<str>>, message: impl Into<Arc<str>>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(object, field, message) }
    }

    /// What of `object` a defect of Adit keeps as it was.
    pub(crate) fn defect(object: impl Into<Subject>, message: impl Into<Arc<str>>) -> Self {
        Self::error(object, "", message).because(Reason::InternalError)
    }

    /// The same with the value at fault, without the credentials in it.
    pub fn with_value(mut self, value: &str) -> Self {
        self.value = Some(shown(value));
        self
    }

    /// The same for another reason.
    pub fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }

    /// The same with the other object that it is about.
    pub fn with_related(self, object: impl Into<Subject>) -> Self {
        Self { related: Some(object.into()), ..self }
    }

    /// The same, for which an object is refused at admission.
    pub(crate) fn refused(self) -> Self {
        Self { at_admission: AtAdmission::Refuses, ..self }
    }

    /// The same with its place in a file.
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }
}

/// A value without the credentials in it, shortened to 80 characters.
pub(crate) fn shown(value: &str) -> Arc<str> {
    const SHOWN: usize = 80;
    let value = without_credentials(value);
    let mut shown: String = value.chars().take(SHOWN).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    shown.into()
}

fn as_shown<S: Serializer>(subject: &Subject, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(subject)
}

fn as_shown_if_any<S: Serializer>(subject: &Option<Subject>, serializer: S) -> Result<S::Ok, S::Error> {
    match subject {
        Some(subject) => serializer.collect_str(subject),
        None => serializer.serialize_none(),
    }
}

/// What is read is only shown again: an object is no more than what it is called.
fn from_shown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Subject, D::Error> {
    String::deserialize(deserializer).map(Subject::other)
}

fn from_shown_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Subject>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Subject::other))
}

impl From<&Rejection> for Diagnostic {
    /// What the gateway rejects, as a fact about the object that it comes from.
    fn from(rejection: &Rejection) -> Self {
        let Rejection { origin, value, message, cause } = rejection;
        let rejected = Self::error(origin.object.clone(), origin.field.clone(), message.as_str()).with_value(value);
        match cause {
            RejectionCause::Conflict(winner) => rejected.because(Reason::Conflict).with_related(winner.object.clone()),
            RejectionCause::Invalid => rejected.because(Reason::Rejected),
            RejectionCause::Defect => rejected.because(Reason::InternalError),
        }
    }
}

impl From<&UnopenedPort> for Diagnostic {
    /// Likewise of a port that the gateway cannot open.
    fn from(unopened: &UnopenedPort) -> Self {
        let UnopenedPort { origin, port, message, .. } = unopened;
        let diagnostic = Self::error(origin.object.clone(), origin.field.clone(), message.as_str());
        diagnostic.with_value(&port.to_string()).because(Reason::Rejected)
    }
}

/// Text of somebody else's within one line: what could begin another one, or change how it is shown, is escaped.
pub(crate) struct Escaped<'a, T>(pub(crate) &'a T);

impl<T: fmt::Display> fmt::Display for Escaped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string().chars() {
            match c {
                ' '..='~' => f.write_char(c)?,
                c => write!(f, "{}", c.escape_debug())?,
            }
        }
        Ok(())
    }
}

/// What is said of the object: `spec.rules[0].host: "a b" is not …`.
#[derive(Debug)]
pub struct Statement<'a>(pub &'a Diagnostic);

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic { field, value, message, .. } = self.0;
        if !field.is_empty() {
            write!(f, "{}: ", Escaped(field))?;
        }
        if let Some(value) = value {
            write!(f, "{value:?} ")?;
        }
        // Some have several lines. Where one begins shows that it is no statement of its own.
        for (number, line) in message.split('\n').enumerate() {
            f.write_str(if number > 0 { "\n  " } else { "" })?;
            Escaped(&line).fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Diagnostic {
    /// `error: Ingress default/shop: spec.rules[0].host: "a b" is not …  (shop.yaml, document 2, line 14)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.severity, Escaped(&self.object), Statement(self))?;
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        Ok(())
    }
}
