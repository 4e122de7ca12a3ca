use std::fmt;
use std::sync::Arc;

/// What something is said of: an object, or what else a person can correct. The gateway shows it and never looks inside.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Anything but an object, by what it is called: `File shop.yaml`, `flag --configmap`, `TLS settings`.
    Other(Arc<str>),
    /// An object.
    Object(Arc<ObjectName>),
}

/// The name of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// Its kind, such as `Ingress`.
    pub kind: &'static str,
    /// Its namespace; empty for kinds that are in none.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

impl Subject {
    /// Something that is called so, and is no object.
    pub fn other(called: impl Into<Arc<str>>) -> Self {
        Self::Other(called.into())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(called) => f.write_str(called),
            Self::Object(name) => name.fmt(f),
        }
    }
}

impl fmt::Debug for Subject {
    /// Its text in quotes: it is in every origin, and nothing else tells a reader more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl fmt::Display for ObjectName {
    /// `Ingress default/shop`, or `IngressClass nginx`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name } = self;
        if namespace.is_empty() { write!(f, "{kind} {name}") } else { write!(f, "{kind} {namespace}/{name}") }
    }
}
