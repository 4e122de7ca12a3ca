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

/// One key: its name, what is made of it, and how.
#[derive(Debug)]
pub struct Key {
    /// The name.
    pub name: &'static str,
    /// How far it is supported.
    pub support: Support,
    /// ingress-nginx's default: a value that asks for nothing. Where the key is not supported, it needs neither warning
    /// nor refusal.
    pub default: &'static str,
    /// What it does, and the values it takes.
    pub doc: &'static str,
    /// Writes a value into the configuration. Called only where `support` is full or partial.
    pub apply: fn(Value<'_>, &mut ConfigBuilder<'_>) -> Result<(), KeyError>,
}

/// How far a key is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As in ingress-nginx.
    Full,
    /// With this difference.
    Partial(&'static str),
    /// Without effect, for this reason; a warning says so.
    Ignored(&'static str),
    /// Not there yet; a warning says so.
    Planned,
    /// Not there yet, and unsafe to leave out: every route answers 503.
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

    /// A key that is not there yet; routes are served without it.
    pub(super) const fn planned(name: &'static str, default: &'static str, doc: &'static str) -> Self {
        Self { support: Support::Planned, ..Self::full(name, default, doc, |_, _| Ok(())) }
    }

    /// A key that is not there yet; routes must not be served without it.
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
