//! All settings of a kind, by family and by name.

use super::setting::{Facets, Setting};
use crate::suggestion::{did_you_mean, nearest};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Settings that belong together.
#[derive(Debug)]
pub struct Family<F: Facets> {
    /// Its heading in the documentation.
    pub title: &'static str,
    /// Its settings.
    pub settings: &'static [Setting<F>],
}

/// All settings of a kind.
#[derive(Debug)]
pub struct Registry<F: Facets> {
    families: &'static [Family<F>],
    by_name: OnceLock<HashMap<&'static str, &'static Setting<F>>>,
}

/// A kind of settings that has a registry.
pub trait Registered: Facets {
    /// All of its settings.
    fn registry() -> &'static Registry<Self>;
}

impl<F: Facets> Registry<F> {
    /// The settings of these families, in the order of the documentation.
    pub(crate) const fn new(families: &'static [Family<F>]) -> Self {
        Self { families, by_name: OnceLock::new() }
    }

    fn all(&self) -> impl Iterator<Item = &'static Setting<F>> + use<F> {
        self.families.iter().flat_map(|family| family.settings)
    }
}

impl<F: Registered> Setting<F> {
    /// All families, in the order of the documentation.
    pub fn families() -> &'static [Family<F>] {
        F::registry().families
    }

    /// Every entry.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        F::registry().all()
    }

    /// The entry of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        let registry = F::registry();
        let by_name = registry.by_name.get_or_init(|| registry.all().map(|setting| (setting.name, setting)).collect());
        by_name.get(name).copied()
    }

    /// The end of a message about a name that no entry has: the nearest one that there is.
    pub(crate) fn suggestion(name: &str) -> String {
        did_you_mean(nearest(name, Self::all().map(|setting| setting.name)))
    }
}
