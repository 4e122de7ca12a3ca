use super::error::ValueError;
use super::support::Support;
use crate::object::Kind;

/// One setting: its name, how far it is supported, and how it is applied.
#[derive(Clone, Copy, Debug)]
pub struct Setting<F: Facets> {
    /// The name, as users write it: an annotation's without its prefix, a flag's without dashes.
    pub name: &'static str,
    /// How far it is supported.
    pub support: Support,
    /// The kind of object that a value names: a ConfigMap, a Secret or a Service. `None` if it names none. What a
    /// cluster is watched for follows from it.
    pub refers: Option<Kind>,
    /// What it sets, its unit and range, and its effect on a request.
    pub doc: &'static str,
    /// What only settings of this kind have.
    pub facets: F,
    /// Applies a value. Called only if `support` is full or partial.
    pub apply: Apply<F>,
}

/// What settings of one kind have beside what all have, and what their values are read from and written to.
pub trait Facets: Copy + Send + Sync + 'static {
    /// A value as it is given.
    type Value<'a>;
    /// What values are written to.
    type Settings;
}

/// How the value of a setting is applied.
pub type Apply<F> = fn(<F as Facets>::Value<'_>, &mut <F as Facets>::Settings) -> Result<(), ValueError>;

impl<F: Facets> Setting<F> {
    /// A setting that works as in ingress-nginx.
    pub(crate) const fn supported(name: &'static str, facets: F, doc: &'static str, apply: Apply<F>) -> Self {
        Self { name, support: Support::Full, refers: None, doc, facets, apply }
    }

    /// A setting that does nothing.
    pub(crate) const fn unsupported(name: &'static str, support: Support, facets: F, doc: &'static str) -> Self {
        Self { support, ..Self::supported(name, facets, doc, |_, _| Ok(())) }
    }

    /// Whether a value names a ConfigMap: of these only the ones that are named are watched.
    pub(crate) fn names_config_map(&self) -> bool {
        self.refers == Some(Kind::ConfigMap)
    }

    /// The same with a difference.
    pub(crate) const fn but(self, difference: &'static str) -> Self {
        Self { support: Support::Partial(difference), ..self }
    }

    /// The same, of which a value names an object of this kind.
    pub(crate) const fn refers_to(self, kind: Kind) -> Self {
        Self { refers: Some(kind), ..self }
    }
}
