//! What an entry is: one key, what is made of it, and how.

use super::builder::ConfigBuilder;
use crate::registry::{Apply, Facets, Setting, Support, Value, parse_bool};

/// One key of the ConfigMap.
pub type Key = Setting<KeyFacets>;

/// What a key has beside what all settings have.
#[derive(Clone, Copy, Debug)]
pub struct KeyFacets {
    /// ingress-nginx's default: a value without an effect. If the key is not supported, it causes neither a warning nor
    /// a refusal.
    pub default: &'static str,
}

impl Facets for KeyFacets {
    type Value<'a> = Value<'a>;
    type Settings = ConfigBuilder;
}

impl Key {
    /// A key that works as in ingress-nginx.
    pub(super) const fn full(
        name: &'static str,
        default: &'static str,
        doc: &'static str,
        apply: Apply<KeyFacets>,
    ) -> Self {
        Self::supported(name, KeyFacets { default }, doc, apply)
    }

    /// A key without effect.
    pub(super) const fn ignored(
        name: &'static str,
        default: &'static str,
        why: &'static str,
        doc: &'static str,
    ) -> Self {
        Self::unsupported(name, Support::Ignored(why), KeyFacets { default }, doc)
    }

    /// Whether its values are Booleans.
    pub(super) fn is_switch(&self) -> bool {
        matches!(self.facets.default, "true" | "false")
    }

    /// Whether a value is the default in one of its spellings.
    pub(super) fn asks_for_nothing(&self, value: &str) -> bool {
        let (value, default) = (value.trim(), self.facets.default);
        value.eq_ignore_ascii_case(default) || parse_bool(value).is_some_and(|given| parse_bool(default) == Some(given))
    }
}
