//! What all rules begin with, whichever route they are of.

use super::rule_base::{self, RuleBase};
use crate::lookup::Lookup;
use crate::object::ObjectKey;
use crate::route_defaults::RouteDefaults;
use crate::settings::ControllerSettings;
use crate::store::Store;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the ConfigMap says for all rules.
#[derive(Debug)]
pub(super) struct RuleDefaults {
    /// Its settings for routes, without its snippets, which are for Ingresses.
    pub(super) settings: RouteDefaults,
    /// What rules without policies begin with.
    pub(super) base: Arc<RuleBase>,
    /// What was looked for to know that.
    pub(super) reads: BTreeSet<ObjectKey>,
}

impl RuleDefaults {
    pub(super) fn read(controller: &ControllerSettings, of_all: &RouteDefaults, store: &Store) -> Self {
        let settings =
            RouteDefaults { server_snippet: Arc::default(), location_snippet: Arc::default(), ..of_all.clone() };
        let lookup = Lookup::new(store);
        let base = Arc::new(rule_base::without_policies((controller, &settings), &lookup));
        Self { settings, base, reads: lookup.reads() }
    }
}
