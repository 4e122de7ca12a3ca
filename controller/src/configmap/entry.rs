//! What an entry is: one key, what is made of it, and how.

use super::builder::ConfigBuilder;
use super::error::KeyError;
use super::value::Value;
use crate::value::parse_bool;

/// Keys that belong together.
#[derive(Debug)]
pub struct Family {
    /// Its heading in the documentation.
    pub title: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// One key: its name, how far it is supported, and how it is applied.
#[derive(Debug)]
pub struct Key {
    /// The name.
    pub name: &'static str,
    /// How far it is supported.
    pub support: Support,
    /// ingress-nginx's default: a value without an effect. If the key is not supported, it causes neither a warning nor
    /// a refusal.
    pub default: &'static str,
    /// What it sets, its unit and range, and its effect on a request.
    pub doc: &'static str,
    /// Writes a value into the configuration. Called only if `support` is full or partial.
    pub apply: fn(Value<'_>, &mut ConfigBuilder<'_>) -> Result<(), KeyError>,
}

/// How far a key is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As in ingress-nginx.
    Full,
    /// With this difference.
    Partial(&'static str),
    /// It has no effect, for this reason; a warning says so.
    Ignored(&'static str),
    /// Not supported yet. Requests are served without it; a warning says so.
    Planned,
    /// Not supported yet, and requests are not safe without it: every route answers 503.
    Denied,
}

impl Key {
    /// A key that works as in ingress-nginx.
    pub(super) const fn full(
        name: &'static str,
        default: &'static str,
        doc: &'static str,
        apply: fn(Value<'_>, &mut ConfigBuilder<'_>) -> Result<(), KeyError>,
    ) -> Self {
        Self { name, support: Support::Full, default, doc, apply }
    }

    /// The same with a difference.
    pub(super) const fn but(self, difference: &'static str) -> Self {
        Self { support: Support::Partial(difference), ..self }
    }

    /// A key that is not supported yet; requests are served without it.
    pub(super) const fn planned(name: &'static str, default: &'static str, doc: &'static str) -> Self {
        Self { support: Support::Planned, ..Self::full(name, default, doc, |_, _| Ok(())) }
    }

    /// A key that is not supported yet; every route answers 503, because requests are not safe without it.
    pub(super) const fn denied(name: &'static str, default: &'static str, doc: &'static str) -> Self {
        Self { support: Support::Denied, ..Self::planned(name, default, doc) }
    }

    /// A key without effect.
    pub(super) const fn ignored(
        name: &'static str,
        default: &'static str,
        why: &'static str,
        doc: &'static str,
    ) -> Self {
        Self { support: Support::Ignored(why), ..Self::planned(name, default, doc) }
    }

    /// Whether a value is the default in one of its spellings.
    pub(super) fn asks_for_nothing(&self, value: &str) -> bool {
        let value = value.trim();
        value.eq_ignore_ascii_case(self.default)
            || parse_bool(value).is_some_and(|given| parse_bool(self.default) == Some(given))
    }
}
